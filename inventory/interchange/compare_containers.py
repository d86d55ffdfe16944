"""Compares the containers of a file with those that are there."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from inventory.changes import AddContainer, ChangeContainer, RemoveContainer
from inventory.interchange.cells import address_text, disk_text, joined
from inventory.interchange.entries import differing, missing, named, twice
from inventory.interchange.faults import Fault, suggestion
from inventory.interchange.plans import Plan
from inventory.interchange.records import ContainerRecord, Document, Entry
from inventory.interchange.scenes import Scene
from inventory.interchange.views import in_order
from inventory.models import Address, Container, Disk
from inventory.topology import AddressView, ContainerView, DiskView, IPAddress
from voipadmin.constraints import value_faults

COLUMNS = tuple(ContainerRecord.model_fields)
NAMES = ("location", "hypervisor", "credential")
LISTS = ("disks", "addresses")
WORDS = {
    "disks": lambda disks: joined(map(disk_text, disks)) or "none",
    "addresses": lambda addresses: joined(map(address_text, addresses)) or "none",
}

Machine = Entry[ContainerRecord]


def compare_containers(
    scene: Scene, document: Document, plan: Plan, *, remove_missing: bool
) -> Iterator[Fault]:
    """Yield faults of containers; plan what is new and what differs."""
    entries = document.containers or ()
    yield from twice(entries, "name")
    changed: dict[str, ContainerView] = {}
    new: dict[str, ContainerView] = {}
    networks = set(scene.before.networks) | named(document.networks)
    for entry in entries:
        held = scene.before.containers.get(entry.record.name)
        before = in_order(held) if held else None
        after = _after(entry, before)
        if before and after == before and not entry.faulty:
            plan.unchanged["container"] += 1
            continue
        found = list(_faults(scene, document, entry, before, networks))
        yield from found
        if before and after:
            changed[after.name] = after
            details = tuple(differing(before, after, WORDS, COLUMNS))
            plan.note("changed", "container", after.name, entry.row, details)
        elif after and not found:
            new[after.name] = after
            plan.note("added", "container", after.name, entry.row, (_size(after),))
    if remove_missing:
        yield from _taken_along(scene, document, {**changed, **new})
    _plan(scene, plan, changed, new)


def removed_containers(scene: Scene, document: Document, plan: Plan) -> Iterator[Fault]:
    """Plan the removal of containers that the file lacks; yield those that still run something."""
    if document.containers is None:
        return
    placed = {node.name: node.container for node in scene.before.nodes.values()}
    if document.nodes is not None:
        placed = {name: c for name, c in placed.items() if name in named(document.nodes)}
    for entry in document.nodes or ():
        if "container" in entry.good:
            placed[entry.record.name] = entry.record.container
    for name in _lacked(scene, document):
        if running := sorted(node for node, container in placed.items() if container == name):
            yield Fault(
                0, "name", f"The file lacks container {name}, but it runs {', '.join(running)}."
            )
        plan.operations.append(RemoveContainer(name, to_pool=not scene.is_pool))
        verb = "delete" if scene.is_pool else "change"
        where = () if scene.is_pool else ("goes to the free pool",)
        plan.note("removed", "container", name, 0, where, permission=f"{verb}_container")


def _after(entry: Machine, before: ContainerView | None) -> ContainerView | None:
    """Return the machine as the file has it; None where it lacks too much for one."""
    record = entry.record
    values: dict[str, Any] = {
        name: value for name, value in entry.values.items() if name not in LISTS
    }
    for name in LISTS:
        if name in entry.good:
            values[name] = tuple(item.view() for item in getattr(record, name))
    if before:
        return in_order(replace(before, **values))
    if not set(record.required) <= set(values):
        return None
    return in_order(ContainerView(**values))


def _faults(
    scene: Scene,
    document: Document,
    entry: Machine,
    before: ContainerView | None,
    networks: set[str],
) -> Iterator[Fault]:
    """Yield what is wrong with a container's values and with the names in it."""
    plain = {k: v for k, v in entry.values.items() if k not in (*NAMES, *LISTS) and v != ""}
    for column, message in value_faults(Container, plain):
        yield entry.fault(column, message)
    if before is None and entry.record.name:
        yield from missing(entry, "container")
    for column in ("os_id", "os_version") if before else ():
        if column in entry.good and getattr(entry.record, column) == "":
            yield entry.fault(column, "Fill this in.")
    yield from _disk_faults(entry)
    yield from _address_faults(entry, networks)
    yield from _name_faults(scene, document, entry, before)


def _disk_faults(entry: Machine) -> Iterator[Fault]:
    """Yield what is wrong with its disks."""
    seen: set[str] = set()
    for disk in entry.record.disks:
        for column, message in value_faults(Disk, disk.model_dump()):
            yield entry.fault("disks", f"{disk.device}, {column}: {message}")
        if disk.device in seen:
            yield entry.fault("disks", f"{disk.device} is there twice.")
        seen.add(disk.device)


def _address_faults(entry: Machine, networks: set[str]) -> Iterator[Fault]:
    """Yield what is wrong with its addresses; whether one is free, the rules say."""
    seen: set[str] = set()
    for address in entry.record.addresses:
        if address.network not in networks:
            hint = suggestion(address.network, networks)
            yield entry.fault("addresses", f"There is no network {address.network} here.{hint}")
        if address.network in seen:
            yield entry.fault("addresses", f"It has one address in {address.network} already.")
        seen.add(address.network)
        for _, message in value_faults(Address, {"name": address.name}):
            yield entry.fault("addresses", f"{address.name}: {message}")


def _name_faults(
    scene: Scene, document: Document, entry: Machine, before: ContainerView | None
) -> Iterator[Fault]:
    """Yield places and logins that are not there, and a login that is not this user's."""
    known = {
        "location": scene.locations | named(document.locations),
        "hypervisor": scene.hypervisors.keys() | named(document.hypervisors),
        "credential": scene.logins.keys(),
    }
    for column in NAMES:
        value = getattr(entry.record, column)
        if column not in entry.good or value is None:
            continue
        if value not in known[column]:
            label = "login" if column == "credential" else column
            hint = suggestion(value, known[column])
            yield entry.fault(column, f"There is no {label} {value}.{hint}")
        elif column == "credential" and scene.logins[value]:
            held = before.credential if before else None
            if held != value:  # What it has, it may keep.
                yield entry.fault(column, scene.logins[value])


def _lacked(scene: Scene, document: Document) -> list[str]:
    """Return the containers that are there and not in the file."""
    return sorted(scene.before.containers.keys() - named(document.containers))


def _taken_along(
    scene: Scene, document: Document, wanted: dict[str, ContainerView]
) -> Iterator[Fault]:
    """Yield addresses that a removed container takes along to the free pool."""
    gone = {
        key: name
        for name in _lacked(scene, document)
        for key in _keys(scene.before.containers[name])
    }
    rows = {entry.record.name: entry for entry in document.containers or ()}
    for name, view in wanted.items():
        for key in _keys(view):
            if key in gone and not scene.is_pool:
                words = f"{key[1]} stays with {gone[key]}, which goes to the free pool."
                yield rows[name].fault("addresses", words)


def _plan(
    scene: Scene, plan: Plan, changed: dict[str, ContainerView], new: dict[str, ContainerView]
) -> None:
    """Plan the operations; who takes another's address waits until that one has let it go."""
    holders = {key: name for name in changed for key in _keys(scene.before.containers[name])}
    wanted = {key: name for name, v in {**changed, **new}.items() for key in _keys(v)}
    given_up: dict[str, set[tuple[str, IPAddress]]] = {}
    for key, name in wanted.items():
        holder = holders.get(key)
        if holder is not None and holder != name and key not in _keys(changed[holder]):
            given_up.setdefault(holder, set()).add(key)
    for name, keys in sorted(given_up.items()):
        held = scene.before.containers[name]
        kept = tuple(a for a in held.addresses if (a.network, a.ip) not in keys)
        plan.operations.append(ChangeContainer(name, replace(held, addresses=kept)))
    plan.operations += [ChangeContainer(name, view) for name, view in changed.items()]
    plan.operations += [AddContainer(view) for view in new.values()]


def _keys(view: ContainerView) -> set[tuple[str, IPAddress]]:
    """Return a container's addresses as what they must be alone with."""
    return {(address.network, address.ip) for address in view.addresses}


def _size(view: ContainerView) -> str:
    """Say what tells a new machine apart."""
    addresses: tuple[AddressView, ...] = view.addresses
    disks: tuple[DiskView, ...] = view.disks
    parts = [
        f"{view.os_id} {view.os_version}",
        f"{view.vcpus} vCPU",
        f"{view.memory_mib} MiB",
        *(str(address.ip) for address in addresses),
        *(f"{disk.device} {disk.size_gib} GiB" for disk in disks),
    ]
    return ", ".join(parts)
