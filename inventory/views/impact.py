"""Pages of what is lost with what."""

import csv
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from inventory.failures import Cell, Matrix, Unit, details, failure_matrix
from inventory.impact import RoleImpact, Verdict, impact
from inventory.permits import on_cluster
from inventory.rules import findings
from inventory.rules.base import RULES
from inventory.rules.single_points import POINTS, is_highly_available, takes_label_away
from inventory.snapshot import load_topology
from inventory.views.clusters import cluster_of

SYMBOLS = {
    Verdict.UNAFFECTED: "–",
    Verdict.DEGRADED: "○",
    Verdict.PARTIAL: "◐",
    Verdict.LOST: "●",
}
RETURNS = "↻"
COLUMNS = (
    "lost",
    "and",
    "subjects",
    "role",
    "verdict",
    "before",
    "after",
    "share",
    "returns",
    "drops_calls",
    "quorum",
    "capacity",
    "outcome",
    "document",
)


@require_safe
@on_cluster("inventory.view_cluster")
def impact_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show every single and double failure; ?lost= says more about some units."""
    cluster = cluster_of(slug)
    topology = load_topology(cluster)
    found = findings(topology)
    lost = request.GET.getlist("lost")
    error = ""
    try:
        detail = impact(topology, lost) if lost else None
    except ValueError as fault:
        detail, error = None, str(fault)
    matrix = failure_matrix(topology)
    noticed = [
        (unit, cell)
        for unit, cell in zip(matrix.units, matrix.singles, strict=True)
        if cell.verdict is not Verdict.UNAFFECTED
    ]
    context = {
        "cluster": cluster,
        "matrix": matrix,
        "rows": list(_rows(matrix)),
        "singles": zip(
            [unit for unit, _ in noticed],
            details(topology, [cell for _, cell in noticed]),
            strict=True,
        ),
        "points": [f for f in found if f.key in POINTS],
        "against": Counter(RULES[f.key].title for f in found if takes_label_away(f)).most_common(),
        "detail": detail,
        "error": error,
        "verdicts": [(verdict, SYMBOLS[verdict]) for verdict in Verdict],
        "returns": RETURNS,
        "highly_available": is_highly_available(topology, found),
    }
    return render(request, "inventory/impact.html", context, status=404 if error else 200)


@require_safe
@on_cluster("inventory.view_cluster")
def impact_csv(request: HttpRequest, slug: str) -> HttpResponse:
    """Export every single and double failure, a row for each role that it hits."""
    topology = load_topology(cluster_of(slug))
    matrix = failure_matrix(topology)
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{slug}-impact.csv"'
    writer = csv.writer(answer)
    writer.writerow(COLUMNS)
    cells = list(matrix.cells())
    for (unit, other, cell), found in zip(
        cells, details(topology, [cell for _, _, cell in cells]), strict=True
    ):
        for role in found.roles:
            writer.writerow(_row(unit, other, cell, role))
    return answer


def _row(unit: Unit, other: Unit | None, cell: Cell, role: RoleImpact) -> tuple[object, ...]:
    """Return a row of the export: a failure, and what it does to a role."""
    return (
        unit.label,
        other.label if other else "",
        " ".join(cell.lost),
        role.role.key,
        role.verdict.label,
        role.before,
        role.after,
        f"{role.share:.2f}",
        "yes" if role.returns else "no",
        "yes" if role.drops_calls else "no",
        " ".join(f"{q.left}/{q.members}" for q in role.quorums),
        " ".join(f"{c.metric}={c.after}/{c.before}" for c in role.capacity),
        role.outcome,
        role.source.document,
    )


def _rows(matrix: Matrix) -> Iterator[dict[str, object]]:
    """Yield the rows of the matrix: a unit, what it does alone, and its pairs so far."""
    for number, unit in enumerate(matrix.units):
        yield {
            "number": number + 1,
            "rest": f"{number + 1}:",
            "unit": unit,
            "alone": _shown(matrix.singles[number], unit, None),
            "cells": [
                _shown(cell, unit, other)
                for other, cell in zip(matrix.units, matrix.pairs[number], strict=False)
            ],
        }


def _shown(cell: Cell | None, unit: Unit, other: Unit | None) -> dict[str, object] | None:
    """Return what the page shows of a failure: never by its colour alone."""
    if cell is None:
        return None
    words = cell.verdict.label + (" until restarted elsewhere" if cell.returns else "")
    return {
        "name": cell.verdict.name.lower(),
        "symbol": SYMBOLS[cell.verdict] + (RETURNS if cell.returns else ""),
        "words": words,
        "title": f"{unit.label}{f' and {other.label}' if other else ''}: {words}",
        "query": urlencode([("lost", subject) for subject in cell.lost]),
    }
