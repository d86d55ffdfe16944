"""What is lost with what, as JSON."""

from collections.abc import Iterable
from typing import Any

from inventory.failures import Cell, failure_matrix
from inventory.impact import RoleImpact, impact
from inventory.rules import findings
from inventory.rules.single_points import POINTS, is_highly_available, takes_label_away
from inventory.topology import Topology


def impact_json(topology: Topology, lost: Iterable[str]) -> dict[str, Any]:
    """Return what losing units does, role by role; raises ValueError for an unknown unit."""
    found = impact(topology, lost)
    return {
        "lost": found.units,
        "nodes": found.nodes,
        "verdict": found.worst.name.lower(),
        "returns": found.returns,
        "roles": [_role(role) for role in found.roles],
    }


def matrix_json(topology: Topology) -> dict[str, Any]:
    """Return the worst verdict of every single and double failure, and single points."""
    matrix = failure_matrix(topology)
    found = findings(topology)
    return {
        "highly_available": is_highly_available(topology, found),
        "against": sorted({f.key for f in found if takes_label_away(f)}),
        "single_points": [
            {
                "unit": f.subject,
                "role": f.role,
                "key": f.key,
                "message": f.message,
                "accepted": f.waiver is not None,
            }
            for f in found
            if f.key in POINTS
        ],
        "units": [
            {
                "label": unit.label,
                "kind": unit.kind,
                "members": unit.members,
                "alone": _cell(alone),
            }
            for unit, alone in zip(matrix.units, matrix.singles, strict=True)
        ],
        "pairs": [[cell and _cell(cell) for cell in row] for row in matrix.pairs],
        "left_out": matrix.left_out,
    }


def _cell(cell: Cell) -> dict[str, Any]:
    """Return a failure and its verdict."""
    return {"lost": cell.lost, "verdict": cell.verdict.name.lower(), "returns": cell.returns}


def _role(role: RoleImpact) -> dict[str, Any]:
    """Return what happens to one role."""
    return {
        "role": role.role.key,
        "verdict": role.verdict.name.lower(),
        "before": role.before,
        "after": role.after,
        "share": round(role.share, 4),
        "returns": role.returns,
        "drops_calls": role.drops_calls,
        "balanced": role.balanced,
        "outcome": role.outcome,
        "source": {"document": role.source.document, "text": role.source.text},
        "notes": role.notes,
        "quorums": [
            {
                "name": q.name,
                "members": q.members,
                "left": q.left,
                "majority": q.majority,
                "holds": q.holds,
            }
            for q in role.quorums
        ],
        "capacity": [
            {"metric": c.metric, "before": c.before, "after": c.after, "load": c.load}
            for c in role.capacity
        ],
    }
