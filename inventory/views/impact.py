"""Pages of what is lost with what."""

import csv
from collections.abc import Iterator

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from inventory.failures import Matrix, failure_matrix
from inventory.impact import Verdict, impact
from inventory.rules import findings
from inventory.rules.single_points import is_highly_available
from inventory.snapshot import load_topology
from inventory.views.clusters import cluster_of

SYMBOLS = {
    Verdict.UNAFFECTED: "–",
    Verdict.DEGRADED: "○",
    Verdict.PARTIAL: "◐",
    Verdict.LOST: "●",
}


@require_safe
@permission_required("inventory.view_cluster", raise_exception=True)
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
    context = {
        "cluster": cluster,
        "matrix": matrix,
        "rows": list(_rows(matrix)),
        "singles": [
            (unit, impact(topology, [unit.subject]))
            for unit, verdict in zip(matrix.units, matrix.singles, strict=True)
            if verdict is not Verdict.UNAFFECTED
        ],
        "points": [f for f in found if f.key == "single-point-of-failure"],
        "detail": detail,
        "error": error,
        "verdicts": [(verdict, SYMBOLS[verdict]) for verdict in Verdict],
        "highly_available": is_highly_available(topology, found),
    }
    return render(request, "inventory/impact.html", context, status=404 if error else 200)


@require_safe
@permission_required("inventory.view_cluster", raise_exception=True)
def impact_csv(request: HttpRequest, slug: str) -> HttpResponse:
    """Export every single and double failure, a row for each role that it hits."""
    topology = load_topology(cluster_of(slug))
    matrix = failure_matrix(topology)
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{slug}-impact.csv"'
    writer = csv.writer(answer)
    writer.writerow(
        ("lost", "and", "role", "verdict", "before", "after", "share", "returns", "outcome")
    )
    for number, unit in enumerate(matrix.units):
        others = [None, *matrix.units[: number + 1]]
        for other in others:
            pair = _pair(unit.members, other.members if other else (), same=other is unit)
            if pair is None:
                continue
            for role in impact(topology, pair).roles:
                writer.writerow(
                    (
                        unit.label,
                        other.label if other else "",
                        role.role.key,
                        role.verdict.label,
                        role.before,
                        role.after,
                        f"{role.share:.2f}",
                        "yes" if role.returns else "no",
                        role.outcome,
                    )
                )
    return answer


def _pair(first: tuple[str, ...], second: tuple[str, ...], *, same: bool) -> list[str] | None:
    """Return the subjects that are lost; None for two of what there is one of."""
    if same:
        return list(first[:2]) if len(first) > 1 else None
    return [first[0], *second[:1]]


def _rows(matrix: Matrix) -> Iterator[dict[str, object]]:
    """Yield the rows of the matrix: a unit, its own verdict, and its pairs so far."""
    for number, unit in enumerate(matrix.units):
        cells = []
        for verdict, other in zip(matrix.pairs[number], matrix.units, strict=False):
            pair = _pair(unit.members, other.members, same=other is unit)
            cells.append(
                {
                    "verdict": verdict,
                    "symbol": SYMBOLS[verdict] if verdict is not None else "",
                    "other": other,
                    "lost": pair,
                }
            )
        yield {
            "number": number + 1,
            "rest": f"{number + 1}:",
            "unit": unit,
            "verdict": matrix.singles[number],
            "symbol": SYMBOLS[matrix.singles[number]],
            "cells": cells,
        }
