"""What an import would do, as values to show, compare and carry out; pure."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from inventory.changes import Operation
from inventory.interchange.records import (
    ClusterRecord,
    FactRecord,
    HypervisorRecord,
    LocationRecord,
    NetworkRecord,
)

Action = Literal["added", "changed", "removed"]


@dataclass(frozen=True)
class Step:
    """One thing that would be added, changed or removed; row 0: no row names it."""

    action: Action
    kind: str
    name: str
    row: int = 0
    details: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """Say what it is about, as findings do."""
        return f"{self.kind}:{self.name}" if self.kind != "cluster" else self.kind

    def as_json(self) -> dict[str, Any]:
        """Return what the API shows."""
        return {
            "action": self.action,
            "kind": self.kind,
            "name": self.name,
            "row": self.row or None,
            "details": list(self.details),
        }


@dataclass
class Plan:
    """What would be written, in the order of writing; `unchanged` counts by kind."""

    locations: list[LocationRecord] = field(default_factory=list)
    hypervisors: list[HypervisorRecord] = field(default_factory=list)
    networks: list[NetworkRecord] = field(default_factory=list)
    birth: ClusterRecord | None = None
    operations: list[Operation] = field(default_factory=list)
    facts: list[FactRecord] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    unchanged: Counter[str] = field(default_factory=Counter)
    permissions: set[str] = field(default_factory=set)

    def note(
        self,
        action: Action,
        kind: str,
        name: str,
        row: int = 0,
        details: tuple[str, ...] = (),
        *,
        permission: str = "",
    ) -> None:
        """Note something to be done, and what permission it takes (its own kind's by default)."""
        self.steps.append(Step(action, kind, name, row, details))
        verb = {"added": "add", "changed": "change", "removed": "delete"}[action]
        self.permissions.add(f"inventory.{permission or f'{verb}_{kind}'}")
