"""What telephony servers carry."""

from dataclasses import replace

import pytest

from inventory.capacity import role_capacity, telephony_nodes
from inventory.platforms.facts import Reserve
from inventory.rules import Severity
from inventory.topology import FactView, Topology
from tests.factories import NOW, platform_data
from tests.inventory.rules.pictures import about, cluster, outcome
from tests.inventory.rules.test_availability import with_parameters


def servers(*sizes: tuple[int, int]) -> Topology:
    """Picture telephony servers of so many vCPU and GiB."""
    topology = cluster(*["telephony"] * len(sizes), platform="ring2all")
    for number, (vcpus, memory_gib) in enumerate(sizes, 1):
        view = topology.containers[f"telephony-{number}"]
        topology = topology.with_container(replace(view, vcpus=vcpus, memory_mib=memory_gib * 1024))
    return topology


FULL = (16, 32)


@pytest.mark.parametrize(
    ("size", "expected"), [(FULL, "nothing"), ((15, 32), "warn"), ((16, 31), "warn")]
)
def test_the_vendors_figure_belongs_to_a_size(size: tuple[int, int], expected: str) -> None:
    """K13, R119."""
    assert outcome(about(servers(size, FULL), "size-of-figure")) == expected


def test_the_documented_figure_of_the_smallest_server_is_told() -> None:
    (finding,) = about(servers((8, 16), (4, 8)), "size-of-figure")

    assert finding.weight == 2
    assert "50 calls are documented" in finding.message


@pytest.mark.parametrize(
    ("count", "nominal", "usable"),
    [(1, 1500, 1500), (2, 3000, 1500), (3, 4500, 3000), (10, 15000, 13500)],
)
def test_capacity_has_two_figures(count: int, nominal: int, usable: int) -> None:
    """K12, S6, R122 to R126: never k-1 for one."""
    topology = servers(*[FULL] * count)

    found = role_capacity(topology, topology.role("telephony"), "concurrent_calls")

    assert found is not None
    assert (found.nominal, found.usable, found.documented) == (nominal, usable, True)


def test_the_largest_server_is_the_one_that_would_be_missed() -> None:
    """S6."""
    topology = servers(FULL, (8, 16), (8, 16))

    found = role_capacity(topology, topology.role("telephony"), "concurrent_calls")

    assert found is not None
    assert (found.nominal, found.usable) == (1800, 300)


def test_a_server_below_every_documented_size_counts_nothing() -> None:
    topology = servers((2, 4))

    found = role_capacity(topology, topology.role("telephony"), "extensions")

    assert found is not None
    assert (found.nominal, found.documented) == (0, False)


def test_a_role_without_figures_has_no_capacity() -> None:
    """R77."""
    topology = cluster("sip")

    assert role_capacity(topology, topology.role("sip"), "concurrent_calls") is None


def loaded(topology: Topology, *, extensions: int = 0, calls: int = 0) -> Topology:
    """Let a load be known."""
    facts = tuple(
        FactView("cluster", key, value, NOW, "measured")
        for key, value in (("extensions", extensions), ("concurrent_calls", calls))
        if value
    )
    return replace(topology, facts=facts)


def test_both_figures_are_told() -> None:
    """K12."""
    (finding,) = about(servers(FULL, FULL), "nominal-and-usable")

    assert outcome([finding]) == "note"
    assert "20,000 extensions and 3,000 calls with all 2 servers" in finding.message
    assert "; 10,000 extensions and 1,500 calls when one is lost" in finding.message
    assert "load is not known" in finding.message


@pytest.mark.parametrize(
    ("count", "extensions", "calls", "expected"),
    [
        (2, 10_000, 1500, "note"),
        (2, 10_001, 1500, "warn"),
        (2, 10_000, 1501, "warn"),
        (2, 20_000, 0, "warn"),
        (3, 20_000, 3000, "note"),
        (1, 10_000, 1500, "note"),  # That it has no reserve is a finding of R129.
        (1, 10_001, 0, "warn"),
    ],
)
def test_two_servers_are_one_and_a_reserve(
    count: int, extensions: int, calls: int, expected: str
) -> None:
    """K12, S6: the verdict uses what is left with one lost."""
    topology = loaded(servers(*[FULL] * count), extensions=extensions, calls=calls)

    assert outcome(about(topology, "nominal-and-usable")) == expected


def test_the_verdict_counts_what_is_documented_for_the_size() -> None:
    """K13: two servers of 8 vCPU carry 150 calls with one lost."""
    (finding,) = about(loaded(servers((8, 16), (8, 16)), calls=151), "nominal-and-usable")

    assert finding.severity is Severity.WARNING
    assert "151 calls is 101 % of that: too much" in finding.message


@pytest.mark.parametrize(
    ("extensions", "calls", "nodes"),
    [(0, 0, 2), (10_000, 1500, 2), (10_001, 0, 3), (0, 1501, 3), (50_000, 7500, 6)],
)
def test_servers_for_peak_calls(extensions: int, calls: int, nodes: int) -> None:
    """R129, S7: 1,500 concurrent calls at the peak are one server and one in reserve."""
    role = platform_data("ring2all").role("telephony")

    assert telephony_nodes(role, extensions=extensions, concurrent_calls=calls) == nodes


def test_of_a_leader_and_its_replicas_the_smallest_has_to_carry_all() -> None:
    """S6: how a reserve is kept is data of the role."""
    topology = servers(FULL, (8, 16))
    role = topology.role("telephony")
    usable = {}
    for reserve in Reserve:
        failure = role.failure.model_copy(update={"reserve": reserve})
        other = role.model_copy(update={"failure": failure})
        found = role_capacity(topology, other, "concurrent_calls")
        usable[reserve] = found and found.usable

    assert usable == {
        Reserve.POOLED: 150,
        Reserve.LEADER: 150,
        Reserve.SHARDED: 1650,
        Reserve.REPLICATED_STORAGE: 1650,
        Reserve.SINGLE: 1650,
    }


@pytest.mark.parametrize(
    ("ports", "expected"),
    [("16384-32768", "note"), ("16384-22383", "note"), ("16384-22382", "warn")],
)
def test_media_ports_suffice_for_the_calls(ports: str, expected: str) -> None:
    """K23, R150: four ports a bridged call; 6,000 ports are 1,500 calls."""
    topology = servers(FULL)
    narrowed = tuple(
        port.model_copy(update={"ports": ports}) if port.key == "rtp" else port
        for port in topology.platform.ports
    )
    platform = topology.platform.model_copy(update={"ports": narrowed})

    found = about(replace(topology, platform=platform), "port-budget")

    assert outcome(found) == expected


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (16384, 32768, "note"),
        (10000, 40000, "note"),
        (26769, 32768, "note"),
        (26770, 32768, "warn"),
        (16384, 22382, "warn"),
        (32768, 16384, "hold"),
        (40000, 50000, "hold"),
    ],
)
def test_a_cluster_may_narrow_its_media_ports(first: int, last: int, expected: str) -> None:
    """K23: what the port matrix does not open does not count; without any a run is held."""
    topology = with_parameters(servers(FULL), rtp_first=first, rtp_last=last)

    assert outcome(about(topology, "port-budget")) == expected


@pytest.mark.parametrize(
    ("count", "calls", "expected"), [(3, 8192, "note"), (3, 8193, "warn"), (2, 4097, "warn")]
)
def test_fewer_servers_bring_more_calls_to_the_ports_of_each(
    count: int, calls: int, expected: str
) -> None:
    """K23: 16,385 ports are 4,096 calls; with one server lost the others carry all."""
    topology = loaded(servers(*[FULL] * count), calls=calls)

    assert outcome(about(topology, "port-budget")) == expected
