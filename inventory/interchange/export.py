"""Writes what the inventory has as a file: never a secret, a host key, a waiver or an id."""

from typing import Any

from inventory.changes import RoleChoice
from inventory.interchange.cells import role_text
from inventory.interchange.tables import write_containers, write_nodes
from inventory.interchange.views import in_order, node_roles
from inventory.interchange.yaml_files import write_yaml
from inventory.models import Cluster, Hypervisor, Network
from inventory.snapshot import load_pool, load_topology
from inventory.states import Origin
from inventory.topology import ContainerView, Topology

CONTENTS = {"containers": "Containers", "nodes": "Nodes", "cluster": "The whole cluster"}
FORMATS = {"csv": "text/csv", "yaml": "application/yaml"}


class NoSuchExport(ValueError):
    """A content and a format that do not go together."""


def export_file(cluster: Cluster | None, *, what: str, form: str) -> str:
    """Return a cluster, or its containers or nodes, as CSV or YAML; None is the free pool.

    Raises NoSuchExport: a whole cluster is no table, and the free pool has containers only.
    """
    if what not in CONTENTS or form not in FORMATS:
        raise NoSuchExport(f"There is no export of {what} as {form}.")
    if what == "cluster" and form == "csv":
        raise NoSuchExport("A whole cluster is exported as YAML, not as a table.")
    if cluster is None and what != "containers":
        raise NoSuchExport("The free pool has containers only.")
    topology = load_topology(cluster) if cluster else load_pool()
    if form == "csv":
        return (
            write_containers(_containers(topology))
            if what == "containers"
            else write_nodes(node for _, node in sorted(topology.nodes.items()))
        )
    return write_yaml(_sections(cluster, topology, what))


def _containers(topology: Topology) -> list[ContainerView]:
    """Return the containers by name."""
    return [in_order(view) for _, view in sorted(topology.containers.items())]


def _sections(cluster: Cluster | None, topology: Topology, what: str) -> dict[str, Any]:
    """Return the sections of a YAML file."""
    containers = [_container(view) for view in _containers(topology)]
    if what == "containers":
        return {"containers": containers}
    nodes = _nodes(topology)
    if what == "nodes" or cluster is None:
        return {"nodes": nodes}
    networks = list(cluster.networks.select_related("location").order_by("name"))
    hypervisors = _hypervisors(topology)
    return {
        "cluster": _cluster(cluster, topology),
        "locations": _locations(topology, networks, hypervisors),
        "hypervisors": [
            {"name": h.name, "location": h.location.name, "technology": h.technology}
            for h in hypervisors
        ],
        "networks": [_network(network) for network in networks],
        "containers": containers,
        "nodes": nodes,
        "balancers": _balancers(topology),
        "facts": _facts(topology),
    }


def _cluster(cluster: Cluster, topology: Topology) -> dict[str, Any]:
    """Return the cluster's own fields; a secret that somebody put among the parameters stays."""
    view = topology.cluster
    secret = {p.key for p in topology.platform.parameters if p.type == "secret"}
    return {
        "slug": view.slug,
        "name": view.name,
        "platform": cluster.platform.key,
        "release": topology.release.key,
        "kind": str(view.kind),
        "state": str(view.state),
        "infrastructure": str(view.infrastructure),
        "time_zone": view.time_zone,
        "country": view.country,
        "availability_guarantee": view.availability_guarantee,
        "parameters": {k: v for k, v in sorted(view.parameters.items()) if k not in secret},
    }


def _hypervisors(topology: Topology) -> list[Hypervisor]:
    """Return the hosts that the cluster's machines run on."""
    names = {view.hypervisor for view in topology.containers.values()} - {None}
    rows = Hypervisor.objects.filter(name__in=names).select_related("location")
    return list(rows.order_by("name"))


def _locations(
    topology: Topology, networks: list[Network], hypervisors: list[Hypervisor]
) -> list[str]:
    """Return the places that anything in the file names."""
    names = {view.location for view in topology.containers.values()} - {None}
    names |= {host.location.name for host in hypervisors}
    names |= {network.location.name for network in networks if network.location}
    return sorted(name for name in names if name)


def _network(network: Network) -> dict[str, Any]:
    """Return a network's fields."""
    return {
        "name": network.name,
        "kind": network.kind,
        "cidr": str(network.cidr),
        "gateway": str(network.gateway) if network.gateway else None,
        "location": network.location.name if network.location else None,
    }


def _container(view: ContainerView) -> dict[str, Any]:
    """Return a container's fields."""
    return {
        "name": view.name,
        "state": view.state,
        "os_id": view.os_id,
        "os_version": view.os_version,
        "arch": view.arch,
        "vcpus": view.vcpus,
        "memory_mib": view.memory_mib,
        "disks": [
            {"device": d.device, "size_gib": d.size_gib, "kind": d.kind, "purpose": d.purpose}
            for d in view.disks
        ],
        "addresses": [
            {"network": a.network, "ip": str(a.ip), "name": a.name} for a in view.addresses
        ],
        "location": view.location,
        "hypervisor": view.hypervisor,
        "virtualisation_ha": view.virtualisation_ha,
        "behind_nat": view.behind_nat,
        "ssh_port": view.ssh_port,
        "ssh_network": view.ssh_network,
        "credential": view.credential,
    }


def _nodes(topology: Topology) -> list[dict[str, Any]]:
    """Return the nodes' fields."""
    return [
        {
            "name": node.name,
            "container": node.container,
            "roles": _role_texts(node_roles(node)),
            "auto_replace": node.auto_replace,
        }
        for _, node in sorted(topology.nodes.items())
    ]


def _role_texts(roles: tuple[RoleChoice, ...]) -> list[str]:
    """Return roles as text."""
    return [role_text(role) for role in roles]


def _balancers(topology: Topology) -> list[dict[str, Any]]:
    """Return the balancers' fields."""
    return [
        {
            "name": b.name,
            "role": b.role,
            "network": b.network,
            "ip": str(b.ip),
            "dns_name": b.dns_name,
            "health_based": b.health_based,
            "instances": b.instances,
        }
        for _, b in sorted(topology.balancers.items())
    ]


def _facts(topology: Topology) -> list[dict[str, Any]]:
    """Return what people typed in about what is there; measurements belong to their time."""
    there = {"cluster", *(f"container:{name}" for name in topology.containers)}
    there |= {f"node:{name}" for name in topology.nodes}
    typed = {
        (fact.subject, fact.key): fact.value
        for fact in sorted(topology.facts, key=lambda fact: fact.at)
        if fact.origin == Origin.TYPED and fact.subject in there
    }
    return [{"subject": s, "key": key, "value": typed[s, key]} for s, key in sorted(typed)]
