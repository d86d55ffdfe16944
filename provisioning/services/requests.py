"""Plan a run, freeze it, start it; the engine does the work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from inventory.history import lock_clusters
from inventory.models import Cluster, Container, Node
from inventory.operations import Refused
from inventory.rules import Finding
from inventory.snapshot import load_topology
from inventory.topology import Topology
from provisioning.models import Run, RunbookVersion, Step
from provisioning.obstacles import blocking, missing_logins, obstacle
from provisioning.planning import plan
from provisioning.runbook.load import RunbookError, load_runbooks
from provisioning.runbook.rendering import RenderError
from provisioning.services.holding import active_preflight, holding_back, only_mends
from provisioning.services.moves import actor_name, locked, queue, record
from provisioning.states import RunKind
from provisioning.steps import Plan, Stage


@transaction.atomic
def request_run(
    *,
    cluster: Cluster,
    actor: User,
    roles: Iterable[str] | None = None,
    components: Iterable[str] | None = None,
    proceed_reason: str = "",
) -> Run:
    """Freeze what would be done on a cluster; raises Refused with every finding in the way.

    `components` limits it to parts of the runbooks. Failed checks hold it back unless somebody says
    why it shall go past them, or it only mends what such checks found.
    """
    lock_clusters([cluster.pk])
    topology = load_topology(cluster)
    made = make_plan(topology, roles=roles, components=components)
    refuse_if_blocked(cluster, topology, made, user=actor)
    held_by = [] if only_mends(components) else holding_back(cluster, made)
    reason = proceed_reason.strip() if held_by else ""
    if held_by and not reason:
        raise Refused(held_by)
    run = freeze(
        cluster=cluster,
        made=made,
        actor=actor,
        roles=roles,
        components=sorted(components or ()),
        proceed_reason=reason,
    )
    if held_by:
        words = f"{run} goes past {len(held_by)} failed checks of the preflight."
        record(run, actor, "proceed-past-preflight", words, reason)
    return run


def make_plan(
    topology: Topology,
    *,
    roles: Iterable[str] | None = None,
    components: Iterable[str] | None = None,
) -> Plan:
    """Plan with the runbooks as they are now; raises Refused when they cannot be used."""
    try:
        runbooks = load_runbooks(topology.platform.key, directories=settings.RUNBOOK_DIRS)
        return plan(topology, runbooks, roles=roles, components=components)
    except (RunbookError, RenderError) as error:
        raise Refused([obstacle("runbook", "cluster", str(error))]) from error


def obstacles(
    cluster: Cluster, topology: Topology, made: Plan, *, user: User | None = None
) -> list[Finding]:
    """Return all that stands in the way of carrying a plan out."""
    roles = {step.role for step in made.steps}
    containers = {step.container for step in made.steps}
    found = blocking(topology, roles=roles)
    # Rules know of logins and host keys; what only a login itself needs comes on top.
    named = {finding.subject for finding in found}
    missing = missing_logins(cluster, containers, user=user)
    found += [finding for finding in missing if finding.subject not in named]
    if not made.steps:
        found.append(obstacle("empty_plan", "cluster", _nothing(made)))
    return found


def refuse_if_blocked(
    cluster: Cluster, topology: Topology, made: Plan, *, user: User | None = None
) -> None:
    """Raise Refused with all that stands in the way of a run that this user asks for."""
    if found := obstacles(cluster, topology, made, user=user):
        raise Refused(found)


@transaction.atomic
def request_dry_run(*, cluster: Cluster, actor: User, roles: Iterable[str] | None = None) -> Run:
    """Look on the machines what a run would change, which no rule forbids; it begins at once.

    A container that cannot be logged in to fails there and hinders no other.
    """
    topology = load_topology(cluster)
    made = make_plan(topology, roles=roles)
    if not made.steps:
        raise Refused([obstacle("empty_plan", "cluster", _nothing(made))])
    run = freeze(cluster=cluster, made=made, actor=actor, roles=roles, kind=RunKind.DRY)
    queue(run)
    return run


def freeze(
    *,
    cluster: Cluster,
    made: Plan,
    actor: User | None,
    roles: Iterable[str] | None = None,
    kind: RunKind = RunKind.APPLY,
    **more: Any,
) -> Run:
    """Write a plan as a run with all its steps; `more` are further columns of it."""
    run = Run.objects.create(
        kind=kind,
        cluster=cluster,
        requested_by=actor,
        requested_by_name=actor_name(actor),
        runbook_hashes=dict(made.runbook_hashes),
        notes=list(made.notes),
        roles=sorted(roles or ()),
        parameters=cluster.parameters,
        stages=[_stage(stage) for stage in made.stages],
        data={
            "secrets": list(made.secrets),
            "singletons": sorted({step.singleton for step in made.steps if step.singleton}),
        },
        **more,
    )
    containers = dict(Container.objects.filter(cluster=cluster).values_list("name", "pk"))
    nodes = dict(Node.objects.filter(cluster=cluster, removed_at=None).values_list("name", "pk"))
    Step.objects.bulk_create(_rows(run, made, containers, nodes), batch_size=500)
    keep_runbooks(cluster.platform.key, made)
    return run


def _stage(stage: Stage) -> dict[str, Any]:
    """Return what the engine needs to know of a stage besides its steps."""
    return {
        "key": stage.key,
        "title": stage.title,
        "tolerance": stage.tolerance,
        "quorum": stage.quorum,
        "singletons": {step.key: step.singleton for step in stage.steps if step.singleton},
    }


def keep_runbooks(platform: str, made: Plan) -> None:
    """Keep the versions of runbooks that a run was planned with."""
    RunbookVersion.objects.bulk_create(
        [
            RunbookVersion(
                hash=version, platform=platform, role=role, files=made.runbook_files[version]
            )
            for role, version in made.runbook_hashes.items()
            if version in made.runbook_files
        ],
        ignore_conflicts=True,
    )


@transaction.atomic
def start_run(*, run: Run, actor: User) -> None:
    """Let a planned run begin; raises Refused when the cluster is no longer what was planned."""
    run = locked(run.pk)
    lock_clusters([run.cluster_id])
    topology = load_topology(run.cluster)
    roles = run.roles or None
    made = make_plan(topology, roles=roles, components=run.components or None)
    refuse_if_blocked(run.cluster, topology, made, user=run.requested_by)
    if looking := active_preflight(run.cluster):
        raise Refused([looking])
    goes_past = run.proceed_reason or only_mends(run.components)
    if not goes_past and (held_by := holding_back(run.cluster, made)):
        raise Refused(held_by)
    if [step.hash for step in made.steps] != list(run.steps.values_list("hash", flat=True)):
        words = "The cluster or its runbooks have changed since: make a new plan."
        raise Refused([obstacle("stale_plan", "cluster", words)])
    queue(run)


def _rows(
    run: Run, made: Plan, containers: dict[str, int], nodes: dict[str, int]
) -> Iterable[Step]:
    """Yield the steps of a plan as rows."""
    position = 0
    for number, stage in enumerate(made.stages):
        for step in stage.steps:
            yield Step(
                run=run,
                position=position,
                stage=number,
                stage_key=stage.key,
                stage_title=stage.title,
                key=step.key,
                title=step.title,
                kind=step.kind,
                role=step.role,
                component=step.component,
                container_id=containers.get(step.container),
                container_name=step.container,
                node_id=nodes.get(step.node),
                node_name=step.node,
                spec=asdict(step),
                hash=step.hash,
                serial=step.serial,
                timeout_s=step.timeout_s,
                manual=step.manual or "",
                approval=step.approval,
                answer_within_s=step.answer_within_s,
                register=step.register or "",
            )
            position += 1


def _nothing(made: Plan) -> str:
    """Say why a plan is empty."""
    return " ".join(("There is nothing to do.", *made.notes))
