"""What is lost with what, as JSON."""

from collections.abc import Iterable
from typing import Any

from inventory.failures import failure_matrix
from inventory.impact import RoleImpact, impact
from inventory.rules import findings
from inventory.rules.single_points import is_highly_available
from inventory.topology import Topology


def impact_json(topology: Topology, lost: Iterable[str]) -> dict[str, Any]:
    """Return what losing units does, role by role; raises ValueError for an unknown unit."""
    found = impact(topology, lost)
    return {
        "lost": found.units,
        "nodes": found.nodes,
        "verdict": found.worst.name.lower(),
        "roles": [_role(role) for role in found.roles],
    }


def matrix_json(topology: Topology) -> dict[str, Any]:
    """Return the worst verdict of every single and double failure, and single points."""
    matrix = failure_matrix(topology)
    found = findings(topology)
    return {
        "highly_available": is_highly_available(topology, found),
        "single_points": [
            {"unit": f.subject, "role": f.role, "accepted": f.waiver is not None}
            for f in found
            if f.key == "single-point-of-failure"
        ],
        "units": [
            {
                "label": unit.label,
                "kind": unit.kind,
                "members": unit.members,
                "alone": alone.label.lower(),
            }
            for unit, alone in zip(matrix.units, matrix.singles, strict=True)
        ],
        "pairs": [
            [verdict.label.lower() if verdict is not None else None for verdict in row]
            for row in matrix.pairs
        ],
        "left_out": matrix.left_out,
    }


def _role(role: RoleImpact) -> dict[str, Any]:
    """Return what happens to one role."""
    return {
        "role": role.role.key,
        "verdict": role.verdict.name.lower(),
        "before": role.before,
        "after": role.after,
        "share": round(role.share, 4),
        "returns": role.returns,
        "outcome": role.outcome,
        "source": {"document": role.source.document, "text": role.source.text},
        "notes": role.notes,
        "quorums": [
            {"name": q.name, "members": q.members, "left": q.left, "majority": q.majority}
            for q in role.quorums
        ],
        "capacity": [
            {"metric": c.metric, "before": c.before, "after": c.after} for c in role.capacity
        ],
    }
