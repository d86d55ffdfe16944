"""Compares the places and networks of a file with those that are there."""

from collections.abc import Iterator
from typing import Any

from inventory.changes import DetachNetwork
from inventory.interchange.entries import missing, named, twice
from inventory.interchange.faults import Fault, suggestion
from inventory.interchange.plans import Plan
from inventory.interchange.records import Document, Entry, HypervisorRecord, NetworkRecord
from inventory.interchange.scenes import Scene
from inventory.models import Hypervisor, Location, Network
from voipadmin.constraints import value_faults

SETTLED = "is there already with {field} {held}: change it on its own page, or take that."


def compare_places(scene: Scene, document: Document, plan: Plan) -> Iterator[Fault]:
    """Yield faults of locations and hypervisors; plan those that are not there."""
    yield from twice(document.locations, "name")
    yield from twice(document.hypervisors, "name")
    for place in document.locations:
        if not place.record.name or place.record.name in scene.locations:
            continue
        for column, message in value_faults(Location, place.values):
            yield place.fault(column, message)
        plan.locations.append(place.record)
        plan.note("added", "location", place.record.name, place.row)
    locations = scene.locations | named(document.locations)
    for host in document.hypervisors:
        yield from _hypervisor(scene, host, locations, plan)


def _hypervisor(
    scene: Scene, entry: Entry[HypervisorRecord], locations: frozenset[str] | set[str], plan: Plan
) -> Iterator[Fault]:
    """Plan a hypervisor that is not there; one that is there stays as it is."""
    record = entry.record
    held = scene.hypervisors.get(record.name)
    if held:
        shown = {"location": held.location.name, "technology": held.technology}
        yield from _settled(entry, shown)
        return
    yield from missing(entry, "hypervisor")
    plain = {name: value for name, value in entry.values.items() if name != "location"}
    for column, message in value_faults(Hypervisor, plain):
        yield entry.fault(column, message)
    if record.location and record.location not in locations:
        hint = suggestion(record.location, locations)
        yield entry.fault("location", f"There is no location {record.location}.{hint}")
    plan.hypervisors.append(record)
    plan.note("added", "hypervisor", record.name, entry.row)


def compare_networks(scene: Scene, document: Document, plan: Plan) -> Iterator[Fault]:
    """Yield faults of networks; plan those that are not there, and that the cluster uses them."""
    entries = document.networks or ()
    yield from twice(entries, "name")
    locations = scene.locations | named(document.locations)
    for entry in entries:
        name, held = entry.record.name, scene.networks.get(entry.record.name)
        if held:
            shown = {
                "kind": held.kind,
                "cidr": held.cidr,
                "gateway": held.gateway,
                "location": held.location.name if held.location else None,
            }
            yield from _settled(entry, shown)
        else:
            yield from _new_network(entry, locations)
            plan.networks.append(entry.record)
            cidr = str(entry.record.cidr)
            plan.note("added", "network", name, entry.row, (f"{entry.record.kind}, {cidr}",))
        if name in scene.before.networks:
            plan.unchanged["network"] += 1
        elif held:
            change = "add_cluster" if scene.is_birth else "change_cluster"
            details = ("the cluster uses it",)
            plan.note("changed", "network", name, entry.row, details, permission=change)
        elif not scene.is_birth:
            plan.permissions.add("inventory.change_cluster")


def let_go(scene: Scene, document: Document, plan: Plan) -> None:
    """Plan that the cluster no longer uses networks that the file lacks."""
    if document.networks is None:
        return
    for name in sorted(scene.before.networks.keys() - named(document.networks)):
        plan.operations.append(DetachNetwork(name))
        details = ("the cluster no longer uses it",)
        plan.note("removed", "network", name, 0, details, permission="change_cluster")


def _new_network(
    entry: Entry[NetworkRecord], locations: frozenset[str] | set[str]
) -> Iterator[Fault]:
    """Yield what is wrong with a network that would be added."""
    record = entry.record
    yield from missing(entry, "network")
    plain = {k: v for k, v in entry.values.items() if k in ("name", "kind") and v}
    for column, message in value_faults(Network, plain):
        yield entry.fault(column, message)
    if record.location and record.location not in locations:
        hint = suggestion(record.location, locations)
        yield entry.fault("location", f"There is no location {record.location}.{hint}")
    if record.cidr and record.gateway and record.gateway not in record.cidr:
        yield entry.fault("gateway", f"{record.gateway} is outside {record.cidr}.")


def _settled(entry: Entry[Any], held: dict[str, Any]) -> Iterator[Fault]:
    """Yield fields in which the file differs from what others use too."""
    for name, value in held.items():
        if name in entry.good and getattr(entry.record, name) != value:
            words = SETTLED.format(field=name, held=value or "none")
            yield entry.fault(name, f"{entry.record.name} {words}")
