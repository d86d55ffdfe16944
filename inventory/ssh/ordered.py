"""Channels that say nothing after they have hung up.

paramiko lets a thread that sends overtake one that closes (paramiko/paramiko#1115, #1705), and
sshd ends the whole connection, with all its other channels, over a message to a channel that is
closed. So each message knows its channel here, and the transport, which sends one message after
the other, leaves out what comes too late.
"""

from contextlib import suppress
from typing import Any

import paramiko
from paramiko.common import MSG_CHANNEL_CLOSE


class OrderedChannel(paramiko.Channel):
    """A channel whose messages know whose they are."""

    has_hung_up = False

    def close(self) -> None:
        """Hang up, if there is still a connection to say that on.

        paramiko's thread closes its socket at the end, which may be a channel of a bastion's
        connection that is gone by then; an error there would reach nobody.
        """
        with suppress(EOFError, OSError, paramiko.SSHException):
            super().close()

    def _send(self, s: Any, m: Any) -> Any:
        return super()._send(s, self._own(m))  # type: ignore[misc]

    def _send_eof(self) -> Any:
        return self._own(super()._send_eof())  # type: ignore[misc]

    def _close_internal(self) -> Any:
        return tuple(map(self._own, super()._close_internal()))  # type: ignore[misc]

    def _own(self, message: Any) -> Any:
        """Write on a message, if there is one, whose it is."""
        if message is not None:
            message.channel = self
        return message


class OrderedTransport(paramiko.Transport):
    """A transport whose channels are ordered ones."""

    def open_channel(self, *args: Any, **kwargs: Any) -> paramiko.Channel:
        """Open a channel; paramiko makes it itself and leaves no choice of its class."""
        channel = super().open_channel(*args, **kwargs)
        channel.__class__ = OrderedChannel
        return channel

    def _send_message(self, data: Any) -> None:
        """Send, under paramiko's lock, unless the channel whose message it is has hung up."""
        channel = getattr(data, "channel", None)
        if channel:
            if channel.has_hung_up:
                return
            channel.has_hung_up = data.asbytes()[0] == MSG_CHANNEL_CLOSE
        super()._send_message(data)  # type: ignore[misc]
