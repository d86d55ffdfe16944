"""Which hosts to visit and what to ask them, read from the inventory."""

from collections.abc import Collection
from dataclasses import dataclass, field

from django.db.models import F, Prefetch
from django.db.models.functions import Mod

from inventory.models import Container, Placement, RoleAssignment
from inventory.ssh import SSHError, Target, target_for
from inventory.states import AssignmentState, NetworkKind
from monitoring.leases import SHARDS
from monitoring.metrics import LAYOUTS, POSTGRESQL, Layout

# What is installed is asked; what is only planned cannot answer yet.
INSTALLED = (AssignmentState.ACTIVE, AssignmentState.DRAINING, AssignmentState.FAILED)
PROBES = {POSTGRESQL.number: "postgresql"}


@dataclass(frozen=True)
class RoleProbe:
    """A part of the probe that a node's role needs."""

    node_id: int
    layout: int

    @property
    def name(self) -> str:
        """Return the word for it in probe.sh."""
        return PROBES[self.layout]


@dataclass(frozen=True)
class HostPlan:
    """A host to visit; without a target the problem says why that cannot be."""

    container_id: int
    cluster_id: int
    name: str
    target: Target | None = field(repr=False)
    problem: str = ""
    private_ip: str = ""
    probes: tuple[RoleProbe, ...] = ()


def host_plans(shards: Collection[int]) -> dict[int, HostPlan]:
    """Read the monitored hosts of some shards, by container key."""
    rows = (
        Container.objects.monitored()
        .annotate(shard=Mod(F("pk"), SHARDS))
        .filter(shard__in=sorted(shards))
        .with_login()
        .prefetch_related(
            Prefetch("placements", Placement.objects.current(), to_attr="here"),
            Prefetch(
                "here__node__assignments",
                RoleAssignment.objects.current().filter(state__in=INSTALLED).select_related("role"),
                to_attr="installed",
            ),
        )
    )
    return {row.pk: _plan(row) for row in rows}


def _plan(container: Container) -> HostPlan:
    """Describe one host."""
    target, problem = None, ""
    try:
        target = target_for(container)
    except SSHError as error:
        problem = str(error)
    return HostPlan(
        container_id=container.pk,
        cluster_id=container.cluster_id or 0,
        name=container.name,
        target=target,
        problem=problem,
        private_ip=_private_ip(container),
        probes=tuple(_probes(container)),
    )


def _private_ip(container: Container) -> str:
    """Return the address that roles listen on."""
    for address in container.addresses.all():
        if address.network.kind == NetworkKind.PRIVATE:
            return str(address.ip)
    return "127.0.0.1"


def _probes(container: Container) -> list[RoleProbe]:
    """List what the roles of the nodes on a container need."""
    found = {
        RoleProbe(placement.node_id, layout.number)
        for placement in container.here  # type: ignore[attr-defined]
        for assignment in placement.node.installed
        for layout in role_layouts(assignment.role.key)
    }
    return sorted(found, key=lambda probe: (probe.layout, probe.node_id))


def role_layouts(role: str) -> tuple[Layout, ...]:
    """Return the layouts of a role, beside the host's."""
    return tuple(layout for layout in LAYOUTS.values() if role in layout.roles)
