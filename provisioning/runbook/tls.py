"""References to certificates and keys, which the portal issues when a run begins."""

from collections.abc import Iterable

from provisioning.steps import secret_reference

PREFIX = "tls."
AUTHORITY = "tls.authority"
# What of a machine, and of the public side, a template may ask for.
PARTS = ("certificate", "key", "public-certificate", "public-key")


def tls_reference(machine: str, part: str) -> str:
    """Return what stands for a part of a machine's certificate until its file is sent.

    `certificate` and `key` come from the cluster's own authority, `public-certificate` (with its
    chain) and `public-key` are what was uploaded, else the same; `authority` is its certificate.
    """
    if part == "authority":
        return secret_reference(AUTHORITY)
    if part not in PARTS:
        raise ValueError(f"tls knows authority, {', '.join(PARTS)}, and not {part!r}.")
    return secret_reference(f"{PREFIX}{part}.{machine.lower()}")


def is_tls(key: str) -> bool:
    """Tell whether a secret's key means a certificate or its key."""
    return key.startswith(PREFIX)


def is_shown(key: str) -> bool:
    """Tell whether it is a certificate, which anybody may see."""
    return key == AUTHORITY or (is_tls(key) and "key" not in key.split(".")[1].split("-"))


def machines_of(keys: Iterable[str]) -> set[str]:
    """Return the machines, in small letters, whose certificates these keys mean."""
    return {key.split(".", 2)[2] for key in keys if is_tls(key) and key != AUTHORITY}
