"""What templates of a runbook may name: the cluster as seen from one of its nodes."""

from functools import partial
from ipaddress import ip_address
from typing import Any

from inventory.firewall import firewall_rules, parse_sources, render_nftables
from inventory.topology import ContainerView, NodeView, Topology
from provisioning.runbook.facts import make_facts
from provisioning.runbook.rendering import RenderError
from provisioning.runbook.roles import Roles, address_text
from provisioning.runbook.schema import RunbookSpec
from provisioning.runbook.tls import tls_reference
from provisioning.steps import value_reference


def make_context(topology: Topology, runbook: RunbookSpec, node: NodeView) -> dict[str, Any]:
    """Return all names that a template sees when it is rendered for a node.

    cluster, platform: the views; parameters: the runbook's defaults, below the platform's, below
    the cluster's own values; node, nodes: this node and all of the role (name, container,
    private_ip, public_ip, number from 1); roles: the nodes of every role, by its key; container:
    its machine (name, private_ip, public_ip, names, vcpus, memory_mib); hosts: all machines of the
    cluster; private_networks: their ranges; network_of: a function that returns the network that
    an address lies in; ports: the platform's, by key; facts: what is known of the machine
    (`Facts`); registered, tls: functions that refer to a registered value and to the machine's
    certificate; firewall: the machine's nftables rules.
    Raises RenderError when a machine of the role has no private address.
    """
    roles = Roles(topology)
    nodes = roles[runbook.role]
    machine = topology.containers[node.container or ""]
    private = sorted((n.cidr for n in topology.networks.values() if n.kind == "private"), key=str)
    return {
        "cluster": topology.cluster,
        "platform": topology.platform,
        "parameters": parameters(topology, runbook),
        "role": runbook.role,
        "node": next(seen for seen in nodes if seen["name"] == node.name),
        "nodes": nodes,
        "roles": roles,
        "container": _machine(topology, machine),
        "hosts": [_machine(topology, c) for _, c in sorted(topology.containers.items())],
        "private_networks": [str(cidr) for cidr in private],
        "network_of": partial(_network_of, topology),
        "ports": {port.key: port for port in topology.platform.ports},
        "facts": make_facts(topology, machine, node),
        "registered": partial(_registered, node.name),
        "tls": partial(tls_reference, machine.name),
        "firewall": render_nftables(
            firewall_rules(topology, machine.name, ssh_sources=_ssh_sources(topology, runbook))
        ),
    }


def _registered(own: str, name: str, node: str | None = None) -> str:
    """Return what stands for a value that a step of this node, or of another, registers."""
    return value_reference(node or own, name)


def _network_of(topology: Topology, address: str) -> dict[str, Any]:
    """Return name, kind, cidr and prefix length of the network that an address lies in."""
    try:
        ip = ip_address(address)
    except ValueError as error:
        raise RenderError(f"{address} is no address") from error
    for network in sorted(topology.networks.values(), key=lambda network: network.name):
        if ip in network.cidr:
            return {
                "name": network.name,
                "kind": network.kind,
                "cidr": str(network.cidr),
                "prefix_length": network.cidr.prefixlen,
            }
    raise RenderError(f"{address} lies in none of the cluster's networks")


def parameters(topology: Topology, runbook: RunbookSpec) -> dict[str, Any]:
    """Return the value of every parameter: the cluster's, else the platform's, else the runbook's.

    A platform's parameter without a default counts as not given.
    """
    platform = {p.key: p.default for p in topology.platform.parameters if p.default is not None}
    return {**runbook.parameters, **platform, **topology.cluster.parameters}


def _ssh_sources(topology: Topology, runbook: RunbookSpec) -> tuple[str, ...]:
    """Return the addresses that portal and bastions log in from; none means: from anywhere."""
    try:
        return parse_sources(str(parameters(topology, runbook).get("ssh_sources") or ""))
    except ValueError as error:
        raise RenderError(f"parameter ssh_sources: {error}") from error


def _machine(topology: Topology, machine: ContainerView) -> dict[str, Any]:
    """Return a machine as templates see it; `names` is how others may call its private address."""
    private = topology.address(machine.name, "private")
    nodes = sorted(n.name for n in topology.nodes.values() if n.container == machine.name)
    names = [machine.name, *([private.name] if private and private.name else []), *nodes]
    roles = {a.role for node in topology.nodes_on(machine.name) for a in node.assignments}
    return {
        "name": machine.name,
        "roles": sorted(roles),
        "private_ip": address_text(topology, machine.name, "private"),
        "public_ip": address_text(topology, machine.name, "public"),
        "names": list(dict.fromkeys(names)),
        "vcpus": machine.vcpus,
        "memory_mib": machine.memory_mib,
    }
