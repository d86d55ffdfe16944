"""What SSH is spoken of in: errors in words, host keys, targets, results; imports no paramiko."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Self


class SSHError(Exception):
    """A host could not be reached, was not the one we know, or refused; the text says which."""


class Unreachable(SSHError):
    """Nothing answers, or the connection broke."""


class AlgorithmsRefused(SSHError):
    """The host offers no modern algorithm."""


class HostKeyUnknown(SSHError):
    """Nobody has confirmed this host's key yet."""


class HostKeyChanged(SSHError):
    """The host shows another key than the pinned one."""

    def __init__(self, message: str, *, name: str, expected: HostKey, presented: HostKey) -> None:
        super().__init__(message)
        self.name = name
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
    """Where to log in, as whom, and which host key must be there; secrets stay out of its repr.

    `login` names the stored login it was made from. sudo takes the password where it has none of
    its own.
    """

    name: str
    host: str
    port: int
    username: str
    key: str | None = field(repr=False)
    password: str | None = field(repr=False)
    host_key: str
    sudo: bool = False
    bastion: Target | None = None
    passphrase: str | None = field(default=None, repr=False)
    sudo_password: str | None = field(default=None, repr=False)
    login: str = ""


@dataclass(frozen=True)
class Completed:
    """How a command ended and what it printed, both streams in one."""

    exit_code: int
    output: bytes

    @property
    def text(self) -> str:
        """Return the output as text; bytes that are none are replaced."""
        return self.output.decode(errors="replace")
