"""The IP plan as JSON."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from rest_framework.exceptions import ValidationError

from inventory.address_plan import RolePlan, address_plan, read_growth
from inventory.models import Cluster
from inventory.neighbours import overlapping
from inventory.topology import Topology


def growth_of(topology: Topology, query: Mapping[str, str]) -> dict[str, int]:
    """Return how many more nodes of which role are planned; raises ValidationError by role."""
    growth, faults = read_growth(topology, {k: v for k, v in query.items() if k != "format"})
    if faults:
        raise ValidationError({key: [fault] for key, fault in faults.items()})
    return growth


def plan_json(
    topology: Topology, cluster: Cluster, growth: Mapping[str, int], user: User
) -> dict[str, Any]:
    """Return networks, room by kind, roles with the vendor's pattern, names, overlaps."""
    plan = address_plan(topology, growth=growth)
    return {
        "fits": plan.fits,
        "networks": [
            {
                "name": part.network.name,
                "kind": part.network.kind,
                "cidr": str(part.network.cidr),
                "gateway": str(part.network.gateway) if part.network.gateway else None,
                "size": part.size,
                "used": part.used,
                "taken": part.taken,
                "free": part.free,
                "next_free": [str(ip) for ip in part.next_free],
            }
            for part in plan.networks
        ],
        "kinds": [
            {
                "kind": part.kind,
                "free": part.free,
                "missing": part.missing,
                "growth": part.growth,
                "short": part.short,
            }
            for part in plan.kinds
        ],
        "roles": [_role(part) for part in plan.roles],
        "odd_names": [vars(odd) for odd in plan.odd_names],
        "overlaps": [
            {
                "network": overlap.network.name,
                "other": overlap.other.name,
                "cidr": str(overlap.other.cidr),
                "clusters": list(overlap.other.clusters),
                "severity": overlap.severity.value,
                "message": overlap.message,
            }
            for overlap in overlapping(cluster, topology, user)
        ],
    }


def _role(part: RolePlan) -> dict[str, Any]:
    """Return a role's line."""
    pattern = part.pattern
    return {
        "role": part.role.key,
        "nodes": part.nodes,
        "growth": part.growth,
        "pattern": [pattern.first_host, pattern.last_host] if pattern else None,
        "follows_pattern": part.follows,
        "beyond_pattern": part.beyond,
    }
