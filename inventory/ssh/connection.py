"""One login on one host: commands, a way through to others, the resident shell."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import paramiko

from inventory.ssh.channel import channel_errors, chunks, send
from inventory.ssh.login import dial, log_in
from inventory.ssh.shell import Shell
from inventory.ssh.terms import AuthenticationFailed, Completed, SSHError, Target, Unreachable


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
                else dial(target.name, target.host, target.port, connect_timeout_s)
            )
            transport = log_in(sock, target, connect_timeout_s)
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
            with channel_errors(self.target.name, timeout_s):
                send(channel, stdin, deadline)
                channel.shutdown_write()
                output = b"".join(chunks(channel, deadline))
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
            send(channel, f"{password}\n".encode(), time.monotonic() + timeout_s)
        try:
            # sshd keeps the streams apart: an error would arrive after its frame has ended.
            send(channel, b"exec 2>&1\n", time.monotonic() + timeout_s)
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
        with channel_errors(self.target.name, timeout_s):
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
