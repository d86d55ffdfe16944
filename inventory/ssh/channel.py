"""What a channel does, within a deadline and with its errors in words."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import paramiko

from inventory.ssh.terms import CommandTimeout, Unreachable

# One sendall of megabytes is quadratic in paramiko: slices of a packet are not.
SLICE = 32_768


@contextmanager
def channel_errors(name: str, timeout_s: float) -> Iterator[None]:
    """Say in words what happens to a channel."""
    try:
        yield
    except TimeoutError as error:
        raise CommandTimeout(f"{name} did not finish within {timeout_s:g} s.") from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        reason = str(error) or "the connection broke"
        raise Unreachable(f"{name} is no longer connected: {reason}.") from error


def send(channel: paramiko.Channel, data: bytes, deadline: float) -> None:
    """Send in slices."""
    for start in range(0, len(data), SLICE):
        channel.settimeout(left(deadline))
        channel.sendall(data[start : start + SLICE])


def chunks(channel: paramiko.Channel, deadline: float) -> Iterator[bytes]:
    """Read to the end of the output."""
    receive: Callable[[int], bytes] = channel.recv
    channel.settimeout(left(deadline))
    while chunk := receive(65_536):
        yield chunk
        channel.settimeout(left(deadline))


def left(deadline: float) -> float:
    """Return the seconds left; raises TimeoutError when there are none."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
