"""SSH to containers: pinned host keys, one login, commands and a resident shell.

The only importer of paramiko. What a host refuses is said in words, as an SSHError.
"""

from inventory.ssh.access import (
    bastion_of,
    bastion_target,
    credential_for,
    credentials_of,
    shown_host_key,
    target_for,
)
from inventory.ssh.connection import Connection, host_key_of
from inventory.ssh.keys import check_private_key
from inventory.ssh.login import fetch_host_key
from inventory.ssh.shell import Shell
from inventory.ssh.terms import (
    AlgorithmsRefused,
    AuthenticationFailed,
    CommandTimeout,
    Completed,
    HostKey,
    HostKeyChanged,
    HostKeyUnknown,
    SSHError,
    Target,
    Unreachable,
)

__all__ = [
    "AlgorithmsRefused",
    "AuthenticationFailed",
    "CommandTimeout",
    "Completed",
    "Connection",
    "HostKey",
    "HostKeyChanged",
    "HostKeyUnknown",
    "SSHError",
    "Shell",
    "Target",
    "Unreachable",
    "bastion_of",
    "bastion_target",
    "check_private_key",
    "credential_for",
    "credentials_of",
    "fetch_host_key",
    "host_key_of",
    "shown_host_key",
    "target_for",
]
