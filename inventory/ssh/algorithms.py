"""Modern algorithms only; a host that has none of them is told which it offers instead."""

import socket
from contextlib import suppress
from typing import Any

from inventory.ssh.ordered import OrderedTransport

KEY_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
# curve25519 costs a tenth of what the groups do.
KEX = (
    "curve25519-sha256@libssh.org",
    "mlkem768x25519-sha256",
    "ecdh-sha2-nistp256",
    "diffie-hellman-group16-sha512",
)
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes256-ctr")
MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com")
# What is negotiated: its name, the word of sshd_config, what we take, what the host listed.
NEGOTIATED = (
    ("key exchanges", "KexAlgorithms", KEX, "kex_algo_list"),
    ("host keys", "HostKeyAlgorithms", KEY_TYPES, "server_key_algo_list"),
    ("ciphers", "Ciphers", CIPHERS, "server_encrypt_algo_list"),
    ("MACs", "MACs", MACS, "server_mac_algo_list"),
)


class ModernTransport(OrderedTransport):
    """A transport with modern algorithms only, which remembers what the host offered."""

    # Seconds between two looks of the reading thread at nothing: ten a second, paramiko's own, are
    # most of what some hundred idle connections cost.
    _active_check_timeout = 1.0
    _preferred_kex = KEX
    _preferred_ciphers = CIPHERS
    _preferred_macs = MACS
    _preferred_keys = KEY_TYPES
    _preferred_pubkeys = KEY_TYPES
    offered: dict[str, list[str]] | None = None

    def _really_parse_kex_init(self, m: Any, ignore_first_byte: bool = False) -> Any:
        """Keep the lists of the host; our own are read again with the first byte ignored."""
        parsed = super()._really_parse_kex_init(m, ignore_first_byte)  # type: ignore[misc]
        if not ignore_first_byte:
            self.offered = parsed
        return parsed

    def close(self) -> None:
        """End, without waiting for the reading thread to look up."""
        with suppress(OSError, EOFError):
            self.sock.shutdown(socket.SHUT_RDWR)
        super().close()

    @property
    def mismatch(self) -> str:
        """Say what the host offers where it has nothing that we take; empty when all fits."""
        offered = self.offered or {}
        return "; ".join(
            f"its {name} are {', '.join(_plain(offered[listed]))}, and one of "
            f"{', '.join(taken)} is needed ({word} in its sshd_config)"
            for name, word, taken, listed in NEGOTIATED
            if listed in offered and not set(taken) & set(offered[listed])
        )


def _plain(names: list[str]) -> list[str]:
    """Leave out what is listed among key exchanges and is none."""
    return [name for name in names if not name.startswith(("ext-info-", "kex-strict-"))]
