"""What is lost with what."""

from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from inventory.failures import MOST_UNITS, failure_matrix
from inventory.impact import RoleImpact, Verdict, impact
from inventory.rules import findings
from inventory.rules.single_points import is_highly_available
from inventory.topology import BalancerView, Topology
from tests.factories import make_database_cluster, make_user
from tests.inventory.rules.pictures import DDB, about, cluster, in_groups, outcome


def role_of(topology: Topology, *lost: str) -> RoleImpact:
    """Return what a loss does to the only role that it hits."""
    (found,) = impact(topology, lost).roles
    return found


def placed(topology: Topology, **hosts: str) -> Topology:
    """Put the machines of nodes on hypervisors, by node name with underscores."""
    for name, host in hosts.items():
        view = topology.containers[name.replace("_", "-")]
        topology = topology.with_container(
            replace(view, hypervisor=host, location=f"site-of-{host}")
        )
    return topology


def protected(topology: Topology, *names: str) -> Topology:
    """Protect machines by the virtualisation."""
    for name in names:
        view = replace(topology.containers[name], virtualisation_ha="vSphere HA")
        topology = topology.with_container(view)
    return topology


@pytest.mark.parametrize(
    ("platform", "role", "count", "gone", "verdict"),
    [
        ("voipnow", "sql-master", 1, 1, Verdict.LOST),  # R53
        ("voipnow", "sql-slave", 2, 1, Verdict.DEGRADED),  # R102
        ("voipnow", "sql-slave", 1, 1, Verdict.DEGRADED),
        ("voipnow", "elasticsearch", 3, 1, Verdict.UNAFFECTED),  # R55
        ("voipnow", "elasticsearch", 3, 2, Verdict.LOST),
        ("voipnow", "sip", 4, 1, Verdict.PARTIAL),  # R57
        ("voipnow", "sip", 1, 1, Verdict.LOST),
        ("voipnow", "pbx", 4, 1, Verdict.PARTIAL),  # R58
        ("voipnow", "infrastructure-controller", 2, 1, Verdict.DEGRADED),  # R59, K22
        ("voipnow", "worker", 3, 1, Verdict.UNAFFECTED),  # R60
        ("voipnow", "worker", 1, 1, Verdict.LOST),
        ("voipnow", "web", 3, 1, Verdict.PARTIAL),  # R56: no balancer
        ("ring2all", "database", 3, 1, Verdict.DEGRADED),  # R130, R132
        ("ring2all", "database", 3, 2, Verdict.LOST),
        ("ring2all", "database", 5, 2, Verdict.DEGRADED),
        ("ring2all", "database", 5, 3, Verdict.LOST),
        ("ring2all", "file-server", 3, 1, Verdict.UNAFFECTED),  # R134
        ("ring2all", "telephony", 3, 1, Verdict.PARTIAL),
        ("ring2all", "admin", 1, 1, Verdict.LOST),  # K10
        ("ring2all", "load-balancer", 2, 1, Verdict.DEGRADED),
    ],
)
def test_a_role_survives_what_its_strategy_survives(
    platform: str, role: str, count: int, gone: int, verdict: Verdict
) -> None:
    topology = cluster(*[role] * count, platform=platform)

    found = role_of(topology, *(f"node:{role}-{number}" for number in range(1, gone + 1)))

    assert found.verdict is verdict
    assert (found.before, found.after) == (count, count - gone)
    assert found.outcome == topology.role(role).failure.outcome


@pytest.mark.parametrize(("count", "share"), [(4, 0.25), (2, 0.5), (1, 1.0)])
def test_customers_are_hit_in_proportion(count: int, share: float) -> None:
    """R57."""
    assert role_of(cluster(*["sip"] * count), "node:sip-1").share == share


def test_a_balancer_that_looks_at_health_takes_a_lost_node_off() -> None:
    """R56."""
    topology = cluster("web", "web", "web")
    ip = topology.networks["public"].cidr.network_address + 9
    front = BalancerView("front", "web", "public", ip, instances=2)

    balanced = replace(topology, balancers={"front": front})
    blind = replace(topology, balancers={"front": replace(front, health_based=False)})

    assert role_of(balanced, "node:web-1").verdict is Verdict.UNAFFECTED
    assert role_of(blind, "node:web-1").verdict is Verdict.PARTIAL


def test_a_single_balancer_takes_its_role_along() -> None:
    """K5, R56."""
    topology = cluster("web", "web")
    ip = topology.networks["public"].cidr.network_address + 9
    front = BalancerView("front", "web", "public", ip, instances=1)
    alone = replace(topology, balancers={"front": front})
    pair = replace(topology, balancers={"front": replace(front, instances=2)})

    assert role_of(alone, "balancer:front").verdict is Verdict.LOST
    assert impact(pair, ["balancer:front"]).roles == ()


def test_balancing_nodes_take_what_is_behind_them_along() -> None:
    """K9, K10."""
    topology = cluster("load-balancer", "portal", "portal", platform="ring2all")

    verdicts = {r.role.key: r.verdict for r in impact(topology, ["node:load-balancer-1"]).roles}

    assert verdicts["portal"] is Verdict.LOST


def test_both_readings_of_the_quorum_are_told() -> None:
    """K15: of two groups of two, one node is a quarter of the ring and half of its group."""
    topology = in_groups(A=2, B=2)

    found = role_of(topology, f"node:{DDB}-1")

    assert [(q.name, q.left, q.members, q.holds) for q in found.quorums] == [
        ("all nodes", 3, 4, True),
        ("group A", 1, 2, False),
    ]
    assert found.verdict is Verdict.PARTIAL
    assert "group A" in found.notes[0]


def test_a_whole_group_can_be_lost() -> None:
    topology = in_groups(A=3, B=3)

    assert role_of(topology, "group:A").after == 3
    assert role_of(topology, "group:A").verdict is Verdict.LOST


def test_a_protected_node_comes_back_but_not_without_its_site() -> None:
    """R62, R65."""
    topology = protected(placed(cluster("sip", "sip"), sip_1="hv1", sip_2="hv2"), "sip-1")

    assert role_of(topology, "node:sip-1").returns
    assert role_of(topology, "hypervisor:hv1").returns
    assert not role_of(topology, "node:sip-2").returns
    assert not role_of(topology, "location:site-of-hv1").returns


def test_capacity_after_a_loss_is_told() -> None:
    """K12."""
    topology = cluster("telephony", "telephony", "telephony", platform="ring2all")

    capacity = {
        c.metric: (c.before, c.after) for c in role_of(topology, "node:telephony-1").capacity
    }

    assert capacity["concurrent_calls"] == (4500, 3000)


@pytest.mark.parametrize("unit", ["node:nobody", "hypervisor:hv9", "group:Z", "planet:earth", ""])
def test_a_unit_that_is_not_there_is_refused(unit: str) -> None:
    with pytest.raises(ValueError, match=r"has no|names nothing"):
        impact(cluster("sip"), [unit])


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ({"database_1": "a", "database_2": "b", "database_3": "c"}, []),
        ({"database_1": "a", "database_2": "a", "database_3": "c"}, ["hypervisor:a"]),
        ({"database_1": "a", "database_2": "a", "database_3": "a"}, ["hypervisor:a"]),
    ],
)
def test_a_hypervisor_with_the_majority_is_a_single_point(
    hosts: dict[str, str], expected: list[str]
) -> None:
    """K10, R132: two of three members on one machine."""
    topology = placed(cluster(*["database"] * 3, platform="ring2all"), **hosts)

    found = about(topology, "single-point-of-failure")

    assert [f.subject for f in found if f.subject.startswith("hypervisor")] == expected


@pytest.mark.parametrize(
    ("role", "count", "expected"),
    [("admin", 1, "warn"), ("admin", 2, "nothing"), ("database", 2, "warn"), ("sip", 2, "nothing")],
)
def test_a_node_alone_is_a_single_point(role: str, count: int, expected: str) -> None:
    """K10, S6."""
    platform = "voipnow" if role == "sip" else "ring2all"
    topology = cluster(*[role] * count, platform=platform)

    assert outcome(about(topology, "single-point-of-failure")) == expected


def test_a_master_that_the_virtualisation_restarts_is_no_single_point() -> None:
    topology = cluster("sql-master")

    assert outcome(about(topology, "single-point-of-failure")) == "warn"
    assert about(protected(topology, "sql-master-1"), "single-point-of-failure") == []


def test_it_is_asked_for_hypervisors_before_anything_is_promised() -> None:
    """R61."""
    topology = cluster("worker", "worker")

    assert outcome(about(topology, "hosts-known")) == "warn"
    assert about(placed(topology, worker_1="a", worker_2="b"), "hosts-known") == []


def test_only_a_cluster_without_single_points_is_called_highly_available() -> None:
    """K10, R61."""
    roles = ["database"] * 3 + ["file-server"] * 3 + ["load-balancer"] * 2
    roles += [r for r in ("admin", "api", "portal", "switchboard", "telephony") for _ in (1, 2)]
    topology = cluster(*roles, platform="ring2all")
    hosts = {name.replace("-", "_"): f"hv{index}" for index, name in enumerate(topology.nodes)}
    whole = placed(topology, **hosts)
    poorer = whole.without_node("admin-2")

    assert is_highly_available(whole, findings(whole))
    assert not is_highly_available(poorer, findings(poorer))
    assert not is_highly_available(topology, findings(topology))
    single = replace(whole, cluster=replace(whole.cluster, kind="single_node"))
    assert not is_highly_available(single, findings(single))


def test_nodes_that_are_alike_are_one_unit_of_the_matrix() -> None:
    topology = cluster(*["sip"] * 40, "sql-master")

    matrix = failure_matrix(topology)

    assert [unit.label for unit in matrix.units] == ["Any of 40: SIP", "sql-master-1"]
    assert matrix.singles == (Verdict.PARTIAL, Verdict.LOST)
    assert matrix.pairs == ((Verdict.PARTIAL,), (Verdict.LOST, None))


def test_a_matrix_of_many_places_says_what_it_leaves_out() -> None:
    topology = cluster(*["sip"] * 60)
    hosts = {f"sip_{number}": f"hv{number}" for number in range(1, 61)}

    matrix = failure_matrix(placed(topology, **hosts))

    assert len(matrix.units) == MOST_UNITS
    assert matrix.left_out > 0


@pytest.mark.django_db
def test_the_page_shows_singles_doubles_and_details(signed_in: Client) -> None:
    make_database_cluster("alpha")
    address = reverse("inventory:impact", args=["alpha"])

    page = signed_in.get(address).content.decode()
    detail = signed_in.get(address, {"lost": ["node:pg-node-01", "node:pg-node-02"]})
    unknown = signed_in.get(address, {"lost": "node:nobody"})

    assert "Any of 3: Database" in page
    assert "1 of 3 left, 2 needed: lost" in detail.content.decode()
    assert unknown.status_code == 404


@pytest.mark.django_db
def test_the_matrix_is_exported(signed_in: Client) -> None:
    make_database_cluster("alpha")

    answer = signed_in.get(reverse("inventory:impact-csv", args=["alpha"]))

    lines = answer.content.decode().splitlines()
    assert lines[0].startswith("lost,and,role,verdict")
    assert any(",database,Lost,3,1," in line for line in lines)
    assert any(",database,Degraded,3,2," in line for line in lines)


@pytest.mark.django_db
def test_the_api_tells_impact_and_matrix() -> None:
    make_database_cluster("alpha")
    api = APIClient()
    api.force_authenticate(make_user(superuser=True))
    address = "/api/v1/clusters/alpha/impact/"

    matrix = api.get(address).json()
    lost = api.get(f"{address}?lost=node:pg-node-01&lost=node:pg-node-02").json()
    unknown = api.get(f"{address}?lost=node:nobody")

    assert matrix["highly_available"] is False
    assert matrix["pairs"] == [["lost"]]
    assert (lost["verdict"], lost["roles"][0]["after"]) == ("lost", 1)
    assert unknown.status_code == 400
