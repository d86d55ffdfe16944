"""Preflights as people want them: start one for all or some, adopt what was measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from django_q.tasks import async_task

from inventory.history import lock_clusters, record_change, record_fact
from inventory.host_checks import BY_KEY
from inventory.models import Cluster, Container
from inventory.operations import ChangeContainer, Refused, perform
from inventory.snapshot import load_topology
from inventory.states import DiskPurpose, Origin
from inventory.topology import ContainerView, DiskView
from provisioning.models import Preflight, Run
from provisioning.obstacles import obstacle
from provisioning.services.holding import active_preflight, latest_preflight
from provisioning.services.moves import actor_name
from provisioning.states import DRIVEN, PreflightStatus

TASK = "provisioning.tasks.execute_preflight"
PLAIN = ("os_id", "os_version", "arch", "vcpus", "memory_mib")


@transaction.atomic
def request_preflight(
    *,
    cluster: Cluster,
    actor: User,
    checks: Iterable[str] = (),
    containers: Iterable[str] = (),
) -> Preflight:
    """Queue a look at the machines; raises Refused where another look, or a run, is on its way."""
    checks, containers = sorted(set(checks)), sorted(set(containers))
    lock_clusters([cluster.pk])
    _refuse(cluster, checks, containers)
    preflight = Preflight.objects.create(
        cluster=cluster,
        checks=checks,
        containers=containers,
        requested_by=actor,
        requested_by_name=actor_name(actor),
        progress="Waits for a worker.",
    )
    record_change(
        actor=actor,
        cluster=cluster,
        operation="start-preflight",
        subject="cluster",
        summary=f"Preflight of {cluster}: {', '.join(checks) or 'all checks'} on "
        f"{', '.join(containers) or 'all machines'}.",
        before=None,
        after={"preflight": str(preflight.pk)},
    )
    name = f"preflight {preflight.pk}"
    transaction.on_commit(
        lambda: async_task(TASK, str(preflight.pk), task_name=name, ack_failure=True)
    )
    return preflight


@transaction.atomic
def adopt_measured(*, cluster: Cluster, actor: User, container: str) -> None:
    """Write what the last preflight measured of a machine into the inventory.

    Raises Refused with the rules that a machine so small would break, and for what was not seen.
    """
    preflight = latest_preflight(cluster)
    facts = preflight.facts.get(container) if preflight else None
    view = load_topology(cluster).containers.get(container)
    if not facts or view is None:
        words = f"Nothing was measured of {container} yet: ask it first."
        raise Refused([obstacle("nothing_measured", f"container:{container}", words)])
    changed = replace(
        view, **{k: facts[k] for k in PLAIN if facts.get(k)}, disks=_disks(view, facts)
    )
    perform(
        ChangeContainer(container, changed),
        cluster=cluster,
        actor=actor,
        reason="Measured by the preflight.",
    )
    row = Container.objects.get(cluster=cluster, name=container)
    for key in (*PLAIN, "disks"):
        if facts.get(key):
            record_fact(
                cluster=cluster,
                container=row,
                key=key,
                value=facts[key],
                origin=Origin.MEASURED,
            )


def lose_abandoned() -> int:
    """Mark preflights whose worker is gone; returns how many. They can be started anew."""
    return Preflight.objects.abandoned().update(
        status=PreflightStatus.LOST,
        finished_at=timezone.now(),
        reason="Nobody carried it out any more: its worker ended or hung. Start it again.",
    )


def beat(preflight: Preflight, words: str) -> bool:
    """Say that somebody works on it; False when it was given up meanwhile."""
    mine = Preflight.objects.filter(pk=preflight.pk, status=PreflightStatus.RUNNING)
    return bool(mine.update(beat_at=Now(), progress=words))


def _refuse(cluster: Cluster, checks: list[str], containers: list[str]) -> None:
    """Raise Refused with what keeps a preflight from being begun."""
    if cluster.is_example:
        raise _no("example", f"{cluster} is an example: its machines do not exist.")
    known = set(Container.objects.filter(cluster=cluster).values_list("name", flat=True))
    if not known:
        raise _no("no_machines", f"{cluster} has no machine yet: describe its containers first.")
    if unknown := [*(set(checks) - set(BY_KEY)), *(set(containers) - known)]:
        raise _no("unknown", f"There is no check or machine {', '.join(sorted(unknown))}.")
    if active := active_preflight(cluster):
        raise Refused([active])
    runs = Run.objects.filter(cluster=cluster, status__in=sorted(DRIVEN), kind="apply")
    if run := runs.first():
        raise _no(
            "run_active",
            f"{run} works on the machines: a preflight would be in its way, and see things half "
            "done. Wait until it has ended.",
        )


def _no(key: str, sentence: str) -> Refused:
    """Make a refusal."""
    return Refused([obstacle(key, "cluster", sentence)])


def _disks(view: ContainerView, facts: dict[str, Any]) -> tuple[DiskView, ...]:
    """Return the measured disks with the purposes that are known; none measured: as they were.

    A disk that nobody has described is no storage: runbooks make file systems on what is.
    """
    purposes = {disk.device: disk.purpose for disk in view.disks}
    found = [
        DiskView(
            disk["device"],
            disk["size_gib"],
            disk["kind"],
            purposes.get(disk["device"], DiskPurpose.SYSTEM),
        )
        for disk in facts.get("disks", ())
    ]
    return tuple(found) or view.disks
