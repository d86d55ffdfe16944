"""What is known of a machine, as templates see it: values with origin and age."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from jinja2 import UndefinedError

from inventory.topology import ContainerView, NodeView, Topology

# What the inventory itself says of every machine.
COLUMNS = (
    *("os_id", "os_version", "arch", "vcpus", "memory_mib", "disk_gib"),
    *("location", "hypervisor", "behind_nat"),
)


class Facts(Mapping[str, Any]):
    """Values by key: of the machine, else of its node, else of the cluster.

    A key that nobody knows is an error that says so, unless it is asked for by `get`.
    """

    def __init__(self, name: str, entries: Mapping[str, Mapping[str, Any]]) -> None:
        self._name, self._entries = name, entries

    def __getitem__(self, key: str) -> Any:
        """Return a value."""
        return self._entry(key)["value"]

    def __iter__(self) -> Iterator[str]:
        """Go through the keys."""
        return iter(self._entries)

    def __len__(self) -> int:
        """Return how many are known."""
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        """Tell whether something is known."""
        return key in self._entries

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value, or the default when nobody knows it."""
        return self._entries[key]["value"] if key in self._entries else default

    def about(self, key: str) -> Mapping[str, Any]:
        """Return value, origin, `at` and `age_s` of a fact; the inventory's own have no age."""
        return self._entry(key)

    def _entry(self, key: str) -> Mapping[str, Any]:
        """Return a fact, or raise with what can be done."""
        if key in self._entries:
            return self._entries[key]
        raise UndefinedError(
            f"nobody knows the fact {key} of {self._name}: measure it or type it first, or use "
            f"facts.get('{key}', a default)"
        )


def make_facts(topology: Topology, machine: ContainerView, node: NodeView) -> Facts:
    """Return what is known of a machine; what was measured or typed comes before its columns."""
    entries = {key: _entry(getattr(machine, key), "inventory", None, 0) for key in COLUMNS}
    disks = [asdict(disk) for disk in machine.disks]
    entries["disks"] = _entry(disks, "inventory", None, 0)
    for subject in ("cluster", f"node:{node.name}", f"container:{machine.name}"):
        known = sorted((f for f in topology.facts if f.subject == subject), key=lambda f: f.at)
        for fact in known:
            age_s = int((topology.now - fact.at).total_seconds())
            entries[fact.key] = _entry(fact.value, fact.origin, fact.at, age_s)
    return Facts(machine.name, entries)


def _entry(value: Any, origin: str, at: datetime | None, age_s: int) -> dict[str, Any]:
    """Return a fact as `about` gives it."""
    return {"value": value, "origin": origin, "at": at, "age_s": age_s if at else None}
