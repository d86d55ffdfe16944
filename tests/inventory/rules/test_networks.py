"""A cluster's networks: their kinds, ranges and gateways."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from inventory.changes import (
    AttachNetwork,
)
from inventory.topology import NetworkView
from tests.inventory.rules.networked import having, network_of, swap
from tests.inventory.rules.pictures import about, cluster, outcome


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
        ("private", "100.64.0.0/10", "nothing"),
        ("private", "fd00:1::/64", "nothing"),
        ("private", "2a00:1::/64", "warn"),
        ("private", "10.0.0.0/7", "warn"),
        ("private", "203.0.113.0/24", "nothing"),
        ("public", "8.8.8.0/24", "nothing"),
        ("public", "10.1.0.0/16", "warn"),
        ("public", "100.64.0.0/16", "nothing"),
        ("public", "203.0.113.0/24", "nothing"),
        ("public", "2001:db8::/48", "nothing"),
        ("public", "fd00:1::/64", "warn"),
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


@pytest.mark.parametrize(
    ("kinds", "expected"), [(("private",), []), (("public",), ["R152"]), ((), ["R152"])]
)
def test_a_platform_says_which_networks_it_needs(
    kinds: tuple[str, ...], expected: list[str]
) -> None:
    """R152: Ring2All needs the private one only."""
    topology = cluster(platform="ring2all")
    networks = {k: n for k, n in topology.networks.items() if n.kind in kinds}

    found = about(replace(topology, networks=networks), "network-kinds")

    assert [finding.rule for finding in found] == expected
    assert not any(finding.refuses_save for finding in found)


def test_a_missing_network_cites_both_documents() -> None:
    """K1."""
    (finding, _) = about(replace(cluster(), networks={}), "network-kinds")

    assert {source.document for source in finding.sources} == {"000", "002"}
