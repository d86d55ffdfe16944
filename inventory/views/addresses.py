"""The page of a cluster's IP plan."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from inventory.address_plan import MOST_GROWTH, address_plan, read_growth
from inventory.board import finding_rows
from inventory.neighbours import overlapping
from inventory.permits import on_cluster
from inventory.rules import RULES, findings
from inventory.snapshot import load_topology
from inventory.views.clusters import cluster_of

# What the page repeats of the cluster's findings: addresses, names, patterns.
ADDRESSING = frozenset({"R49", "R50", "R51", "R52", "K14"})
SHOWN = 20  # each with a fix, which takes a check to find


@require_safe
@on_cluster("inventory.view_cluster")
def address_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what the networks have room for; ?telephony=20 plans so many more of a role."""
    cluster = cluster_of(slug)
    topology = load_topology(cluster)
    growth, faults = read_growth(topology, request.GET.dict())
    found = [f for f in findings(topology) if RULES[f.key].requirements & ADDRESSING]
    context = {
        "cluster": cluster,
        "plan": address_plan(topology, growth=growth),
        "is_planned": bool(growth),
        "faults": faults,
        "most": MOST_GROWTH,
        "rows": finding_rows(found[:SHOWN], topology.platform, topology),
        "overlaps": overlapping(cluster, topology, request.user),
    }
    status = 400 if faults else 200
    return render(request, "inventory/address_plan.html", context, status=status)
