"""How long a host may take: to be reached, to answer while we log in, to carry out a command."""

from django.conf import settings


def connect_s() -> float:
    """Return how long a TCP connection may take."""
    return float(settings.SSH_CONNECT_TIMEOUT_S)


def read_s() -> float:
    """Return how long banner, key exchange and login may each take."""
    return float(settings.SSH_READ_TIMEOUT_S)


def command_s() -> float:
    """Return how long a command may take whose caller does not say."""
    return float(settings.SSH_COMMAND_TIMEOUT_S)
