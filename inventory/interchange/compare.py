"""Compares a file with what is there: the plan of an import, and every fault; no writes."""

from collections.abc import Iterator

from inventory.interchange.compare_cluster import compare_balancers, compare_cluster, compare_facts
from inventory.interchange.compare_containers import compare_containers, removed_containers
from inventory.interchange.compare_networks import compare_networks, compare_places, let_go
from inventory.interchange.compare_nodes import compare_nodes
from inventory.interchange.faults import Fault
from inventory.interchange.plans import Plan
from inventory.interchange.records import Document
from inventory.interchange.scenes import Scene


def compare(scene: Scene, document: Document, *, remove_missing: bool) -> tuple[Plan, list[Fault]]:
    """Return what the import would do, and what is wrong with the file; any fault voids the plan.

    Entries that the file lacks stay, unless `remove_missing`, of those sections that it has.
    """
    plan = Plan()
    faults = [*document.faults, *_compared(scene, document, plan, remove_missing)]
    return plan, sorted(set(faults))


def _compared(
    scene: Scene, document: Document, plan: Plan, remove_missing: bool
) -> Iterator[Fault]:
    """Yield faults, and fill the plan in the order in which it is written."""
    yield from compare_places(scene, document, plan)
    yield from compare_networks(scene, document, plan)
    yield from compare_cluster(scene, document, plan)
    yield from compare_containers(scene, document, plan, remove_missing=remove_missing)
    yield from compare_nodes(scene, document, plan, remove_missing=remove_missing)
    if remove_missing:
        yield from removed_containers(scene, document, plan)
    yield from compare_balancers(scene, document, plan, remove_missing=remove_missing)
    if remove_missing:
        let_go(scene, document, plan)
    yield from compare_facts(scene, document, plan)
