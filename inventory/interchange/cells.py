"""How lists and odd text stand in a cell of a table, without loss; pure.

Items are separated by semicolons; a literal semicolon or backslash is led by a backslash. A cell
that a spreadsheet would take for a formula is led by an apostrophe.
"""

import re
from collections.abc import Iterable
from typing import Any

from inventory.changes import RoleChoice
from inventory.topology import AddressView, DiskView

# What spreadsheets calculate, and the apostrophe itself, so that reading undoes writing.
FORMULA = ("=", "+", "-", "@", "'")


def guarded(cell: str) -> str:
    """Return a cell that no spreadsheet calculates."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def unguarded(cell: str) -> str:
    """Return what `guarded` was given."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell


def joined(items: Iterable[str]) -> str:
    """Return items as one cell."""
    return "; ".join(re.sub(r"([\\;])", r"\\\1", item) for item in items)


def split(cell: str) -> list[str]:
    """Return the items of a cell; empty ones are none."""
    items = re.findall(r"(?:\\.|[^;\\]|\\$)+", cell)
    return [item for raw in items if (item := re.sub(r"\\(.)", r"\1", raw).strip())]


def disk_text(disk: DiskView) -> str:
    """Write a disk: /dev/sda:500:ssd:system."""
    return f"{disk.device}:{disk.size_gib}:{disk.kind}:{disk.purpose}"


def disk_data(item: str) -> Any:
    """Read a disk; the purpose may be left out."""
    words = [word.strip() for word in item.rsplit(":", 3)]
    if len(words) == 3:
        words.append("system")
    if len(words) != 4:
        raise ValueError(f"Write a disk as /dev/sda:500:ssd:system, not {item}.")
    return dict(zip(("device", "size_gib", "kind", "purpose"), words, strict=True))


def address_text(address: AddressView) -> str:
    """Write an address: berlin-private=192.168.10.31 pg-node-01.internal."""
    return f"{address.network}={address.ip} {address.name}".rstrip()


def address_data(item: str) -> Any:
    """Read an address; the DNS name may be left out."""
    network, equals, rest = item.rpartition("=")
    words = rest.split()
    if not equals or not 1 <= len(words) <= 2:
        raise ValueError(
            f"Write an address as network=192.168.10.31 or network=192.168.10.31 name, not {item}."
        )
    return {"network": network, "ip": words[0], "name": words[1] if len(words) == 2 else ""}


def role_text(role: RoleChoice) -> str:
    """Write a role: database, or with its group database@A."""
    return f"{role.role}@{role.group}" if role.group else role.role


def yes_no(value: bool) -> str:
    """Write an answer."""
    return "yes" if value else "no"
