"""SSH to containers: pinned host keys, one login, commands and a resident shell.

The only importer of paramiko. What a host refuses is said in words, as an SSHError.
"""

from __future__ import annotations

import base64
import hashlib
import io
import logging
import secrets
import shlex
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

import paramiko

from inventory.models.containers import Container
from inventory.states import CredentialKind

# What a transport thread logs with a traceback is raised here as an SSHError too.
logging.getLogger("paramiko.transport").setLevel(logging.CRITICAL)

KEEPALIVE_S = 15
UNACKNOWLEDGED_MS = 30_000
# One sendall of megabytes is quadratic in paramiko: slices of a packet are not.
SLICE = 32_768
KEY_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)

Socket = socket.socket | paramiko.Channel


class SSHError(Exception):
    """A host could not be reached, was not the one we know, or refused; the text says which."""


class Unreachable(SSHError):
    """Nothing answers, or the connection broke."""


class HostKeyUnknown(SSHError):
    """Nobody has confirmed this host's key yet."""


class HostKeyChanged(SSHError):
    """The host shows another key than the pinned one."""

    def __init__(self, message: str, *, expected: HostKey, presented: HostKey) -> None:
        super().__init__(message)
        self.expected = expected
        self.presented = presented


class AuthenticationFailed(SSHError):
    """The host refuses the login, or sudo does."""


class CommandTimeout(SSHError):
    """A command did not end in its time."""


@dataclass(frozen=True)
class HostKey:
    """A public host key."""

    type: str
    base64: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "type base64", the form in which a container keeps it."""
        kind, _, rest = text.strip().partition(" ")
        blob = rest.split(" ")[0]
        if not kind or not blob:
            raise HostKeyUnknown("The pinned host key cannot be read: pin it again.")
        return cls(kind, blob)

    @property
    def fingerprint(self) -> str:
        """Return the fingerprint as ssh-keygen -l prints it."""
        digest = hashlib.sha256(base64.b64decode(self.base64)).digest()
        return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"

    def __str__(self) -> str:
        """Return "type base64"."""
        return f"{self.type} {self.base64}"


@dataclass(frozen=True)
class Target:
    """Where to log in, as whom, and which host key must be there; secrets stay out of its repr."""

    name: str
    host: str
    port: int
    username: str
    key: str | None = field(repr=False)
    password: str | None = field(repr=False)
    host_key: str
    sudo: bool = False
    bastion: Target | None = None


@dataclass(frozen=True)
class Completed:
    """How a command ended and what it printed, both streams in one."""

    exit_code: int
    output: bytes

    @property
    def text(self) -> str:
        """Return the output as text; bytes that are none are replaced."""
        return self.output.decode(errors="replace")


def target_for(container: Container) -> Target:
    """Read how to log in to a container; raises SSHError that says what is missing."""
    credential = container.credential
    if credential is None:
        raise AuthenticationFailed(f"{container.name} has no credential: choose one on its page.")
    if not container.host_key:
        raise HostKeyUnknown(
            f"The host key of {container.name} is not confirmed: compare its fingerprint first."
        )
    is_key = credential.kind == CredentialKind.KEY
    return Target(
        name=container.name,
        host=address_of(container),
        port=container.ssh_port,
        username=credential.username,
        key=credential.secret if is_key else None,
        password=None if is_key else credential.secret,
        host_key=container.host_key,
        sudo=credential.sudo,
    )


def fetch_host_key(host: str, port: int = 22, *, timeout_s: float = 10) -> HostKey:
    """Ask a host for its key without logging in."""
    transport = _transport(_dial(host, host, port, timeout_s), host, timeout_s)
    try:
        return _presented(transport)
    finally:
        transport.close()


class Connection:
    """One login on one host."""

    def __init__(
        self, target: Target, transport: paramiko.Transport, bastion: Connection | None = None
    ) -> None:
        self.target = target
        self._transport = transport
        self._bastion = bastion

    @classmethod
    @contextmanager
    def open(cls, target: Target, *, connect_timeout_s: float = 10) -> Iterator[Self]:
        """Log in for a while; raises SSHError."""
        connection = cls.connect(target, connect_timeout_s=connect_timeout_s)
        try:
            yield connection
        finally:
            connection.close()

    @classmethod
    def connect(cls, target: Target, *, connect_timeout_s: float = 10) -> Self:
        """Log in until `close`; raises SSHError."""
        bastion: Connection | None = None
        if target.bastion:
            bastion = cls.connect(target.bastion, connect_timeout_s=connect_timeout_s)
        try:
            sock = (
                bastion.tunnel(target.host, target.port, connect_timeout_s)
                if bastion
                else _dial(target.name, target.host, target.port, connect_timeout_s)
            )
            transport = _login(sock, target, connect_timeout_s)
        except SSHError:
            if bastion:
                bastion.close()
            raise
        return cls(target, transport, bastion)

    @property
    def alive(self) -> bool:
        """Tell whether the connection stands, as far as this side knows."""
        return self._transport.is_active()

    def run(self, command: str, *, stdin: bytes = b"", timeout_s: float = 30) -> Completed:
        """Run one command on a channel of its own; raises CommandTimeout and Unreachable."""
        deadline = time.monotonic() + timeout_s
        channel = self._exec(command, timeout_s)
        try:
            with _channel_errors(self.target.name, timeout_s):
                _send(channel, stdin, deadline)
                channel.shutdown_write()
                output = b"".join(_chunks(channel, deadline))
                if not channel.status_event.wait(max(0, deadline - time.monotonic())):
                    raise TimeoutError
                return Completed(channel.recv_exit_status(), output)
        finally:
            channel.close()

    def shell(self, *, timeout_s: float = 15) -> Shell:
        """Start the resident shell, as root where the target says sudo."""
        command, password = self._shell_command(timeout_s)
        channel = self._exec(command, timeout_s)
        shell = Shell(channel, self.target.name)
        if password:
            _send(channel, f"{password}\n".encode(), time.monotonic() + timeout_s)
        try:
            # sshd keeps the streams apart: an error would arrive after its frame has ended.
            _send(channel, b"exec 2>&1\n", time.monotonic() + timeout_s)
            shell.call(":", timeout_s=timeout_s)
        except Unreachable as error:
            if self.target.sudo and self.alive:
                raise AuthenticationFailed(
                    f"sudo on {self.target.name} refuses {self.target.username}: "
                    f"{shell.leftover or 'no reason given'}"
                ) from error
            raise
        return shell

    def tunnel(self, host: str, port: int, timeout_s: float) -> paramiko.Channel:
        """Open a way through this host to another one."""
        try:
            return self._transport.open_channel(
                "direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=timeout_s
            )
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise Unreachable(
                f"{self.target.name} cannot reach {host} port {port}: {error}"
            ) from error

    def close(self) -> None:
        """End the connection and the way through the bastion."""
        self._transport.close()
        if self._bastion:
            self._bastion.close()

    def _exec(self, command: str, timeout_s: float) -> paramiko.Channel:
        """Open a channel that runs a command with both streams in one."""
        with _channel_errors(self.target.name, timeout_s):
            channel = self._transport.open_session(timeout=timeout_s)
            channel.set_combine_stderr(True)
            channel.settimeout(timeout_s)
            channel.exec_command(command)
            return channel

    def _shell_command(self, timeout_s: float) -> tuple[str, str | None]:
        """Choose how the shell is started, and the password that it reads first."""
        if not self.target.sudo or self.target.username == "root":
            return "exec /bin/sh", None
        if self.run("sudo -n true", timeout_s=timeout_s).exit_code == 0:
            return "exec sudo -n /bin/sh", None
        if not self.target.password:
            raise AuthenticationFailed(
                f"sudo on {self.target.name} asks {self.target.username} for a password, "
                "but the credential has none."
            )
        # -k: with a cached login sudo would not read the password and the shell would.
        return "exec sudo -k -S -p '' /bin/sh", self.target.password


class Shell:
    """A resident /bin/sh on one channel; every call is framed, so no channel per command."""

    def __init__(self, channel: paramiko.Channel, name: str) -> None:
        self._channel = channel
        self._name = name
        self._tag = f"voipadmin-{secrets.token_hex(8)}"
        self._buffer = bytearray()

    @property
    def leftover(self) -> str:
        """Return what came outside any frame."""
        return bytes(self._buffer).decode(errors="replace").strip()

    def call(self, script: str, *, stdin: bytes = b"", timeout_s: float = 30) -> Completed:
        """Run a script in a subshell; the shell is unusable after an SSHError."""
        body = f"( eval {shlex.quote(script)} )"
        if stdin:
            # A here-document, for dash reads its own input ahead in blocks.
            encoded = base64.encodebytes(stdin).decode()
            body = f"base64 -d <<'{self._tag}' | {body}\n{encoded}{self._tag}"
        else:
            body += " </dev/null"
        return self._exchange(body, timeout_s)

    def define(self, script: str, *, timeout_s: float = 30) -> Completed:
        """Run a script in the shell itself: its functions and variables stay."""
        return self._exchange(f"eval {shlex.quote(script)} </dev/null", timeout_s)

    def _exchange(self, body: str, timeout_s: float) -> Completed:
        """Send one framed command and read its answer."""
        deadline = time.monotonic() + timeout_s
        frame = f"{body}\nprintf '\\001%s:%d\\n' {self._tag} $?\n"
        try:
            with _channel_errors(self._name, timeout_s):
                _send(self._channel, frame.encode(), deadline)
                return self._read(deadline)
        except SSHError:
            self.close()
            raise

    def close(self) -> None:
        """End the shell."""
        self._channel.close()

    def _read(self, deadline: float) -> Completed:
        """Read to the end of the frame."""
        mark, start = b"\x01" + self._tag.encode() + b":", 0
        while True:
            at = self._buffer.find(mark, start)
            end = self._buffer.find(b"\n", at) if at >= 0 else -1
            if end >= 0:
                output = bytes(self._buffer[:at])
                code = int(self._buffer[at + len(mark) : end])
                del self._buffer[: end + 1]
                return Completed(code, output)
            start = max(0, len(self._buffer) - len(mark)) if at < 0 else at
            self._channel.settimeout(_left(deadline))
            chunk = self._channel.recv(65_536)
            if not chunk:
                raise EOFError("the shell ended")
            self._buffer += chunk


def address_of(container: Container) -> str:
    """Find the address that the portal logs in to."""
    for address in container.addresses.all():
        if address.network.kind == container.ssh_network:
            return str(address.ip)
    raise Unreachable(
        f"{container.name} has no {container.ssh_network} address to log in to: add one."
    )


def _dial(name: str, host: str, port: int, timeout_s: float) -> socket.socket:
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


class _Transport(paramiko.Transport):
    """A transport with modern algorithms only; curve25519 costs a tenth of the groups."""

    _preferred_kex = (
        "curve25519-sha256@libssh.org",
        "mlkem768x25519-sha256",
        "ecdh-sha2-nistp256",
        "diffie-hellman-group16-sha512",
    )
    _preferred_ciphers = (
        "aes128-gcm@openssh.com",
        "aes256-gcm@openssh.com",
        "aes128-ctr",
        "aes256-ctr",
    )
    _preferred_macs = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com")


def _transport(
    sock: Socket, name: str, timeout_s: float, key_types: tuple[str, ...] = ()
) -> paramiko.Transport:
    """Negotiate, for certain types of host key if given."""
    transport = _Transport(sock)
    transport.daemon = True
    transport.banner_timeout = transport.auth_timeout = timeout_s
    if key_types:
        transport.get_security_options().key_types = key_types
    try:
        transport.start_client(timeout=timeout_s)
        transport.get_remote_server_key()
    except (paramiko.SSHException, OSError, EOFError) as error:
        transport.close()
        sock.close()
        raise Unreachable(f"{name} does not speak SSH as we do: {error}") from error
    return transport


def _login(sock: Socket, target: Target, timeout_s: float) -> paramiko.Transport:
    """Check the host key, then prove who we are."""
    if not target.host_key:
        sock.close()
        raise HostKeyUnknown(
            f"The host key of {target.name} is not confirmed: compare its fingerprint first."
        )
    expected = HostKey.parse(target.host_key)
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
            expected=expected,
            presented=presented,
        )


def _authenticate(transport: paramiko.Transport, target: Target) -> None:
    """Log in with the key, or else the password."""
    what = "this key" if target.key else "this password"
    try:
        if target.key:
            transport.auth_publickey(target.username, _private_key(target.key or "", target.name))
        else:
            transport.auth_password(target.username, target.password or "", fallback=False)
    except paramiko.AuthenticationException as error:
        raise AuthenticationFailed(
            f"{target.name} refuses the login of {target.username} with {what}."
        ) from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise Unreachable(f"{target.name} broke off during the login: {error}") from error


def check_private_key(text: str) -> str:
    """Return the fingerprint of a private key; raises AuthenticationFailed when it is none."""
    digest = hashlib.sha256(_private_key(text, "this login").asbytes()).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def _private_key(text: str, name: str) -> paramiko.PKey:
    """Read a private key of any type; its text never gets into a message."""
    kinds: tuple[type[paramiko.PKey], ...] = (
        paramiko.Ed25519Key,
        paramiko.ECDSAKey,
        paramiko.RSAKey,
    )
    for kind in kinds:
        try:
            return kind.from_private_key(io.StringIO(text))
        except paramiko.PasswordRequiredException:
            raise AuthenticationFailed(
                f"The private key for {name} has a passphrase: store one without."
            ) from None
        except (paramiko.SSHException, ValueError, IndexError):
            continue
    raise AuthenticationFailed(
        f"The private key for {name} cannot be read: Ed25519, ECDSA and RSA are."
    )


def _presented(transport: paramiko.Transport) -> HostKey:
    """Return the key that the host showed."""
    key = transport.get_remote_server_key()
    return HostKey(key.get_name(), key.get_base64())


@contextmanager
def _channel_errors(name: str, timeout_s: float) -> Iterator[None]:
    """Say in words what happens to a channel."""
    try:
        yield
    except TimeoutError as error:
        raise CommandTimeout(f"{name} did not finish within {timeout_s:g} s.") from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        reason = str(error) or "the connection broke"
        raise Unreachable(f"{name} is no longer connected: {reason}.") from error


def _send(channel: paramiko.Channel, data: bytes, deadline: float) -> None:
    """Send in slices."""
    for start in range(0, len(data), SLICE):
        channel.settimeout(_left(deadline))
        channel.sendall(data[start : start + SLICE])


def _chunks(channel: paramiko.Channel, deadline: float) -> Iterator[bytes]:
    """Read to the end of the output."""
    receive: Callable[[int], bytes] = channel.recv
    channel.settimeout(_left(deadline))
    while chunk := receive(65_536):
        yield chunk
        channel.settimeout(_left(deadline))


def _left(deadline: float) -> float:
    """Return the seconds left; raises TimeoutError when there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
