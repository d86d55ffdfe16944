"""Carries a preflight out: reads how to log in, conducts it, keeps what each check came to."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from inventory.host_checks import BY_KEY
from inventory.models import Cluster, Container
from inventory.snapshot import load_topology
from inventory.ssh import SSHError, Target, target_for
from inventory.states import ContainerState
from inventory.topology import Topology
from provisioning.checks.conducting import Errand, conduct
from provisioning.checks.judging import answers
from provisioning.checks.reading import Machine
from provisioning.checks.sight import Answer, Sight
from provisioning.models import CheckResult, Preflight
from provisioning.runbook.load import Runbook, RunbookError, load_runbooks
from provisioning.services.holding import latest_preflight
from provisioning.services.preflights import beat
from provisioning.states import PreflightStatus

REPOSITORY = "_repository_url"


class GivenUp(Exception):
    """The preflight was taken for lost while this one still worked on it."""


def execute(pk: UUID) -> None:
    """Carry a queued preflight out; a second delivery finds it taken and leaves."""
    waiting = Preflight.objects.filter(pk=pk, status=PreflightStatus.QUEUED)
    if not waiting.update(status=PreflightStatus.RUNNING, started_at=timezone.now(), beat_at=Now()):
        return
    preflight = Preflight.objects.select_related("cluster", "requested_by").get(pk=pk)
    try:
        sight = conduct(make_errand(preflight), lambda words: _beat(preflight, words))
        _keep(preflight, sight)
    except GivenUp:
        return
    finally:
        # Also when the task's time is over, or a bug surfaces: it is not left hanging.
        Preflight.objects.filter(pk=pk, status=PreflightStatus.RUNNING).update(
            status=PreflightStatus.LOST,
            finished_at=timezone.now(),
            reason="It ended before its time; the operations page shows why. Start it again.",
        )


def make_errand(preflight: Preflight) -> Errand:
    """Say what is to be looked at, and how to log in."""
    cluster = preflight.cluster
    topology = load_topology(cluster)
    for name, machine in topology.containers.items():
        if machine.state == ContainerState.RETIRED:
            topology = topology.without_container(name)
    targets: dict[str, Target] = {}
    errors: dict[str, str] = {}
    for row in Container.objects.filter(cluster=cluster).with_login():
        if row.name in topology.containers:
            try:
                targets[row.name] = target_for(row, user=preflight.requested_by)
            except SSHError as error:
                errors[row.name] = str(error)
    runbooks = _runbooks(cluster)
    return Errand(
        topology,
        targets,
        errors,
        checks=frozenset(preflight.checks),
        containers=frozenset(preflight.containers) & frozenset(topology.containers),
        components={name: _components(topology, runbooks, name) for name in topology.containers},
        repositories={
            name: _repositories(topology, runbooks, name) for name in topology.containers
        },
    )


def _beat(preflight: Preflight, words: str) -> None:
    """Say that it goes on; raises GivenUp when nobody waits for it any more."""
    if not beat(preflight, words):
        raise GivenUp


@transaction.atomic
def _keep(preflight: Preflight, sight: Sight) -> None:
    """Keep the answers, and of what was not asked the answers of the look before."""
    found = answers(sight, checks=preflight.checks, containers=preflight.containers)
    before = latest_preflight(preflight.cluster)
    asked = {(answer.subject, answer.check) for answer in found}
    names = set(sight.topology.containers)
    old = _still_valid(before, asked, names) if preflight.checks or preflight.containers else []
    now = timezone.now()
    pks = dict(Container.objects.filter(cluster=preflight.cluster).values_list("name", "pk"))
    rows = [_row(answer, pks.get(answer.subject), now) for answer in found] + old
    order = list(BY_KEY)
    rows.sort(key=lambda row: (row.container_name, order.index(row.key)))
    for position, row in enumerate(rows):
        row.pk, row.preflight, row.position = None, preflight, position
    done = Preflight.objects.filter(pk=preflight.pk, status=PreflightStatus.RUNNING).update(
        status=PreflightStatus.DONE,
        finished_at=now,
        progress="",
        facts={**(before.facts if before else {}), **_facts(sight)},
    )
    if done:
        CheckResult.objects.bulk_create(rows, batch_size=500)


def _still_valid(
    before: Preflight | None, asked: set[tuple[str, str]], names: set[str]
) -> list[CheckResult]:
    """Return earlier answers to what was not asked now, about machines that are still there."""
    return [
        row
        for row in (before.results.all() if before else ())
        if (row.container_name, row.key) not in asked
        and row.container_name in names
        and row.key in BY_KEY
    ]


def _row(answer: Answer, container: int | None, at: datetime) -> CheckResult:
    """Make the row of an answer."""
    source = answer.sentence_of_vendor
    return CheckResult(
        key=answer.check,
        container_id=container,
        container_name=answer.subject,
        about=answer.about[:300],
        outcome=answer.outcome,
        sentence=answer.sentence,
        measured=answer.measured,
        remedy=answer.remedy,
        fix=answer.fix,
        source_document=source.document,
        source_text=source.text,
        at=at,
    )


def _facts(sight: Sight) -> dict[str, dict[str, Any]]:
    """Return what was measured of each machine, as it would be adopted."""
    return {name: _measured(machine) for name, machine in sight.machines.items()}


def _measured(machine: Machine) -> dict[str, Any]:
    """Return a machine's facts."""
    return {
        "os_id": machine.os_id,
        "os_version": machine.os_version,
        "arch": machine.arch,
        "vcpus": machine.vcpus,
        "memory_mib": machine.memory_mib,
        "disks": [
            {"device": f"/dev/{d.name}", "size_gib": round(d.size_gib), "kind": d.kind}
            for d in machine.disks
            if d.size_gib >= 1
        ],
    }


def _runbooks(cluster: Cluster) -> dict[str, Runbook]:
    """Return the platform's runbooks; faulty ones stand in the way of runs, not of looking."""
    try:
        return load_runbooks(cluster.platform.key, directories=settings.RUNBOOK_DIRS)
    except RunbookError:
        return {}


def _components(topology: Topology, runbooks: dict[str, Runbook], container: str) -> frozenset[str]:
    """Return the components that the runbooks of a machine's roles have."""
    return frozenset(
        component.key
        for role in _roles(topology, container)
        if role in runbooks
        for component in runbooks[role].spec.components
    )


def _repositories(
    topology: Topology, runbooks: dict[str, Runbook], container: str
) -> tuple[str, ...]:
    """Return the repositories of the cluster's parameters that a machine's roles need.

    A runbook needs those that it names; a role without one may need any.
    """
    found = []
    for parameter in topology.platform.parameters:
        url = str(topology.parameter(parameter.key) or "")
        if parameter.key.endswith(REPOSITORY) and url:
            for role in _roles(topology, container):
                runbook = runbooks.get(role)
                if runbook is None or parameter.key in runbook.spec.model_dump_json():
                    found.append(url)
    return tuple(dict.fromkeys(found))


def _roles(topology: Topology, container: str) -> list[str]:
    """Return the roles on a machine."""
    return sorted({a.role for node in topology.nodes_on(container) for a in node.assignments})
