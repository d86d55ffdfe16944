"""What is lost with what."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from inventory.failures import MOST_UNITS, failure_matrix
from inventory.impact import RoleImpact, Verdict, impact
from inventory.rules import findings
from inventory.rules.single_points import POINTS, is_highly_available, takes_label_away
from inventory.single_points import single_points
from inventory.topology import BalancerView, FactView, Topology, WaiverView
from tests.factories import NOW, make_database_cluster, make_user
from tests.inventory.rules.pictures import DDB, about, cluster, grouped, in_groups, outcome


def role_of(topology: Topology, *lost: str) -> RoleImpact:
    """Return what a loss does to the only role that it hits."""
    (found,) = impact(topology, lost).roles
    return found


def placed(topology: Topology, **hosts: str) -> Topology:
    """Put the machines of nodes on hypervisors, by node name with underscores."""
    machines = dict(topology.containers)
    for name, host in hosts.items():
        view = topology.containers[name.replace("_", "-")]
        machines[view.name] = replace(view, hypervisor=host, location=f"site-of-{host}")
    return replace(topology, containers=machines)


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
        ("voipnow", "worker", 40, 2, Verdict.DEGRADED),  # K24: a sufficient number is unknown
        ("voipnow", "worker", 1, 1, Verdict.LOST),
        ("voipnow", "queue", 1, 1, Verdict.LOST),  # K6
        ("voipnow", "web", 3, 1, Verdict.PARTIAL),  # R56: no balancer
        ("ring2all", "database", 3, 1, Verdict.DEGRADED),  # R130, R132
        ("ring2all", "database", 3, 2, Verdict.LOST),
        ("ring2all", "database", 5, 2, Verdict.DEGRADED),
        ("ring2all", "database", 5, 3, Verdict.LOST),
        ("ring2all", "file-server", 3, 1, Verdict.UNAFFECTED),  # R134
        ("ring2all", "file-server", 3, 2, Verdict.LOST),
        ("ring2all", "file-server", 6, 1, Verdict.UNAFFECTED),
        ("ring2all", "file-server", 6, 2, Verdict.PARTIAL),  # S10: perhaps of one replica set
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


def test_a_balancer_of_the_same_side_stands_in_for_another() -> None:
    """K5: one in the private network is no way in for customers."""
    topology = cluster("web", "web")
    ip = topology.networks["public"].cidr.network_address + 9
    front = BalancerView("front", "web", "public", ip)
    second = BalancerView("second", "web", "public", ip + 1)
    inside = BalancerView("inside", "web", "private", ip + 2)

    two = replace(topology, balancers={"front": front, "second": second})
    apart = replace(topology, balancers={"front": front, "inside": inside})

    assert role_of(two, "balancer:front").verdict is Verdict.DEGRADED
    assert role_of(two, "balancer:front", "balancer:second").verdict is Verdict.LOST
    assert role_of(apart, "balancer:front").verdict is Verdict.LOST


@pytest.mark.parametrize(
    ("healthy", "gone", "verdict"),
    [(2, 2, Verdict.UNAFFECTED), (2, 3, Verdict.DEGRADED), (4, 1, Verdict.DEGRADED)],
)
def test_workers_suffice_while_as_many_are_left_as_the_operator_wants(
    healthy: int, gone: int, verdict: Verdict
) -> None:
    """K24."""
    topology = cluster(*["worker"] * 4, parameters={"worker_min_healthy": healthy})

    lost = [f"node:worker-{number}" for number in range(1, gone + 1)]

    assert role_of(topology, *lost).verdict is verdict


def test_it_is_told_whether_calls_drop_and_requests_are_balanced() -> None:
    """R56, R57, R58."""
    topology = cluster("sip", "sip", "pbx", "pbx", "web", "web")

    found = {
        role.role.key: role
        for role in impact(topology, ["node:sip-1", "node:pbx-1", "node:web-1"]).roles
    }

    assert {key: role.drops_calls for key, role in found.items()} == {
        "sip": False,
        "pbx": True,
        "web": False,
    }
    assert {key: role.balanced for key, role in found.items()} == {
        "sip": None,
        "pbx": None,
        "web": False,
    }


@pytest.mark.parametrize(
    ("redundant", "verdict"), [(False, Verdict.LOST), (True, Verdict.UNAFFECTED)]
)
def test_a_nas_can_be_lost_too(redundant: bool, verdict: Verdict) -> None:
    """K20."""
    parameters = {"file_storage": "nas", "nas_has_ha": redundant}
    topology = cluster("admin", platform="ring2all", parameters=parameters)

    found = role_of(topology, "backend:nas")

    assert (found.role.key, found.before) == ("file-server", 0)
    assert found.verdict is verdict
    assert found.outcome == "Single NAS = Single Point of Failure."
    with pytest.raises(ValueError, match="has no backend nas"):
        impact(cluster("admin", platform="ring2all"), ["backend:nas"])


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


def test_a_node_elsewhere_comes_back_while_a_site_is_lost() -> None:
    topology = placed(cluster("sip", "sip"), sip_1="hv1", sip_2="hv2")
    topology = protected(topology, "sip-1", "sip-2")

    assert role_of(topology, "node:sip-1", "node:sip-2").returns
    assert impact(topology, ["node:sip-1", "node:sip-2"]).returns
    assert not role_of(topology, "location:site-of-hv1", "node:sip-2").returns
    assert not role_of(topology, "location:site-of-hv1", "node:sip-1").returns


def test_what_is_lost_twice_counts_once() -> None:
    topology = placed(cluster(*["sip"] * 4), sip_1="a", sip_2="a", sip_3="b")

    assert role_of(topology, "hypervisor:a", "node:sip-1").after == 2
    assert role_of(topology, "hypervisor:a", "node:sip-3", "container:sip-3").after == 1
    assert role_of(topology, "hypervisor:a", "location:site-of-a", "hypervisor:b").after == 1


def test_less_than_what_is_in_use_is_told() -> None:
    """K12: 3,000 calls are left, 3,001 are not."""
    topology = cluster("telephony", "telephony", "telephony", platform="ring2all")
    calls = FactView("cluster", "concurrent_calls", 3000, NOW, "measured")

    def suffices(load: int) -> bool:
        known = replace(topology, facts=(replace(calls, value=load),))
        capacity = role_of(known, "node:telephony-1").capacity
        return next(c.suffices for c in capacity if c.metric == "concurrent_calls")

    assert suffices(3000)
    assert not suffices(3001)


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


def test_a_lone_node_that_is_restarted_still_goes_with_its_site() -> None:
    """R62."""
    topology = protected(placed(cluster("sql-master"), sql_master_1="a"), "sql-master-1")

    assert [point.unit for point in single_points(topology)] == ["location:site-of-a"]


def test_a_container_with_the_majority_is_a_single_point() -> None:
    """K2, K10."""
    topology = cluster(*["database"] * 3, platform="ring2all")
    second = replace(topology.nodes["database-2"], container="database-1")

    units = [point.unit for point in single_points(topology.with_node(second))]

    assert units == ["container:database-1"]
    assert single_points(topology) == ()


def test_helpers_and_what_is_not_needed_are_no_single_points() -> None:
    """R102, K20."""
    parameters = {"file_storage": "nas"}
    unneeded = cluster("file-server", platform="ring2all", parameters=parameters)

    assert single_points(cluster("sql-slave")) == ()
    assert single_points(unneeded) == ()
    assert role_of(unneeded, "node:file-server-1").verdict is Verdict.DEGRADED


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


def test_groups_of_two_keep_the_label_away_until_somebody_answers_for_them() -> None:
    """K15: in one reading the loss of one node costs its group the quorum."""
    roles = [
        "sql-master",
        "sql-slave",
        "infrastructure-controller",
        "unstructured-storage",
        "queue",
    ]
    topology = cluster(*roles, *[DDB] * 4, *["elasticsearch"] * 3, *["worker"] * 3)
    topology = grouped(topology, {f"{DDB}-{n}": "AABB"[n - 1] for n in range(1, 5)})
    found = [f for f in findings(topology) if takes_label_away(f) and f.role == DDB]
    accepted = WaiverView("quorum-readings", f"role:{DDB}", DDB, "x", "y", NOW + timedelta(1))

    answered = findings(replace(topology, waivers=(accepted,)))

    assert "quorum-readings" in {f.key for f in found}
    assert "quorum-readings" not in {f.key for f in answered if takes_label_away(f)}
    larger = findings(in_groups(A=3, B=3))
    assert "quorum-readings" not in {f.key for f in larger if takes_label_away(f)}


def test_a_single_point_that_somebody_accepts_by_name_keeps_no_label_away() -> None:
    """K10."""
    topology = cluster("admin", "telephony", "telephony", platform="ring2all")
    ends = NOW + timedelta(days=1)
    accepted = WaiverView("single-point-of-failure", "node:admin-1", "admin", "x", "y", ends)

    before = [f.subject for f in findings(topology) if f.key in POINTS and takes_label_away(f)]
    answered = findings(replace(topology, waivers=(accepted,)))

    assert before == ["node:admin-1"]
    assert not any(f.key in POINTS and takes_label_away(f) for f in answered)


def test_nodes_that_are_alike_are_one_unit_of_the_matrix() -> None:
    topology = cluster(*["sip"] * 40, "sql-master")

    matrix = failure_matrix(topology)

    assert [unit.label for unit in matrix.units] == ["Any of 40: SIP", "sql-master-1"]
    assert [cell.verdict for cell in matrix.singles] == [Verdict.PARTIAL, Verdict.LOST]
    assert verdicts(topology) == [["PARTIAL"], ["LOST", None]]


def test_a_node_is_lost_with_a_hypervisor_that_it_is_not_on() -> None:
    """R132: of three members one per host, one host and one more node are the quorum."""
    topology = cluster(*["database"] * 3, platform="ring2all")
    topology = placed(topology, database_1="a", database_2="b", database_3="c")

    matrix = failure_matrix(topology)
    labels = [unit.label for unit in matrix.units]
    hosts = labels.index("Any of 3 hypervisors with 1 Database")

    assert [cell.verdict for cell in matrix.singles] == [Verdict.DEGRADED] * 3
    cell = matrix.pairs[hosts][0]
    assert cell is not None
    assert cell.verdict is Verdict.LOST
    assert cell.lost in {("hypervisor:a", "node:database-2"), ("node:database-1", "hypervisor:b")}


def test_two_nodes_of_one_group_are_lost_where_that_is_worse() -> None:
    """K15: two of six hold the ring, but two of a group's three do not hold the group."""
    topology = in_groups(A=3, B=3)

    assert verdicts(topology)[0][0] == "PARTIAL"
    assert verdicts(in_groups(A=5, B=5))[0][0] == "UNAFFECTED"


def test_a_lost_master_that_comes_back_is_told_apart() -> None:
    topology = protected(cluster("sql-master", "sip", "sip"), "sql-master-1")

    single = next(c for c in failure_matrix(topology).singles if c.lost == ("node:sql-master-1",))

    assert (single.verdict, single.returns) == (Verdict.LOST, True)


def test_a_large_cluster_has_a_small_and_whole_matrix() -> None:
    topology = cluster(*["sip", "pbx", "worker"] * 200, *[DDB] * 60)
    hosts = {name.replace("-", "_"): f"hv{n // 10}" for n, name in enumerate(topology.nodes)}

    matrix = failure_matrix(placed(topology, **hosts))

    assert matrix.left_out == 0
    kinds = {unit.kind for unit in matrix.units}
    assert kinds == {"node", "group", "hypervisor", "location"}


def test_a_matrix_of_many_places_says_what_it_leaves_out() -> None:
    """Hosts with 1 to 45 nodes are 45 kinds of hosts, and as many kinds of sites."""
    topology = cluster(*["sip"] * 1035)
    owners = [f"hv{size}" for size in range(1, 46) for _ in range(size)]
    hosts = {f"sip_{number}": host for number, host in enumerate(owners, 1)}

    matrix = failure_matrix(placed(topology, **hosts))

    assert len(matrix.units) == MOST_UNITS
    assert matrix.left_out == 91 - MOST_UNITS


def verdicts(topology: Topology) -> list[list[str | None]]:
    """Return the verdicts of the pairs in the matrix, by name."""
    pairs = failure_matrix(topology).pairs
    return [[cell.verdict.name if cell else None for cell in row] for row in pairs]


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
    assert lines[0].startswith("lost,and,subjects,role,verdict")
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
    both = ["node:pg-node-01", "node:pg-node-02"]
    assert matrix["pairs"] == [[{"lost": both, "verdict": "lost", "returns": False}]]
    assert matrix["units"][0]["alone"]["verdict"] == "degraded"
    assert "hosts-known" in matrix["against"]
    assert (lost["verdict"], lost["roles"][0]["after"]) == ("lost", 1)
    assert unknown.status_code == 400


@pytest.mark.django_db
def test_the_api_tells_of_a_cluster_whether_it_is_highly_available() -> None:
    """K10, R61: of one by itself; a list would have to judge each."""
    make_database_cluster("alpha")
    api = APIClient()
    api.force_authenticate(make_user(superuser=True))

    alone = api.get("/api/v1/clusters/alpha/").json()
    listed = api.get("/api/v1/clusters/").json()["results"][0]
    sent_back = api.put("/api/v1/clusters/alpha/", alone, format="json")
    claimed = api.patch("/api/v1/clusters/alpha/", {"highly_available": True}, format="json")

    assert alone["highly_available"] is False
    assert "highly_available" not in listed
    assert sent_back.status_code == 200
    assert claimed.status_code == 400


@pytest.mark.django_db
def test_failures_are_shown_to_those_who_may_see_clusters(client: Client) -> None:
    make_database_cluster("alpha")
    client.force_login(make_user("nobody"))

    for name in ("impact", "impact-csv"):
        assert client.get(reverse(f"inventory:{name}", args=["alpha"])).status_code == 404
