"""From a TCP connection to a login: algorithms, the pinned host key, who we are."""

import logging
import socket
import threading

import paramiko

from inventory.ssh import timeouts
from inventory.ssh.algorithms import KEY_TYPES, ModernTransport
from inventory.ssh.keys import private_key
from inventory.ssh.terms import (
    AlgorithmsRefused,
    AuthenticationFailed,
    HostKey,
    HostKeyChanged,
    HostKeyUnknown,
    SSHError,
    Target,
    Unreachable,
)

# What a transport thread logs with a traceback is raised here as an SSHError too.
logging.getLogger("paramiko.transport").setLevel(logging.CRITICAL)

KEEPALIVE_S = 15
UNACKNOWLEDGED_MS = 30_000
Socket = socket.socket | paramiko.Channel
# So many at a time: the keys of hundreds, exchanged at once by one process, all come too late.
_logins = threading.BoundedSemaphore(24)


def fetch_host_key(host: str, port: int = 22, *, timeout_s: float | None = None) -> HostKey:
    """Ask a host for its key without logging in."""
    sock = dial(host, host, port, timeout_s or timeouts.connect_s())
    return ask_host_key(sock, host, timeout_s or timeouts.read_s())


def ask_host_key(sock: Socket, name: str, timeout_s: float) -> HostKey:
    """Ask whoever is at the other end for its host key, and hang up."""
    transport = _transport(sock, name, timeout_s)
    try:
        return _presented(transport)
    finally:
        transport.close()


def dial(name: str, host: str, port: int, timeout_s: float) -> socket.socket:
    """Connect with TCP_NODELAY, which paramiko leaves off at 40 ms a channel."""
    where = f"{name} ({host} port {port})" if name != host else f"{host} port {port}"
    try:
        sock = socket.create_connection((host, port), timeout=timeout_s)
    except TimeoutError as error:
        raise Unreachable(f"{where} does not answer within {timeout_s:g} s.") from error
    except ConnectionRefusedError as error:
        raise Unreachable(f"{where} refuses the connection: is its SSH server running?") from error
    except socket.gaierror as error:
        raise Unreachable(f"{where}: there is no host of this name.") from error
    except OSError as error:
        raise Unreachable(f"{where} cannot be reached: {error.strerror or error}.") from error
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
    return sock


def _transport(
    sock: Socket, name: str, timeout_s: float, key_types: tuple[str, ...] = ()
) -> ModernTransport:
    """Negotiate, for certain types of host key if given."""
    transport = ModernTransport(sock)
    transport.daemon = True
    transport.banner_timeout = transport.auth_timeout = timeout_s
    transport.handshake_timeout = timeout_s
    if key_types:
        transport.get_security_options().key_types = key_types
    try:
        transport.start_client(timeout=timeout_s)
        transport.get_remote_server_key()
    except (paramiko.SSHException, OSError, EOFError) as error:
        transport.close()
        sock.close()
        raise _no_agreement(transport, name, error) from error
    return transport


def _no_agreement(transport: ModernTransport, name: str, error: Exception) -> SSHError:
    """Say why nothing was agreed on: the host offers nothing modern, or is no SSH server."""
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer) and transport.mismatch:
        return AlgorithmsRefused(
            f"{name} offers only what is no longer safe: {transport.mismatch}. "
            "Update its SSH server, or allow one of these there."
        )
    return Unreachable(f"{name} does not speak SSH as we do: {error}")


def log_in(sock: Socket, target: Target, timeout_s: float) -> paramiko.Transport:
    """Check the host key, then prove who we are."""
    if not target.host_key:
        sock.close()
        raise HostKeyUnknown(
            f"The host key of {target.name} is not confirmed: compare its fingerprint first."
        )
    expected = HostKey.parse(target.host_key)
    with _logins:
        transport = _transport(sock, target.name, timeout_s, _types_first(expected.type))
        try:
            _check_host_key(target, expected, _presented(transport))
            _authenticate(transport, target)
        except SSHError:
            transport.close()
            raise
    transport.set_keepalive(KEEPALIVE_S)
    return transport


def _types_first(pinned: str) -> tuple[str, ...]:
    """Ask for the pinned type first; the others only let us show what the host has instead."""
    names = ("rsa-sha2-512", "rsa-sha2-256") if pinned == "ssh-rsa" else (pinned,)
    wanted = tuple(name for name in names if name in KEY_TYPES)
    return wanted + tuple(name for name in KEY_TYPES if name not in names)


def _check_host_key(target: Target, expected: HostKey, presented: HostKey) -> None:
    """Refuse a host that is not the one we know."""
    if presented != expected:
        raise HostKeyChanged(
            f"The host key of {target.name} has changed: pinned is {expected.fingerprint}, "
            f"it shows {presented.fingerprint}. Nothing was sent. Confirm the new key only "
            "if you know why.",
            name=target.name,
            expected=expected,
            presented=presented,
        )


def _authenticate(transport: paramiko.Transport, target: Target) -> None:
    """Log in with the key, or else the password."""
    what = "this key" if target.key else "this password"
    key = private_key(target.key, target.passphrase or "", target.name) if target.key else None
    try:
        if key:
            transport.auth_publickey(target.username, key)
        else:
            transport.auth_password(target.username, target.password or "", fallback=False)
    except paramiko.AuthenticationException as error:
        raise AuthenticationFailed(
            f"{target.name} refuses the login of {target.username} with {what}."
        ) from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise Unreachable(f"{target.name} broke off during the login: {error}") from error


def _presented(transport: paramiko.Transport) -> HostKey:
    """Return the key that the host showed."""
    key = transport.get_remote_server_key()
    return HostKey(key.get_name(), key.get_base64())
