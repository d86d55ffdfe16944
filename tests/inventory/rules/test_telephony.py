"""What telephony servers carry."""

from dataclasses import replace

import pytest

from inventory.capacity import role_capacity
from inventory.topology import Topology
from tests.inventory.rules.pictures import about, cluster, outcome


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


def test_both_figures_are_told() -> None:
    """K12."""
    (finding,) = about(servers(FULL, FULL), "nominal-and-usable")

    assert outcome([finding]) == "note"
    assert "3,000 calls with all 2 servers, and 1,500 when one is lost" in finding.message


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
