"""Networks and addresses: what roles need, and what machines may have."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from inventory.changes import (
    AddContainer,
    AttachNetwork,
    ChangeContainer,
    DetachNetwork,
    MoveNode,
    RemoveBalancer,
    SetBalancer,
)
from inventory.rules import Severity, check, propose
from inventory.topology import AddressView, BalancerView, NetworkView, Topology
from tests.inventory.rules.pictures import DDB, about, changed, cluster, outcome, with_idle

WEB = "web-1"


def without(topology: Topology, node: str, kind: str) -> Topology:
    """Take the address of a kind from a node's machine."""
    view = topology.container_of(topology.nodes[node])
    assert view
    kept = tuple(a for a in view.addresses if topology.networks[a.network].kind != kind)
    return topology.with_container(replace(view, addresses=kept))


def having(topology: Topology, node: str, kind: str, ip: str, name: str = "") -> Topology:
    """Give a node's machine an address of a kind."""
    topology = without(topology, node, kind)
    view = topology.container_of(topology.nodes[node])
    assert view
    network = next(n.name for n in topology.networks.values() if n.kind == kind)
    addresses = (*view.addresses, AddressView(network, ip_address(ip), name))
    return topology.with_container(replace(view, addresses=addresses))


def network_of(topology: Topology, kind: str) -> NetworkView:
    """Return the network of a kind."""
    return next(network for network in topology.networks.values() if network.kind == kind)


def balancer(topology: Topology, *, kind: str = "public", **fields: object) -> BalancerView:
    """Return a balancer in front of the web nodes."""
    network = network_of(topology, kind)
    defaults: dict[str, object] = {"instances": 2, "dns_name": "www.example.org"}
    ip = network.cidr.network_address + 200
    return BalancerView("front", "web", network.name, ip, **(defaults | fields))  # type: ignore[arg-type]


def balanced(topology: Topology, **fields: object) -> Topology:
    """Put a balancer in front of the web nodes."""
    return SetBalancer(balancer(topology, **fields)).apply(topology)  # type: ignore[arg-type]


def swap(topology: Topology, network: NetworkView) -> Topology:
    """Replace a network by its changed self."""
    return AttachNetwork(network).apply(topology)


@pytest.mark.parametrize(
    ("role", "number"),
    [
        ("sql-master", "R37"),
        ("sql-slave", "R37"),
        (DDB, "R38"),
        ("elasticsearch", "R39"),
        ("web", "R40"),
        ("sip", "R42"),
        ("pbx", "R43"),
        ("infrastructure-controller", "R44"),
        ("worker", "R45"),
        ("queue", "R47"),
        ("unstructured-storage", "R47"),
    ],
)
def test_every_role_needs_the_private_network(role: str, number: str) -> None:
    topology = cluster(role)

    assert about(topology, "private-address-required") == []
    (finding,) = about(without(topology, f"{role}-1", "private"), "private-address-required")
    assert (finding.rule, outcome([finding])) == (number, "refuse")


@pytest.mark.parametrize(
    ("role", "number"), [("web", "R40"), ("sip", "R42"), ("pbx", "R43"), ("worker", "")]
)
def test_some_roles_need_the_public_network(role: str, number: str) -> None:
    topology = having(cluster(role), f"{role}-1", "public", "10.204.0.20")

    assert about(topology, "public-address-required") == []
    found = about(without(topology, f"{role}-1", "public"), "public-address-required")
    assert [f.rule for f in found] == ([number] if number else [])


@pytest.mark.parametrize(
    ("role", "kind", "expected"),
    [
        ("web", "public", "nothing"),
        ("web", "private", "refuse"),
        ("sip", "public", "refuse"),
    ],
)
def test_a_public_balancer_stands_in_for_web_nodes_only(
    role: str, kind: str, expected: str
) -> None:
    """R41, K5."""
    topology = without(cluster(role), f"{role}-1", "public")
    topology = SetBalancer(replace(balancer(topology, kind=kind), role=role)).apply(topology)

    assert outcome(about(topology, "public-address-required")) == expected
    assert outcome(about(topology, "behind-balancer")) == (
        "note" if expected == "nothing" else "nothing"
    )


@pytest.mark.parametrize(
    "take",
    [
        lambda topology: RemoveBalancer("front"),
        lambda topology: SetBalancer(balancer(topology, kind="private")),
        lambda topology: SetBalancer(replace(balancer(topology), role="sip")),
        lambda topology: DetachNetwork(network_of(topology, "public").name),
    ],
)
def test_the_last_balancer_stays_while_a_node_relies_on_it(
    take: Callable[[Topology], RemoveBalancer],
) -> None:
    topology = balanced(without(cluster("web"), WEB, "public"))

    assert outcome(changed(topology, "public-address-required", take(topology))) == "refuse"


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"instances": 1}, "balancer-redundant"),
        ({"health_based": False}, "balancer-checks-health"),
    ],
)
def test_a_balancer_is_redundant_and_looks_at_health(fields: dict[str, object], key: str) -> None:
    """R56."""
    topology = cluster("web")

    assert about(balanced(topology), key) == []
    (finding,) = about(balanced(topology, **fields), key)
    assert (finding.rule, outcome([finding])) == ("R56", "warn")


@pytest.mark.parametrize("role", ["sql-master", "sql-slave", DDB, "elasticsearch", "worker"])
def test_storage_and_workers_are_not_exposed(role: str) -> None:
    """R46, R15; a single node is exempt (S3)."""
    topology = having(cluster(role), f"{role}-1", "public", "10.204.0.20")
    single = replace(topology, cluster=replace(topology.cluster, kind="single_node"))

    (finding,) = about(topology, "public-address-discouraged")
    assert (finding.rule, outcome([finding])) == ("R46", "warn")
    assert "discourage" in finding.source.text
    assert about(single, "public-address-discouraged") == []


def test_the_controller_is_told_when_a_public_address_is_needed() -> None:
    """R44."""
    name = "infrastructure-controller-1"
    topology = having(cluster("infrastructure-controller"), name, "public", "10.204.0.20")

    assert outcome(about(topology, "public-address-optional")) == "note"
    assert about(without(topology, name, "public"), "public-address-optional") == []


def test_nat_in_front_of_a_public_role_is_told() -> None:
    """R17: the flag and the address are separate."""
    topology = having(cluster("sip"), "sip-1", "public", "10.204.0.20")
    view = topology.container_of(topology.nodes["sip-1"])
    assert view

    assert about(topology, "behind-nat") == []
    translated = topology.with_container(replace(view, behind_nat=True))
    assert outcome(about(translated, "behind-nat")) == "note"


def test_a_public_only_machine_is_recorded_and_carries_no_role() -> None:
    """K1."""
    topology = with_idle(cluster("sip"), "spare")
    kept = tuple(a for a in topology.containers["spare"].addresses if a.network == "public")
    topology = topology.with_container(replace(topology.containers["spare"], addresses=kept))

    assert outcome(about(topology, "public-only")) == "note"
    moved = changed(topology, "private-address-required", MoveNode("sip-1", "spare"))
    assert outcome(moved) == "refuse"


@pytest.mark.parametrize(
    ("kinds", "kind", "expected"),
    [
        (("private", "public"), "distributed", []),
        (("private",), "distributed", ["R14"]),
        (("public",), "distributed", ["R14"]),
        ((), "distributed", ["R14", "R14"]),
        ((), "single_node", []),
    ],
)
def test_a_distributed_cluster_has_both_networks(
    kinds: tuple[str, ...], kind: str, expected: list[str]
) -> None:
    """R14, K1, S3: held back before a run, since a cluster is built one step at a time."""
    topology = cluster()
    topology = replace(
        topology,
        cluster=replace(topology.cluster, kind=kind),
        networks={k: n for k, n in topology.networks.items() if n.kind in kinds},
    )

    found = about(topology, "network-kinds")

    assert [f.rule for f in found] == expected
    assert outcome(found) == ("hold" if expected else "nothing")


@pytest.mark.parametrize(
    ("ip", "expected"),
    [
        ("10.203.0.1", "refuse"),  # the gateway
        ("10.203.0.2", "nothing"),
        ("10.203.0.0", "refuse"),
        ("10.203.255.254", "nothing"),
        ("10.203.255.255", "refuse"),
        ("10.202.255.255", "refuse"),
        ("10.204.0.0", "refuse"),
    ],
)
def test_an_address_is_a_host_address_of_its_network(ip: str, expected: str) -> None:
    topology = cluster("worker")
    private = NetworkView(
        1,
        network_of(topology, "private").name,
        "private",
        ip_network("10.203.0.0/16"),
        ip_address("10.203.0.1"),
    )
    topology = having(swap(topology, private), "worker-1", "private", ip)

    assert outcome(about(topology, "address-inside-network")) == expected


@pytest.mark.parametrize(
    ("gateway", "expected"),
    [("10.203.0.1", "nothing"), ("10.204.0.1", "refuse"), (None, "nothing")],
)
def test_a_gateway_lies_inside_its_network(gateway: str | None, expected: str) -> None:
    topology = cluster()
    network = replace(
        network_of(topology, "private"),
        cidr=ip_network("10.203.0.0/16"),
        gateway=ip_address(gateway) if gateway else None,
    )

    assert outcome(about(swap(topology, network), "gateway-inside-network")) == expected


def test_an_address_that_another_cluster_has_is_refused_with_its_owner() -> None:
    topology = cluster("worker")
    (private, *_) = topology.containers["worker-1"].addresses
    shared = replace(topology, taken={(private.network, private.ip): "container far-01"})

    (finding,) = about(shared, "address-unique")

    assert outcome([finding]) == "refuse"
    assert "container far-01 outside this cluster" in finding.message


def test_a_machine_of_the_pool_keeps_its_address_when_it_is_taken_in() -> None:
    topology = cluster()
    network = network_of(topology, "private")
    address = AddressView(network.name, network.cidr.network_address + 9)
    idle = replace(with_idle(topology, "spare").containers["spare"], addresses=(address,), pk=7)
    shared = replace(topology, taken={(address.network, address.ip): "container spare"})

    assert changed(shared, "address-unique", AddContainer(idle)) == []
    assert outcome(changed(shared, "address-unique", AddContainer(replace(idle, pk=None)))) == (
        "refuse"
    )


def test_a_balancer_and_a_machine_do_not_share_an_address() -> None:
    topology = cluster("web")
    public = network_of(topology, "public")
    topology = having(topology, WEB, "public", str(public.cidr.network_address + 200))

    found = changed(topology, "balancer-address-unique", SetBalancer(balancer(topology)))

    assert outcome(found) == "refuse"
    assert changed(topology, "address-unique", SetBalancer(balancer(topology))) == []


@pytest.mark.parametrize(
    ("cidr", "expected"),
    [("10.205.0.0/16", "nothing"), ("10.203.128.0/17", "warn"), ("10.0.0.0/8", "warn")],
)
def test_networks_of_a_cluster_do_not_overlap(cidr: str, expected: str) -> None:
    topology = cluster()
    private = replace(network_of(topology, "private"), cidr=ip_network("10.203.0.0/16"))
    other = NetworkView(9, "storage", "private", ip_network(cidr))
    topology = AttachNetwork(other).apply(swap(topology, private))

    found = [f for f in about(topology, "networks-overlap") if "storage" in f.message]

    assert outcome([f for f in found if private.name in f.message]) == expected


@pytest.mark.parametrize(
    ("kind", "cidr", "expected"),
    [
        ("private", "10.1.0.0/16", "nothing"),
        ("private", "8.8.8.0/24", "warn"),
        ("private", "203.0.113.0/24", "nothing"),
        ("public", "8.8.8.0/24", "nothing"),
        ("public", "10.1.0.0/16", "warn"),
        ("public", "100.64.0.0/16", "nothing"),
        ("public", "203.0.113.0/24", "nothing"),
        ("public", "2001:db8::/48", "nothing"),
    ],
)
def test_private_networks_are_not_routable_and_public_ones_are(
    kind: str, cidr: str, expected: str
) -> None:
    topology = replace(cluster(), networks={"net": NetworkView(1, "net", kind, ip_network(cidr))})

    assert outcome(about(topology, "network-range")) == expected


def test_a_public_network_behind_nat_may_have_a_private_range() -> None:
    """R17."""
    topology = having(cluster("sip"), "sip-1", "public", "10.204.0.20")
    view = topology.container_of(topology.nodes["sip-1"])
    assert view
    topology = topology.with_container(replace(view, behind_nat=True))

    assert about(topology, "network-range") == []


@pytest.mark.parametrize(("kind", "number"), [("private", "R49"), ("public", "R51")])
def test_addresses_have_names_and_in_a_cloud_that_is_only_told(kind: str, number: str) -> None:
    """R49, R51, R52: one finding for a network, however many machines it has."""
    topology = cluster("sip", "sip", "sip")
    for index in range(1, 4):
        topology = having(topology, f"sip-{index}", "public", f"10.204.0.{index + 20}")
    in_cloud = replace(topology, cluster=replace(topology.cluster, infrastructure="cloud"))

    (finding,) = about(topology, f"{kind}-names")
    (told,) = about(in_cloud, f"{kind}-names")

    assert (finding.rule, finding.weight, outcome([finding])) == (number, 3, "warn")
    assert told.severity is Severity.INFO


def test_a_named_machine_is_not_asked_for_a_name() -> None:
    topology = having(cluster("worker"), "worker-1", "private", "10.203.0.9", "w.internal")

    assert about(topology, "private-names") == []


@pytest.mark.parametrize(
    ("second", "expected"), [("b.internal", "nothing"), ("A.internal", "warn")]
)
def test_a_private_name_belongs_to_one_machine(second: str, expected: str) -> None:
    topology = having(
        cluster("worker", "worker"), "worker-1", "private", "10.203.0.8", "a.internal"
    )
    topology = having(topology, "worker-2", "private", "10.203.0.9", second)

    assert outcome(about(topology, "names-unique")) == expected


def test_the_fix_for_a_missing_private_address_is_the_next_free_one() -> None:
    topology = without(cluster("worker", "worker"), "worker-1", "private")
    network = network_of(topology, "private")
    gateway = network.cidr.network_address + 1
    topology = swap(topology, replace(network, gateway=gateway))
    (finding,) = about(topology, "private-address-required")

    fix = propose(topology, finding)

    assert isinstance(fix, ChangeContainer)
    (address,) = (a for a in fix.container.addresses if a.network == network.name)
    assert address.ip == gateway + 1
    assert about(fix.apply(topology), "private-address-required") == []


def test_the_fix_for_a_missing_public_address_is_another_machine() -> None:
    topology = with_idle(without(cluster("sip"), "sip-1", "public"), "spare-04")
    (finding,) = about(topology, "public-address-required")

    assert propose(topology, finding) == MoveNode("sip-1", "spare-04")


def test_a_clash_is_mended_with_the_next_free_address() -> None:
    topology = cluster("worker", "worker")
    (private, *_) = topology.containers["worker-1"].addresses
    twin = replace(topology.containers["worker-2"], addresses=(private,))
    clashing = topology.with_container(twin)
    finding = about(clashing, "address-unique")[0]

    fix = propose(clashing, finding)

    assert fix is not None
    assert check(clashing, fix.apply(clashing)) == []
    assert about(fix.apply(clashing), "address-unique") == []
