"""Compares a file's cluster, balancers and typed facts with those that are there."""

import json
from collections.abc import Iterator
from typing import Any

from inventory.changes import ChangeCluster, RemoveBalancer, SetBalancer
from inventory.forms.clusters import RESERVED_SLUGS
from inventory.interchange.entries import differing, missing, named, twice
from inventory.interchange.faults import Fault, suggestion
from inventory.interchange.plans import Action, Plan
from inventory.interchange.records import BalancerRecord, ClusterRecord, Document, Entry
from inventory.interchange.scenes import Scene
from inventory.models import Balancer, Cluster, Fact, Platform
from inventory.parameters import parameter_faults
from inventory.states import Origin
from inventory.topology import BalancerView
from voipadmin.constraints import value_faults

OWN = (
    "name",
    "kind",
    "state",
    "infrastructure",
    "time_zone",
    "country",
    "availability_guarantee",
    "parameters",
)
# What a cluster is not born with: it is planned first, then becomes what the file says.
LATER = ("state", "availability_guarantee")


def compare_cluster(scene: Scene, document: Document, plan: Plan) -> Iterator[Fault]:
    """Yield faults of the cluster's own fields; plan its birth, or what differs."""
    entry = document.cluster
    if entry is None:
        if scene.is_birth:
            yield Fault(0, "cluster", "The section is missing: it says what the cluster is.")
        return
    yield from _cluster_faults(scene, entry)
    if scene.cluster is None:
        plan.birth = entry.record
        plan.note("added", "cluster", entry.record.slug, entry.row, (entry.record.name,))
        later = {name: v for name, v in entry.values.items() if name in LATER}
        born = {"state": "planning", "availability_guarantee": ""}
        if later := {name: value for name, value in later.items() if value != born[name]}:
            plan.operations.append(ChangeCluster(later))
        return
    _plan_change(scene.cluster, entry, plan)


def _plan_change(cluster: Cluster, entry: Entry[ClusterRecord], plan: Plan) -> None:
    """Plan the change of the fields that differ."""
    fields = {k: v for k, v in entry.values.items() if k in OWN and v != getattr(cluster, k)}
    details = differing(cluster, entry.record, {}, fields)
    if "release" in entry.good and entry.record.release != cluster.release.key:
        fields["release"] = entry.record.release
        details.append(f"release: {cluster.release.key} → {entry.record.release}")
    if not fields:
        plan.unchanged["cluster"] += 1
        return
    plan.operations.append(ChangeCluster(fields))
    plan.note("changed", "cluster", cluster.slug, entry.row, tuple(details))


def _cluster_faults(scene: Scene, entry: Entry[ClusterRecord]) -> Iterator[Fault]:
    """Yield what is wrong with the cluster's own fields."""
    record, cluster = entry.record, scene.cluster
    plain = {k: v for k, v in entry.values.items() if k not in ("platform", "release")}
    plain = {k: v for k, v in plain.items() if v not in ("", {})}
    for column, message in value_faults(Cluster, plain):
        yield entry.fault(column, message)
    if cluster is None:
        yield from missing(entry, "cluster")
        if record.slug in RESERVED_SLUGS:
            yield entry.fault("slug", f"{record.slug} is an address of the portal.")
    elif record.slug != cluster.slug and "slug" in entry.good:
        yield entry.fault("slug", f"The file is about {record.slug}, not {cluster.slug}.")
    elif "name" in entry.good and not record.name:
        yield entry.fault("name", "Fill this in.")
    yield from _platform_faults(scene, entry)
    if "parameters" in entry.good:
        for message in parameter_faults(scene.before.platform, record.parameters):
            yield entry.fault("parameters", message)


def _platform_faults(scene: Scene, entry: Entry[ClusterRecord]) -> Iterator[Fault]:
    """Yield an unknown platform or release, another platform, a retired release."""
    record, cluster = entry.record, scene.cluster
    if cluster and "platform" in entry.good and record.platform != cluster.platform.key:
        yield entry.fault("platform", "A cluster keeps its platform.")
    elif scene.platform is None and record.platform:
        known = Platform.objects.filter(retired_at=None).values_list("key", flat=True)
        hint = suggestion(record.platform, known)
        yield entry.fault("platform", f"There is no platform {record.platform}.{hint}")
    if scene.platform is None or "release" not in entry.good or not record.release:
        return
    if cluster and record.release == cluster.release.key:
        return
    releases = {row.key: row for row in scene.platform.releases.all()}
    if record.release not in releases:
        hint = suggestion(record.release, releases)
        name = scene.platform.name
        yield entry.fault("release", f"{name} has no release {record.release}.{hint}")
    elif releases[record.release].retired_at:
        yield entry.fault("release", f"{record.release} is retired: choose another release.")


def compare_balancers(
    scene: Scene, document: Document, plan: Plan, *, remove_missing: bool
) -> Iterator[Fault]:
    """Yield faults of balancers; plan what is new, what differs and what is to go."""
    if document.balancers is None:
        return
    yield from twice(document.balancers, "name")
    for entry in document.balancers:
        held = scene.before.balancers.get(entry.record.name)
        values = _balancer_values(entry, held)
        if held and not entry.faulty and values == _balancer_values(None, held):
            plan.unchanged["balancer"] += 1
            continue
        yield from _balancer_faults(scene, document, entry, is_new=held is None)
        view = BalancerView(**values, pk=held.pk if held else None)
        plan.operations.append(SetBalancer(view))
        fields = BalancerRecord.model_fields
        details = differing(held, view, {}, fields) if held else [f"{view.role}, {view.ip}"]
        plan.note("changed" if held else "added", "balancer", view.name, entry.row, tuple(details))
    if remove_missing:
        for name in sorted(scene.before.balancers.keys() - named(document.balancers)):
            plan.operations.append(RemoveBalancer(name))
            plan.note("removed", "balancer", name)


def _balancer_values(
    entry: Entry[BalancerRecord] | None, held: BalancerView | None
) -> dict[str, Any]:
    """Return a balancer's fields as the file has them, over those that it has."""
    fields = BalancerRecord.model_fields
    values = {name: getattr(held, name) for name in fields} if held else {}
    if entry is None:
        return values
    return {name: getattr(entry.record, name) for name in fields} | values | entry.values


def _balancer_faults(
    scene: Scene, document: Document, entry: Entry[BalancerRecord], *, is_new: bool
) -> Iterator[Fault]:
    """Yield what is wrong with a balancer's values and with the names in it."""
    if is_new:
        yield from missing(entry, "balancer")
    plain = {
        k: v for k, v in entry.values.items() if k not in ("role", "network", "ip") and v != ""
    }
    for column, message in value_faults(Balancer, plain):
        yield entry.fault(column, message)
    roles = {role.key for role in scene.before.platform.roles}
    networks = scene.before.networks.keys() | named(document.networks)
    for column, known in (("role", roles), ("network", networks)):
        value = getattr(entry.record, column)
        if value and known and value not in known:
            yield entry.fault(column, f"There is no {column} {value}.{suggestion(value, known)}")


def compare_facts(scene: Scene, document: Document, plan: Plan) -> Iterator[Fault]:
    """Yield faults of typed values; plan those that differ."""
    entries = document.facts or ()
    yield from twice(entries, "subject", "key")
    there = {"cluster"}
    there |= {f"container:{n}" for n in scene.before.containers.keys() | named(document.containers)}
    there |= {f"node:{n}" for n in scene.before.nodes.keys() | named(document.nodes)}
    typed = {
        (fact.subject, fact.key): fact.value
        for fact in sorted(scene.before.facts, key=lambda fact: fact.at)
        if fact.origin == Origin.TYPED
    }
    for entry in entries:
        record, about = entry.record, (entry.record.subject, entry.record.key)
        if about in typed and _canonical(typed[about]) == _canonical(record.value):
            plan.unchanged["fact"] += 1
            continue
        yield from missing(entry, "fact")
        if record.subject and record.subject not in there:
            yield entry.fault("subject", f"There is no {record.subject.replace(':', ' ')} here.")
        for column, message in value_faults(Fact, {"key": record.key} if record.key else {}):
            yield entry.fault(column, message)
        plan.facts.append(record)
        was = (f"{typed[about]} → {record.value}",) if about in typed else (f"{record.value}",)
        action: Action = "changed" if about in typed else "added"
        name = f"{record.key} of {record.subject}"
        plan.note(action, "fact", name, entry.row, was, permission="add_fact")


def _canonical(value: Any) -> str:
    """Return a value so that 1, 1.0 and true are three, as they are in the file."""
    return json.dumps(value, sort_keys=True)
