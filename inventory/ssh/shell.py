"""A resident shell: many scripts, one channel."""

import base64
import secrets
import shlex
import time

import paramiko

from inventory.ssh.channel import channel_errors, left, send
from inventory.ssh.terms import Completed, SSHError
from inventory.ssh.timeouts import command_s


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

    def call(self, script: str, *, stdin: bytes = b"", timeout_s: float | None = None) -> Completed:
        """Run a script in a subshell; the shell is unusable after an SSHError."""
        body = f"( eval {shlex.quote(script)} )"
        if stdin:
            # A here-document, for dash reads its own input ahead in blocks.
            encoded = base64.encodebytes(stdin).decode()
            body = f"base64 -d <<'{self._tag}' | {body}\n{encoded}{self._tag}"
        else:
            body += " </dev/null"
        return self._exchange(body, timeout_s)

    def define(self, script: str, *, timeout_s: float | None = None) -> Completed:
        """Run a script in the shell itself: its functions and variables stay."""
        return self._exchange(f"eval {shlex.quote(script)} </dev/null", timeout_s)

    def _exchange(self, body: str, timeout_s: float | None) -> Completed:
        """Send one framed command and read its answer."""
        timeout_s = timeout_s or command_s()
        deadline = time.monotonic() + timeout_s
        frame = f"{body}\nprintf '\\001%s:%d\\n' {self._tag} $?\n"
        try:
            with channel_errors(self._name, timeout_s):
                send(self._channel, frame.encode(), deadline)
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
            self._channel.settimeout(left(deadline))
            chunk = self._channel.recv(65_536)
            if not chunk:
                raise EOFError("the shell ended")
            self._buffer += chunk
