"""What surrounds a run: locks, maintenance windows, states of assignments and of the cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import timedelta

from django.db.models import Count, Exists, OuterRef
from django.utils import timezone

from inventory.history import lock_clusters, record_event, set_assignment_state
from inventory.models import Cluster, MaintenanceWindow, RoleAssignment
from inventory.states import AssignmentState, ClusterState
from provisioning.engine.bell import announce, ring
from provisioning.models import ContainerLock, Run, SingletonLock, Step
from provisioning.states import BAD, DONE, InvalidTransition, RunStatus, StepStatus, WaitsFor

# A run that nobody closes shall not silence alerts for ever.
WINDOW = timedelta(hours=24)
TOLD_AT_MOST = 3


def no_longer_allowed(run: Run) -> str:
    """Say why a run may not begin after all: rights are asked when it does, not only before."""
    user = run.requested_by
    if user is None or user.has_perm("inventory.provision_cluster", run.cluster):
        return ""
    return f"{user} may no longer provision {run.cluster}: nothing was begun."


def take_locks(run: Run) -> str:
    """Lock all that a run works on, or nothing; returns who stands in the way, "" for nobody.

    That is its containers, and what the cluster has once (`singleton`) that its steps work on.
    """
    containers = {pk for pk in run.steps.values_list("container", flat=True) if pk}
    ContainerLock.objects.bulk_create(
        [
            ContainerLock(container_id=pk, run=run, reason=f"{run}"[:200])
            for pk in sorted(containers)
        ],
        ignore_conflicts=True,
    )
    SingletonLock.objects.bulk_create(
        [SingletonLock(cluster=run.cluster, key=key, run=run) for key in run.singletons],
        ignore_conflicts=True,
    )
    others = [*_held_containers(run, containers), *held_singletons(run)]
    if not others:
        return ""
    run.locks.all().delete()
    run.singleton_locks.all().delete()
    return f"Waits for what another run holds: {'; '.join(others)}."


def _held_containers(run: Run, containers: set[int]) -> list[str]:
    """Say which of these containers other runs hold."""
    held = ContainerLock.objects.filter(container__in=containers).exclude(run=run)
    rows = held.select_related("container", "run__cluster")
    return [f"{row.container} by {row.run} ({row.run.requested_by_name})" for row in rows]


def held_singletons(run: Run) -> list[str]:
    """Say which singletons of its cluster that a run needs other runs hold."""
    held = SingletonLock.objects.filter(cluster=run.cluster_id, key__in=run.singletons)
    held = held.exclude(run=run)
    rows = held.select_related("run__cluster")
    return [f"{row.key} by {row.run} ({row.run.requested_by_name})" for row in rows]


def begin_dry_run(run: Run) -> None:
    """Note when a dry run began; it changes nothing, so that it locks and marks nothing."""
    run.started_at = run.started_at or timezone.now()
    run.save(update_fields=["started_at"])


def begin_run(run: Run) -> None:
    """Mark what a run works on; harmless when it is done again by a retry."""
    lock_clusters([run.cluster_id])
    # A live cluster stays live: that state is what its rules are locked by.
    Cluster.objects.filter(pk=run.cluster_id, state=ClusterState.PLANNING).update(
        state=ClusterState.INSTALLING
    )
    run.started_at = run.started_at or timezone.now()
    run.save(update_fields=["started_at"])
    _open_windows(run)
    set_assignment_state(
        assignments=_assignments(run, AssignmentState.PLANNED, AssignmentState.FAILED),
        state=AssignmentState.INSTALLING,
    )
    record_event(kind="run-started", message=f"{run} started.", cluster=run.cluster, data=_ids(run))


def end_run(run: Run, status: RunStatus, reason: str) -> None:
    """Move a run to its end, free what it held, and let those that wait for it go on."""
    run.move(status, reason=reason, finished_at=timezone.now(), lease_expires_at=None, driver="")
    if run.locks.exists():
        # Without locks another run may be at work on the same nodes: they are its affair.
        _put_back(run)
    record_event(
        kind=f"run-{status}",
        message=f"{run} {status}." if not reason else f"{run} {status}: {reason}",
        cluster=run.cluster,
        data=_ids(run),
    )
    announce(run.pk)
    free_locks(run)


def cancelled_words(run: Run) -> str:
    """Say who cancelled a run and what had been done by then."""
    rows = run.steps.order_by().values_list("status").annotate(Count("pk"))
    counts: Counter[str] = Counter(dict(rows))
    done = sum(counts[status] for status in DONE)
    words = f"Cancelled by {run.cancelled_by_name}. Of {counts.total()} steps {done} had been done"
    words += f", {counts[StepStatus.CHANGED]} of them changed something"
    bad = sum(counts[status] for status in BAD)
    return words + (f"; {bad} failed or were ended." if bad else ".")


def failed_words(stopped: str, bad: Sequence[Step]) -> str:
    """Say what failed, a few of many; the run's page has the others."""
    words = [stopped, *(f"{step}: {step.message}" for step in bad[:TOLD_AT_MOST])]
    more = len(bad) - TOLD_AT_MOST
    return "; ".join([*filter(None, words), *([f"and {more} more"] if more > 0 else [])])


def wait_for_person(run: Run, steps: Iterable[Step]) -> None:
    """Let a run wait, without a driver, until somebody answers these steps."""
    run.move(
        RunStatus.WAITING,
        waits_for=WaitsFor.PERSON,
        reason="; ".join(f"{step}" for step in steps),
        lease_expires_at=None,
        driver="",
    )
    record_event(
        kind="run-waiting",
        message=f"{run} waits for a person: {run.reason}",
        cluster=run.cluster,
        data=_ids(run),
    )
    announce(run.pk)


def _put_back(run: Run) -> None:
    """End the maintenance and say what became of the nodes' roles."""
    now = timezone.now()
    for window in run.maintenance_windows.filter(ends_at__gt=now):
        window.ends_at = max(now, window.starts_at + timedelta(microseconds=1))
        window.save(update_fields=["ends_at"])
    _settle_assignments(run)


def free_locks(run: Run) -> None:
    """Give back what the run held and wake the runs that can go on now."""
    run.locks.all().delete()
    run.singleton_locks.all().delete()
    wake_runs()


def wake_runs() -> None:
    """Queue the runs that wait for what nobody holds any more."""
    held = ContainerLock.objects.filter(container__steps__run=OuterRef("pk"))
    waiting = Run.objects.filter(status=RunStatus.WAITING, waits_for=WaitsFor.LOCKS)
    for run in waiting.exclude(Exists(held)):
        if held_singletons(run):
            continue
        with suppress(InvalidTransition):  # Somebody was faster.
            run.move(RunStatus.QUEUED, reason="")
            ring(run.pk)


def _open_windows(run: Run) -> None:
    """Hold alerts of the run's containers while it works on them."""
    now = timezone.now()
    pks = run.steps.exclude(container=None).values_list("container", flat=True)
    windows = MaintenanceWindow.objects.bulk_create(
        MaintenanceWindow(
            cluster=run.cluster,
            container_id=pk,
            starts_at=now,
            ends_at=now + WINDOW,
            reason=f"{run}"[:200],
            opened_by=run.requested_by,
        )
        for pk in sorted(set(pks) - {None})
    )
    run.maintenance_windows.add(*windows)


def _settle_assignments(run: Run) -> None:
    """Say of each node's role what the run made of it: all done is active, anything bad failed."""
    steps: dict[tuple[int | None, str], list[Step]] = {}
    for step in run.steps.defer("spec"):
        steps.setdefault((step.node_id, step.role), []).append(step)
    by_state: dict[AssignmentState, list[RoleAssignment]] = {}
    for row in _assignments(run, AssignmentState.INSTALLING):
        by_state.setdefault(_state(steps[row.node_id, row.role.key]), []).append(row)
    for state, rows in by_state.items():
        set_assignment_state(assignments=rows, state=state)


def _state(steps: Iterable[Step]) -> AssignmentState:
    """Say how far a role is on a node after these steps."""
    steps = list(steps)
    if all(step.is_done for step in steps):
        return AssignmentState.ACTIVE
    if any(step.is_bad for step in steps):
        return AssignmentState.FAILED
    return AssignmentState.PLANNED


def _assignments(run: Run, *states: AssignmentState) -> list[RoleAssignment]:
    """Return the current assignments in these states that the run's steps are about."""
    pairs = set(run.steps.values_list("node", "role"))
    rows = RoleAssignment.objects.filter(
        valid_to=None, node__in={node for node, _ in pairs if node}, state__in=states
    ).select_related("node", "role")
    return [row for row in rows if (row.node_id, row.role.key) in pairs]


def _ids(run: Run) -> dict[str, str]:
    """Return what an event keeps of a run."""
    return {"run": str(run.pk)}
