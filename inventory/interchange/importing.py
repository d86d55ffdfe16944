"""Takes a file in: reads it, shows what it would change, and writes all of it or nothing.

The one door of imports: pages, API and command call `run_import`. Rules judge the cluster as it
would be with the whole file, in one ChangeSet.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction

from inventory.access import POOL
from inventory.changes import AttachNetwork, ChangeError, ChangeSet, Operation
from inventory.history import lock_clusters
from inventory.interchange.compare import compare
from inventory.interchange.faults import Fault, Faulty
from inventory.interchange.plans import Plan, Step
from inventory.interchange.reading import read
from inventory.interchange.records import Document, FactRecord
from inventory.interchange.scenes import look
from inventory.models import Cluster, Container, Hypervisor, Location, Network, Node, Platform
from inventory.operations import Refused, perform
from inventory.platforms.schema import Platform as PlatformData
from inventory.rules import Finding, check
from inventory.services import create_cluster, save_network, save_row, type_fact
from inventory.snapshot import load_pool, load_topology, network_view
from inventory.topology import Topology


@dataclass(frozen=True)
class Upload:
    """A file with how it is meant: `what` it has, its form, and whether it says all there is."""

    data: bytes
    what: str
    form: str
    remove_missing: bool = False


@dataclass(frozen=True)
class Outcome:
    """What an import did, or would do, and what the rules find new or worse about it.

    `digest` is the plan's: it changes when the cluster does. `rows` are the lines of subjects.
    """

    steps: tuple[Step, ...]
    unchanged: dict[str, int]
    findings: tuple[Finding, ...]
    digest: str
    rows: dict[str, int]
    notes: tuple[str, ...]
    platform: PlatformData | None
    cluster: Cluster | None = None

    @property
    def refused(self) -> bool:
        """Tell whether rules refuse it."""
        return any(finding.refuses_save for finding in self.findings)

    def count(self, action: str) -> int:
        """Count the steps of one kind of action."""
        return sum(1 for step in self.steps if step.action == action)

    def as_json(self) -> dict[str, Any]:
        """Return what the API shows."""
        return {
            "plan": self.digest,
            "refused": self.refused,
            "added": self.count("added"),
            "changed": self.count("changed"),
            "removed": self.count("removed"),
            "unchanged": sum(self.unchanged.values()),
            "changes": [step.as_json() for step in self.steps],
            "findings": finding_rows(self.findings, self.rows),
            "notes": list(self.notes),
        }


class RefusedImport(Refused):
    """The rules' no to a whole file; carries what it would have changed, with the lines."""

    def __init__(self, outcome: Outcome) -> None:
        """Keep the findings that refuse."""
        self.outcome = outcome
        super().__init__([finding for finding in outcome.findings if finding.refuses_save])


class Stale(Exception):
    """The cluster changed since the plan was shown; carries the plan of now."""

    def __init__(self, outcome: Outcome) -> None:
        """Keep what would happen now."""
        self.outcome = outcome
        super().__init__("The cluster changed since this was shown: look at what would change now.")


def finding_rows(
    findings: tuple[Finding, ...] | list[Finding], rows: dict[str, int]
) -> list[dict[str, Any]]:
    """Return findings as JSON, each with the line of its subject."""
    return [finding.as_json() | {"row": rows.get(finding.subject)} for finding in findings]


def run_import(
    upload: Upload,
    *,
    cluster: Cluster | None,
    actor: User | None,
    is_pool: bool = False,
    dry_run: bool,
    expected: str = "",
    reason: str = "",
    request_id: str = "",
) -> Outcome:
    """Take a file in, or say what that would change; nothing is written unless all of it is.

    `cluster` None makes the cluster that the file describes, or changes the one of its slug; with
    `is_pool` it is the free pool. Without an actor nobody's permissions are asked: that is the
    command line's business. Raises Faulty with every fault, PermissionDenied, RefusedImport by
    rules, Stale when `expected` is given and is not the plan of now.
    """
    document = read(upload.data, what=upload.what, form=upload.form)
    if is_pool and upload.what != "containers":
        raise Faulty([Fault(0, "", "The free pool has containers only.")])
    if cluster is None and not is_pool:
        cluster = _described(document)
    with transaction.atomic():
        if cluster:  # With its foreign keys, and for a write until the end of it.
            cluster = (_read if dry_run else _locked)(cluster.pk)
        outcome, operations, plan = _prepared(upload, document, cluster, actor, is_pool=is_pool)
        if dry_run:
            transaction.set_rollback(True)
            return outcome
        if expected and expected != outcome.digest:
            raise Stale(outcome)
        if outcome.refused:
            raise RefusedImport(outcome)
        _write(outcome, operations, plan, actor, reason, request_id)
    return outcome


def _described(document: Document) -> Cluster | None:
    """Return the cluster that a file is about, if there is one."""
    slug = document.cluster.record.slug if document.cluster else ""
    return Cluster.objects.filter(slug=slug).first() if slug else None


def _read(pk: int) -> Cluster:
    """Return a cluster with what its picture needs."""
    return Cluster.objects.select_related("revision__platform", "release", "platform").get(pk=pk)


def _locked(pk: int) -> Cluster:
    """Return a cluster that nobody else writes to now."""
    return lock_clusters([pk])[pk]


def _prepared(
    upload: Upload,
    document: Document,
    cluster: Cluster | None,
    actor: User | None,
    *,
    is_pool: bool,
) -> tuple[Outcome, list[Operation], Plan]:
    """Return what would happen, as the rules see it; places and a new cluster are written for it.

    The caller rolls those back for a dry run: rules can judge only what can be pictured.
    """
    scene = look(document, cluster=cluster, is_pool=is_pool, user=actor)
    plan, faults = compare(scene, document, remove_missing=upload.remove_missing)
    if faults:
        raise Faulty(faults)
    if actor:
        _permit(actor, plan, POOL if is_pool else cluster)
    try:
        made = _make_ground(plan, cluster, actor)
    except ValidationError as error:
        raise _unforeseen(error) from None
    before = load_topology(made) if made else load_pool()
    attached = _attachments(document, before)
    operations = [*attached, *plan.operations]
    after = _applied(before, operations) if operations else before
    findings = tuple(check(before, after)) if operations else ()
    outcome = Outcome(
        steps=tuple(plan.steps),
        unchanged=dict(plan.unchanged),
        findings=findings,
        digest=_digest(upload, plan, findings),
        rows=_rows(plan, after),
        notes=document.notes,
        platform=before.platform if made else None,
        cluster=made,
    )
    return outcome, operations, plan


def _permit(actor: User, plan: Plan, where: Any) -> None:
    """Refuse what the forms would refuse this user too; names every permission that is lacking."""
    if lacking := sorted(name for name in plan.permissions if not actor.has_perm(name, where)):
        raise PermissionDenied(f"This import takes the permissions {', '.join(lacking)}.")


def _make_ground(plan: Plan, cluster: Cluster | None, actor: User | None) -> Cluster | None:
    """Write what the cluster stands on, and a new cluster itself."""
    for place in plan.locations:
        save_row(Location(name=place.name), actor=actor)
    for host in plan.hypervisors:
        location = Location.objects.get(name=host.location)
        row = Hypervisor(name=host.name, location=location, technology=host.technology)
        save_row(row, actor=actor)
    for net in plan.networks:
        place_row = Location.objects.get(name=net.location) if net.location else None
        network = Network(
            name=net.name, kind=net.kind, cidr=net.cidr, gateway=net.gateway, location=place_row
        )
        save_network(network, actor=actor)
    if plan.birth is None:
        return cluster
    platform = Platform.objects.get(key=plan.birth.platform)
    columns = ("slug", "name", "kind", "infrastructure", "time_zone", "country", "parameters")
    made = create_cluster(
        actor=actor,
        platform=platform,
        release=platform.releases.get(key=plan.birth.release),
        **{name: getattr(plan.birth, name) for name in columns},
    )
    return _locked(made.pk)


def _attachments(document: Document, before: Topology) -> list[Operation]:
    """Return that the cluster uses the file's networks, as far as it does not yet."""
    names = [entry.record.name for entry in document.networks or ()]
    wanted = [name for name in names if name not in before.networks]
    rows = {row.name: row for row in Network.objects.filter(name__in=wanted)}
    return [AttachNetwork(network_view(rows[name])) for name in wanted]


def _rows(plan: Plan, after: Topology) -> dict[str, int]:
    """Return the lines of subjects; a node's is its container's when it has none, and back."""
    rows = {step.subject: step.row for step in plan.steps if step.row}
    for node in after.nodes.values():
        about, below = f"node:{node.name}", f"container:{node.container}"
        if about not in rows and below in rows:
            rows[about] = rows[below]
        elif below not in rows and about in rows:
            rows[below] = rows[about]
    return rows


def _applied(before: Topology, operations: list[Operation]) -> Topology:
    """Return the cluster as it would be."""
    try:
        return ChangeSet(tuple(operations)).apply(before)
    except ChangeError as error:
        raise Faulty([Fault(0, "", str(error))]) from None


def _digest(upload: Upload, plan: Plan, findings: tuple[Finding, ...]) -> str:
    """Return what tells this plan from any other: file, steps with their before, findings."""
    content = [
        hashlib.sha256(upload.data).hexdigest(),
        [upload.what, upload.form, upload.remove_missing],
        [step.as_json() for step in plan.steps],
        [[*finding.identity, finding.weight, finding.refuses_save] for finding in findings],
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _write(
    outcome: Outcome,
    operations: list[Operation],
    plan: Plan,
    actor: User | None,
    reason: str,
    request_id: str,
) -> None:
    """Carry the operations out as one, then type the values; a row's own no is a fault too."""
    cluster = outcome.cluster
    try:
        if operations:
            change = ChangeSet(tuple(operations))
            perform(change, cluster=cluster, actor=actor, reason=reason, request_id=request_id)
        if cluster:
            for fact in plan.facts:
                _type(fact, cluster, actor)
    except (ValidationError, ChangeError) as error:
        raise _unforeseen(error) from None


def _type(fact: FactRecord, cluster: Cluster, actor: User | None) -> None:
    """Type one value."""
    kind, _, name = fact.subject.partition(":")
    container = Container.objects.get(cluster=cluster, name=name) if kind == "container" else None
    node = None
    if kind == "node":
        node = Node.objects.get(cluster=cluster, name=name, removed_at=None)
    type_fact(
        actor=actor,
        cluster=cluster,
        key=fact.key,
        value=fact.value,
        container=container,
        node=node,
    )


def _unforeseen(error: ValidationError | ChangeError) -> Faulty:
    """Return what only the database could say, such as an address that is taken in between."""
    messages = error.messages if isinstance(error, ValidationError) else [str(error)]
    return Faulty(Fault(0, "", message) for message in messages)
