"""Compares the nodes of a file with those that are there."""

from collections import Counter
from collections.abc import Iterator

from inventory.changes import AddNode, ChangeNode, MoveNode, RemoveNode
from inventory.interchange.cells import joined, role_text, yes_no
from inventory.interchange.entries import missing, named, twice
from inventory.interchange.faults import Fault, suggestion
from inventory.interchange.plans import Plan
from inventory.interchange.records import Document, Entry, NodeRecord
from inventory.interchange.scenes import Scene
from inventory.interchange.views import node_roles, sorted_roles
from inventory.models import Node
from inventory.topology import NodeView
from voipadmin.constraints import value_faults


def compare_nodes(
    scene: Scene, document: Document, plan: Plan, *, remove_missing: bool
) -> Iterator[Fault]:
    """Yield faults of nodes; plan what is new, what differs and what is to go."""
    if document.nodes is None:
        return
    if remove_missing:
        for name in sorted(scene.before.nodes.keys() - named(document.nodes)):
            plan.operations.append(RemoveNode(name))
            plan.note("removed", "node", name)
    yield from twice(document.nodes, "name")
    containers = scene.before.containers.keys() | named(document.containers)
    roles = {role.key for role in scene.before.platform.roles}
    for entry in document.nodes:
        before = scene.before.nodes.get(entry.record.name)
        if before and not entry.faulty and not _details(entry, before):
            plan.unchanged["node"] += 1
            continue
        found = list(_faults(entry, before, set(containers), roles))
        yield from found
        if not found and entry.record.name and not entry.faulty:
            _plan(entry, before, plan)


def _faults(
    entry: Entry[NodeRecord], before: NodeView | None, containers: set[str], roles: set[str]
) -> Iterator[Fault]:
    """Yield what is wrong with a node's values and with the names in it."""
    record = entry.record
    if "name" in entry.good:
        for _, message in value_faults(Node, {"name": record.name}) if record.name else ():
            yield entry.fault("name", message)
    if before is None and record.name:
        yield from missing(entry, "node")
    elif before and "roles" in entry.good and not record.roles:
        yield entry.fault("roles", "A node has at least one role.")
    if "container" in entry.good:
        if before and record.container is None:
            yield entry.fault("container", "A node needs a container to run on.")
        elif record.container is not None and record.container not in containers:
            hint = suggestion(record.container, containers)
            yield entry.fault("container", f"There is no container {record.container} here.{hint}")
    yield from _role_faults(entry, roles)


def _role_faults(entry: Entry[NodeRecord], roles: set[str]) -> Iterator[Fault]:
    """Yield unknown roles, where the platform is known, and roles given twice."""
    for key, count in Counter(choice.role for choice in entry.record.roles).items():
        if roles and key not in roles:
            hint = suggestion(key, roles)
            yield entry.fault("roles", f"The platform has no role {key}.{hint}")
        if count > 1:
            yield entry.fault("roles", f"{key} is there twice: a node has each role once.")


def _details(entry: Entry[NodeRecord], before: NodeView) -> list[str]:
    """Say what differs."""
    record, found = entry.record, []
    if "container" in entry.good and record.container != before.container:
        found.append(f"container: {before.container or 'none'} → {record.container or 'none'}")
    was, now = node_roles(before), sorted_roles(record.roles)
    if "roles" in entry.good and was != now:
        found.append(f"roles: {joined(map(role_text, was))} → {joined(map(role_text, now))}")
    if "auto_replace" in entry.good and record.auto_replace != before.auto_replace:
        words = f"{yes_no(before.auto_replace)} → {yes_no(record.auto_replace)}"
        found.append(f"auto_replace: {words}")
    return found


def _plan(entry: Entry[NodeRecord], before: NodeView | None, plan: Plan) -> None:
    """Plan a new node, or a move and a change of one, as far as they differ."""
    record, good = entry.record, entry.good
    roles = sorted_roles(record.roles)
    if before is None:
        container = record.container or ""
        plan.operations.append(AddNode(record.name, container, roles, record.auto_replace))
        where = f"{joined(map(role_text, roles))} on {container}"
        plan.note("added", "node", record.name, entry.row, (where,))
        return
    wanted = roles if "roles" in good else node_roles(before)
    replaced = record.auto_replace if "auto_replace" in good else before.auto_replace
    if "container" in good and record.container and record.container != before.container:
        plan.operations.append(MoveNode(record.name, record.container))
    if wanted != node_roles(before) or replaced != before.auto_replace:
        plan.operations.append(ChangeNode(record.name, record.name, wanted, replaced))
    details = tuple(_details(entry, before))
    plan.note("changed", "node", record.name, entry.row, details)
