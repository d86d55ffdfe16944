"""One login on one host: commands, a way through to others, the resident shell."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Self

import paramiko

from inventory.ssh import timeouts
from inventory.ssh.channel import channel_errors, chunks, send
from inventory.ssh.login import ask_host_key, dial, log_in
from inventory.ssh.shared import Pass, enter, leave
from inventory.ssh.shell import Shell
from inventory.ssh.sudo import refusal, shell_command
from inventory.ssh.terms import Completed, HostKey, SSHError, Target, Unreachable

# OPEN_ADMINISTRATIVELY_PROHIBITED: the server forbids what was asked for.
FORBIDDEN = 1


class Connection:
    """One login on one host."""

    def __init__(
        self, target: Target, transport: paramiko.Transport, way: Pass | None = None
    ) -> None:
        self.target = target
        self._transport = transport
        self._way = way

    @classmethod
    @contextmanager
    def open(cls, target: Target, *, connect_timeout_s: float | None = None) -> Iterator[Self]:
        """Log in for a while; raises SSHError."""
        connection = cls.connect(target, connect_timeout_s=connect_timeout_s)
        try:
            yield connection
        finally:
            connection.close()

    @classmethod
    def connect(
        cls,
        target: Target,
        *,
        connect_timeout_s: float | None = None,
        read_timeout_s: float | None = None,
    ) -> Self:
        """Log in until `close`; raises SSHError.

        Whoever says only how long connecting may take gives each answer as long; without either
        the settings count. A bastion's connection is shared with others who go through it.
        """
        read_s = read_timeout_s or connect_timeout_s or timeouts.read_s()
        connect_s = connect_timeout_s or timeouts.connect_s()
        if target.bastion is None:
            sock = dial(target.name, target.host, target.port, connect_s)
            return cls(target, log_in(sock, target, read_s))
        way = enter(
            target.bastion,
            lambda bastion: cls.connect(
                bastion, connect_timeout_s=connect_s, read_timeout_s=read_s
            ),
        )
        try:
            channel = way.connection.tunnel(target.host, target.port, connect_s)
            return cls(target, log_in(channel, target, read_s), way)
        except SSHError:
            leave(way)
            raise

    @property
    def alive(self) -> bool:
        """Tell whether the connection stands, as far as this side knows."""
        return self._transport.is_active()

    def run(self, command: str, *, stdin: bytes = b"", timeout_s: float | None = None) -> Completed:
        """Run one command on a channel of its own; raises CommandTimeout and Unreachable."""
        timeout_s = timeout_s or timeouts.command_s()
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

    def shell(self, *, timeout_s: float | None = None) -> Shell:
        """Start the resident shell, as root where the target says sudo."""
        timeout_s = timeout_s or timeouts.command_s()
        command, password = shell_command(self.target, partial(self.run, timeout_s=timeout_s))
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
                raise refusal(self.target, shell.leftover) from error
            raise
        return shell

    def tunnel(self, host: str, port: int, timeout_s: float) -> paramiko.Channel:
        """Open a way through this host to another one."""
        try:
            return self._transport.open_channel(
                "direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=timeout_s
            )
        except paramiko.ChannelException as error:
            if error.code == FORBIDDEN:
                raise Unreachable(
                    f"{self.target.name} does not let anybody through to {host} port {port}: "
                    "AllowTcpForwarding and PermitOpen in its sshd_config say who may."
                ) from error
            raise self._unreachable(host, port, error) from error
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._unreachable(host, port, error) from error

    def _unreachable(self, host: str, port: int, error: Exception) -> Unreachable:
        """Say that this host does not get through to another one."""
        why = str(error) or "the connection broke"
        return Unreachable(f"{self.target.name} cannot reach {host} port {port}: {why}.")

    def close(self) -> None:
        """End the connection; the way through the bastion ends with the last who uses it."""
        self._transport.close()
        way, self._way = self._way, None
        if way:
            leave(way)

    def _exec(self, command: str, timeout_s: float) -> paramiko.Channel:
        """Open a channel that runs a command with both streams in one."""
        with channel_errors(self.target.name, timeout_s):
            channel = self._transport.open_session(timeout=timeout_s)
            channel.set_combine_stderr(True)
            channel.settimeout(timeout_s)
            channel.exec_command(command)
            return channel


def host_key_of(
    name: str, host: str, port: int, *, bastion: Target | None, timeout_s: float | None = None
) -> HostKey:
    """Ask a host for its key without logging in there, through its bastion where it has one."""
    connect_s = timeout_s or timeouts.connect_s()
    read_s = timeout_s or timeouts.read_s()
    if bastion is None:
        return ask_host_key(dial(name, host, port, connect_s), name, read_s)
    with Connection.open(bastion) as way:
        return ask_host_key(way.tunnel(host, port, connect_s), name, read_s)
