"""The IP plan and machines' firewalls: on pages, as files, in the REST API."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from inventory.models import Cluster, Container, Location, Network
from inventory.operations import ChangeCluster, perform
from inventory.services import save_network
from tests.factories import (
    make_cluster,
    make_container,
    make_database_cluster,
    make_network,
    make_node,
    make_user,
)

pytestmark = pytest.mark.django_db
PLAN = "/clusters/alpha/addresses/"


@pytest.fixture
def api(administrator: Any) -> APIClient:
    """Return a client that may do everything."""
    client = APIClient()
    client.force_authenticate(administrator)
    return client


def text(client: Client, address: str, *, status: int = 200) -> str:
    """Return a page's HTML, its blanks made single."""
    response = client.get(address)
    assert response.status_code == status
    return " ".join(response.content.decode().split())


def small_cluster() -> Cluster:
    """Make a cluster with three databases at .31 to .33, in networks of 253 and 254 addresses."""
    cluster = make_database_cluster("alpha")
    network = Network.objects.get(name="alpha-private")
    network.gateway = "10.203.0.1"
    save_network(network, actor=None)
    return cluster


def set_ssh_sources(cluster: Cluster, value: str) -> None:
    """Say where portal and bastions are."""
    perform(ChangeCluster({"parameters": {"ssh_sources": value}}), cluster=cluster, actor=None)


def test_the_plan_counts_what_is_free(signed_in: Client) -> None:
    """R50."""
    small_cluster()

    page = text(signed_in, PLAN)

    assert "Everything fits" in page
    assert ">10.203.0.2<" in page
    assert '<td class="text-end">253</td><td class="text-end">3</td>' in page
    assert '<td class="text-end">250</td>' in page


def test_growth_beyond_the_vendors_pattern_does_not_fit(signed_in: Client) -> None:
    """K14."""
    small_cluster()

    nine = text(signed_in, PLAN + "?telephony=9&database=")
    twenty = text(signed_in, PLAN + "?telephony=20")

    assert "Everything fits" in nine
    assert "Does not fit" in twenty
    assert "no number for 11 of 20 nodes" in twenty


def test_growth_beyond_the_network_does_not_fit(signed_in: Client) -> None:
    """R50: the last number that fits, and the first that does not."""
    small_cluster()

    assert "Everything fits" in text(signed_in, PLAN + "?load-balancer=250")
    assert "1 address short" in text(signed_in, PLAN + "?load-balancer=251")


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("telephony=many", "Write how many, up to 100,000."),
        ("telephony=-1", "Write how many"),
        ("telephony=100001", "Write how many"),
        ("telephony=%D9%A3", "Write how many"),
        ("teleport=1", "Ring2All has no role teleport."),
    ],
)
def test_what_is_no_growth_is_refused_in_words(signed_in: Client, query: str, fault: str) -> None:
    small_cluster()

    assert fault in text(signed_in, f"{PLAN}?{query}", status=400)


def test_the_plan_repeats_findings_about_addresses(signed_in: Client) -> None:
    """R50: with their rule and source."""
    cluster = make_cluster("alpha", private="10.203.0.0/29")
    for number in range(1, 7):
        make_container(cluster, private=f"10.203.0.{number}")

    page = text(signed_in, PLAN)

    assert "has 0 of 6 addresses free" in page
    assert "Nearly full" in page
    assert "/rules/room-for-growth/" in page


def test_the_same_range_elsewhere_says_whether_it_matters(signed_in: Client) -> None:
    small_cluster()
    berlin = Location.objects.create(name="Berlin")
    make_cluster("beta", name="Beta", private="10.203.0.0/16", public=None)
    Network.objects.filter(name="alpha-private").update(location=berlin)

    unknown = text(signed_in, PLAN)
    Network.objects.filter(name="beta-private").update(location=berlin)
    same = text(signed_in, PLAN)

    assert "as long as nothing routes between the two" in unknown
    assert "Beta" in unknown
    assert "Both are in Berlin" in same


def test_a_name_that_is_not_the_machines_is_shown(signed_in: Client) -> None:
    """R49."""
    cluster = make_cluster("alpha")
    container = make_container(cluster, "web-01", private="10.203.0.31")
    container.addresses.update(name="dashboard.internal")

    page = text(signed_in, PLAN)

    assert "Names that say something else" in page
    assert "dashboard.internal" in page


def test_a_cluster_without_networks_has_a_plan(signed_in: Client) -> None:
    make_cluster("alpha", private=None, public=None)

    assert "No networks yet" in text(signed_in, PLAN)


def test_the_plan_takes_as_many_queries_for_many_machines(
    signed_in: Client, django_assert_max_num_queries: Any
) -> None:
    cluster = small_cluster()
    for number in range(100, 130):
        make_container(cluster, private=f"10.203.0.{number}")
        make_network(f"net{number}")

    with django_assert_max_num_queries(40):
        signed_in.get(PLAN)


def test_the_plan_is_in_the_api(api: APIClient) -> None:
    """R50, K14."""
    small_cluster()

    plan = api.get("/api/v1/clusters/alpha/addresses/?telephony=20").json()
    wrong = api.get("/api/v1/clusters/alpha/addresses/?telephony=many&teleport=1")

    private = next(part for part in plan["networks"] if part["name"] == "alpha-private")
    telephony = next(part for part in plan["roles"] if part["role"] == "telephony")
    assert (private["free"], private["gateway"]) == (250, "10.203.0.1")
    assert private["next_free"][0] == "10.203.0.2"
    assert (telephony["pattern"], telephony["beyond_pattern"]) == ([51, 59], 11)
    assert plan["fits"] is False
    assert (wrong.status_code, sorted(wrong.json()["errors"])) == (400, ["telephony", "teleport"])


def firewall_of(name: str = "pg-node-01") -> str:
    """Return the address of a machine's firewall page."""
    return reverse("inventory:container-firewall", args=[Container.objects.get(name=name).pk])


def test_a_firewall_names_what_is_too_open_before_its_rules(signed_in: Client) -> None:
    """R151, S8."""
    small_cluster()

    page = text(signed_in, firewall_of())

    assert page.index("The login is open to anybody") < page.index("Who may connect")
    assert "ip saddr { 10.203.0.31, 10.203.0.32, 10.203.0.33 } tcp dport 2379 accept" in page
    assert "ufw allow proto tcp from 10.203.0.31 to any port 2379" in page


def test_a_firewall_that_fits_says_so(signed_in: Client) -> None:
    set_ssh_sources(small_cluster(), "192.0.2.0/28")

    page = text(signed_in, firewall_of())

    assert "Every port is open to those who need it, and to nobody else." in page
    assert "192.0.2.0/28" in page


@pytest.mark.parametrize(("suffix", "begins"), [("nft", "# Made from"), ("ufw", "#!/bin/sh")])
def test_a_firewall_is_a_file(signed_in: Client, suffix: str, begins: str) -> None:
    small_cluster()

    response = signed_in.get(firewall_of().rstrip("/") + f".{suffix}")

    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["Content-Disposition"] == f'attachment; filename="pg-node-01.{suffix}"'
    assert response.content.decode().startswith(begins)
    assert signed_in.get(firewall_of().rstrip("/") + ".pf").status_code == 404


def test_no_rules_are_handed_out_while_nobody_knows_who_logs_in(
    signed_in: Client, api: APIClient
) -> None:
    """S8: what should be closed is not left open."""
    set_ssh_sources(small_cluster(), "the portal")
    pk = Container.objects.get(name="pg-node-01").pk

    page = text(signed_in, firewall_of())
    file = signed_in.get(firewall_of().rstrip("/") + ".nft")
    answer = api.get(f"/api/v1/containers/{pk}/firewall/")

    assert "ssh_sources is no list of addresses" in page
    assert "table inet" not in page
    assert (file.status_code, answer.status_code) == (409, 409)
    assert "table inet" not in file.content.decode()


def test_a_role_that_the_port_matrix_does_not_know_is_named(signed_in: Client) -> None:
    """VoipNow's documents list no ports: its rules would shut customers out."""
    cluster = make_cluster("alpha", platform="voipnow")
    machine = make_container(cluster, "w", os_id="centos", os_version="8", private="10.203.0.9")
    make_node(machine, "w", "worker")

    assert "list no port of Worker" in text(signed_in, firewall_of("w"))


def test_a_machine_of_the_free_pool_has_no_firewall(signed_in: Client, api: APIClient) -> None:
    make_network("pool-net", cidr="10.7.0.0/24")
    free = make_container(None, "free", networks=("pool-net", "pool-net"), private="10.7.0.9")

    assert signed_in.get(firewall_of("free")).status_code == 404
    assert api.get(f"/api/v1/containers/{free.pk}/firewall/").status_code == 409
    assert "firewall" not in text(signed_in, free.get_absolute_url())


@pytest.mark.parametrize(
    ("syntax", "begins"), [("", "# Made"), ("nftables", "# Made"), ("ufw", "#!/bin/sh")]
)
def test_a_firewall_is_in_the_api(api: APIClient, syntax: str, begins: str) -> None:
    small_cluster()
    pk = Container.objects.get(name="pg-node-01").pk
    query = f"?syntax={syntax}" if syntax else ""

    answer = api.get(f"/api/v1/containers/{pk}/firewall/{query}").json()

    assert answer["syntax"] == (syntax or "nftables")
    assert answer["text"].startswith(begins)
    assert [(e["severity"], e["requirement"]) for e in answer["exposures"]] == [("warning", "S8")]


def test_an_unknown_syntax_is_refused(api: APIClient) -> None:
    small_cluster()
    pk = Container.objects.get(name="pg-node-01").pk

    response = api.get(f"/api/v1/containers/{pk}/firewall/?syntax=pf")

    assert (response.status_code, list(response.json()["errors"])) == (400, ["syntax"])


def test_plan_and_firewall_are_for_those_who_may_look(client: Client) -> None:
    small_cluster()
    client.force_login(make_user(permissions=("inventory.view_network",)))

    assert client.get(PLAN).status_code == 404
    assert client.get(firewall_of()).status_code == 404
    assert client.get(firewall_of().rstrip("/") + ".nft").status_code == 404


def test_cluster_and_container_lead_to_plan_and_firewall(signed_in: Client) -> None:
    cluster = small_cluster()
    container = Container.objects.get(name="pg-node-01")

    assert PLAN in text(signed_in, cluster.get_absolute_url())
    assert firewall_of() in text(signed_in, container.get_absolute_url())
