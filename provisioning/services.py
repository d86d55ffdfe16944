"""What people want of runs: plan, start, cancel, retry, confirm; the engine does the work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from inventory.history import lock_clusters
from inventory.models import Cluster, Container, Node
from inventory.operations import Refused
from inventory.rules import Finding
from inventory.snapshot import load_topology
from inventory.topology import Topology
from provisioning.engine.bell import ring
from provisioning.engine.bracket import end_run
from provisioning.models import Run, Step
from provisioning.planning import plan
from provisioning.preflight import blocking, missing_logins, obstacle
from provisioning.runbook.load import RunbookError, load_runbooks
from provisioning.runbook.rendering import RenderError
from provisioning.states import BAD, InvalidTransition, RunStatus, StepStatus, WaitsFor
from provisioning.steps import Plan


@transaction.atomic
def request_run(*, cluster: Cluster, actor: User, roles: Iterable[str] | None = None) -> Run:
    """Freeze what would be done on a cluster; raises Refused with every finding in the way."""
    lock_clusters([cluster.pk])
    topology = load_topology(cluster)
    made = make_plan(topology, roles=roles)
    refuse_if_blocked(cluster, topology, made)
    return freeze(cluster=cluster, made=made, actor=actor, roles=roles)


def make_plan(topology: Topology, *, roles: Iterable[str] | None = None) -> Plan:
    """Plan with the runbooks as they are now; raises Refused when they cannot be used."""
    try:
        runbooks = load_runbooks(topology.platform.key, directories=settings.RUNBOOK_DIRS)
        return plan(topology, runbooks, roles=roles)
    except (RunbookError, RenderError) as error:
        raise Refused([obstacle("runbook", "cluster", str(error))]) from error


def obstacles(cluster: Cluster, topology: Topology, made: Plan) -> list[Finding]:
    """Return all that stands in the way of carrying a plan out."""
    roles = {step.role for step in made.steps}
    containers = {step.container for step in made.steps}
    found = blocking(topology, roles=roles)
    # Rules know of logins and host keys; what only a login itself needs comes on top.
    named = {finding.subject for finding in found}
    missing = missing_logins(cluster, containers)
    found += [finding for finding in missing if finding.subject not in named]
    if not made.steps:
        found.append(obstacle("empty_plan", "cluster", _nothing(made)))
    return found


def refuse_if_blocked(cluster: Cluster, topology: Topology, made: Plan) -> None:
    """Raise Refused with all that stands in the way."""
    if found := obstacles(cluster, topology, made):
        raise Refused(found)


def freeze(
    *,
    cluster: Cluster,
    made: Plan,
    actor: User | None,
    roles: Iterable[str] | None = None,
) -> Run:
    """Write a plan as a run with all its steps."""
    run = Run.objects.create(
        cluster=cluster,
        requested_by=actor,
        requested_by_name=_name(actor),
        runbook_hashes=dict(made.runbook_hashes),
        notes=list(made.notes),
        roles=sorted(roles or ()),
        data={"secrets": list(made.secrets)},
    )
    containers = dict(Container.objects.filter(cluster=cluster).values_list("name", "pk"))
    nodes = dict(Node.objects.filter(cluster=cluster, removed_at=None).values_list("name", "pk"))
    Step.objects.bulk_create(_rows(run, made, containers, nodes), batch_size=500)
    return run


@transaction.atomic
def start_run(*, run: Run, actor: User) -> None:
    """Let a planned run begin; raises Refused when the cluster is no longer what was planned."""
    run = _locked(run.pk)
    lock_clusters([run.cluster_id])
    topology = load_topology(run.cluster)
    roles = run.roles or None
    made = make_plan(topology, roles=roles)
    refuse_if_blocked(run.cluster, topology, made)
    if [step.hash for step in made.steps] != list(run.steps.values_list("hash", flat=True)):
        words = "The cluster or its runbooks have changed since: make a new plan."
        raise Refused([obstacle("stale_plan", "cluster", words)])
    _queue(run)


@transaction.atomic
def cancel_run(*, run: Run, actor: User) -> None:
    """End a run: at once where nothing runs, else by its driver, who ends what runs."""
    run = _locked(run.pk)
    if not run.can_cancel:
        raise InvalidTransition(f"{run} is {run.get_status_display().lower()}.")
    name = _name(actor)
    if run.status == RunStatus.RUNNING:
        run.move(RunStatus.CANCELLING, cancelled_by_name=name)
        ring(run.pk)
        return
    Run.objects.filter(pk=run.pk).update(cancelled_by_name=name)
    end_run(run, RunStatus.CANCELLED, f"Cancelled by {name}.")


@transaction.atomic
def retry_run(*, run: Run, actor: User) -> None:
    """Carry on an ended run: only what is not done is tried, as new attempts."""
    run = _locked(run.pk)
    if not run.can_retry:
        raise InvalidTransition(f"{run} is {run.get_status_display().lower()}.")
    run.steps.filter(status__in=sorted(BAD)).update(
        status=StepStatus.PENDING, message="", started_at=None, finished_at=None
    )
    _queue(run, finished_at=None, cancelled_by_name="")


@transaction.atomic
def confirm_step(*, step: Step, actor: User, evidence: str) -> None:
    """Say that a manual step was done and how that was seen; its verify still looks itself."""
    if not evidence.strip():
        raise Refused([obstacle("evidence", f"step:{step.title}", "Say what you saw.")])
    run = _locked(step.run_id)
    step = Step.objects.get(pk=step.pk)
    step.move(
        StepStatus.PENDING,
        message="",
        evidence=evidence.strip(),
        confirmed_by_name=_name(actor),
        confirmed_at=timezone.now(),
    )
    if run.status == RunStatus.WAITING and run.waits_for == WaitsFor.PERSON:
        _queue(run)


def _locked(pk: UUID) -> Run:
    """Return a run that nobody else moves meanwhile."""
    return Run.objects.select_for_update(of=("self",)).select_related("cluster").get(pk=pk)


def _queue(run: Run, **changes: Any) -> None:
    """Move a run to the queue and ring."""
    run.move(RunStatus.QUEUED, queued_at=timezone.now(), reason="", **changes)
    ring(run.pk)


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
            )
            position += 1


def _nothing(made: Plan) -> str:
    """Say why a plan is empty."""
    return " ".join(("There is nothing to do.", *made.notes))


def _name(actor: User | None) -> str:
    """Return what is kept of who did it."""
    return actor.get_username() if actor else "voipadmin"
