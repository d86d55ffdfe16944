"""Rules and findings, on pages and in the REST API."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from inventory.board import vendor_words
from inventory.host_checks import HOST_CHECKS
from inventory.models import Container
from inventory.operations import GrantWaiver, perform
from inventory.rules import RULES
from inventory.topology import WaiverView
from tests.factories import make_cluster, make_container, make_database_cluster, make_user

pytestmark = pytest.mark.django_db
API = "/api/v1/"


@pytest.fixture
def api() -> APIClient:
    """A client of an administrator."""
    client = APIClient()
    client.force_authenticate(make_user("root", superuser=True))
    return client


def test_every_rule_is_listed_and_has_a_page(signed_in: Client) -> None:
    make_database_cluster("alpha", nodes=1)

    listed = signed_in.get(reverse("inventory:rule-list")).content.decode()

    for key, rule in RULES.items():
        address = reverse("inventory:rule-detail", args=[key])
        assert address in listed
        page = signed_in.get(address)
        assert page.status_code == 200, key
        assert rule.requirement in page.content.decode()


def test_a_rules_page_says_where_it_applies_and_who_answers_for_it(signed_in: Client) -> None:
    cluster = make_database_cluster("alpha", nodes=2)
    view = WaiverView(
        key="dedicated-disk",
        subject="role:database",
        role="database",
        reason="A test machine.",
        by="root",
        expires_at=timezone.now() + timedelta(days=1),
    )
    perform(GrantWaiver(view), cluster=cluster, actor=None)

    odd = signed_in.get(reverse("inventory:rule-detail", args=["odd-members"])).content.decode()
    disk = signed_in.get(reverse("inventory:rule-detail", args=["dedicated-disk"])).content.decode()

    assert "alpha" in odd.lower()
    assert (
        "What Ring2All states"
        in signed_in.get(reverse("inventory:rule-detail", args=["count-minimum"])).content.decode()
    )
    assert "A test machine." in disk


def test_a_rule_that_is_not_there_has_no_page(signed_in: Client) -> None:
    assert signed_in.get(reverse("inventory:rule-detail", args=["none"])).status_code == 404


def test_rules_are_found_by_number_and_word(signed_in: Client) -> None:
    by_number = signed_in.get(reverse("inventory:rule-list"), {"q": "R132"}).content.decode()
    nothing = signed_in.get(reverse("inventory:rule-list"), {"q": "zzz"}).content.decode()

    assert "Voting components" in by_number
    assert "No rule has zzz" in nothing


def test_many_findings_of_one_rule_do_not_drown_the_page(signed_in: Client) -> None:
    cluster = make_database_cluster("alpha", nodes=5)
    Container.objects.update(state="failed")

    page = signed_in.get(cluster.get_absolute_url()).content.decode()
    address = reverse("inventory:finding-list", args=["alpha"])
    everything = signed_in.get(address, {"rule": "container-runs"}).content.decode()

    assert f'{address}?rule=container-runs">2 more' in page
    assert everything.count("which is failed") == 5


def test_findings_link_to_their_rule(signed_in: Client) -> None:
    cluster = make_database_cluster("alpha", nodes=2)

    page = signed_in.get(cluster.get_absolute_url()).content.decode()
    plan = signed_in.get(reverse("provisioning:plan", args=["alpha"])).content.decode()

    for text in (page, plan):
        assert reverse("inventory:rule-detail", args=["odd-members"]) in text


def test_the_api_filters_findings_and_names_their_fixes(api: APIClient) -> None:
    cluster = make_database_cluster("alpha", nodes=2)
    make_container(cluster, "pg-node-03", private="10.203.0.33")

    odd = api.get(f"{API}clusters/alpha/findings/?key=odd-members").json()
    warnings = api.get(f"{API}clusters/alpha/findings/?severity=warning").json()
    unknown = api.get(f"{API}clusters/alpha/findings/?colour=red")

    (finding,) = odd
    assert finding["fix"] == "Add node pg-node-03 (database) on pg-node-03"
    assert finding["url"] == reverse("inventory:rule-detail", args=["odd-members"])
    assert {f["severity"] for f in warnings} == {"warning"}
    assert unknown.status_code == 400


def test_the_api_carries_a_fix_out(api: APIClient) -> None:
    cluster = make_database_cluster("alpha", nodes=2)
    make_container(cluster, "pg-node-03", private="10.203.0.33")
    about = {"key": "odd-members", "subject": "role:database", "role": "database"}

    done = api.post(f"{API}clusters/alpha/fixes/", about, format="json")
    again = api.post(f"{API}clusters/alpha/fixes/", about, format="json")

    assert done.status_code == 200, done.content
    assert cluster.nodes.count() == 3
    assert cluster.changes.filter(reason="Fix of R132").exists()
    assert again.status_code == 404


def test_the_api_shows_decisions_and_rules(api: APIClient) -> None:
    make_cluster("vienna", platform="voipnow")

    decisions = api.get(f"{API}clusters/vienna/decisions/").json()
    rules = api.get(f"{API}rules/").json()
    one = api.get(f"{API}rules/odd-members/").json()

    assert {d["role"] for d in decisions} >= {"distributed-database", "sip", "sql-master"}
    assert not any(d["locked"] for d in decisions if d["role"] == "sip")
    assert {rule["key"] for rule in rules} == set(RULES)
    assert one["requirement"] == "R132"
    assert api.get(f"{API}rules/none/").status_code == 404


def test_a_refusal_names_the_page_of_its_rule(api: APIClient) -> None:
    make_database_cluster("alpha", nodes=1)
    container = Container.objects.get()

    answer = api.patch(f"{API}containers/{container.pk}/", {"vcpus": 1}, format="json")

    assert answer.status_code == 409
    assert answer.json()["findings"][0]["url"] == reverse(
        "inventory:rule-detail", args=["hardware-minimum"]
    )


def test_every_line_that_only_a_machine_can_answer_is_a_named_check(signed_in: Client) -> None:
    """R18, R120, R142 to R150, R152 to R156."""
    lines = {
        "R18",
        "R120",
        *(f"R{n}" for n in range(142, 151)),
        *(f"R{n}" for n in range(152, 157)),
    }

    page = signed_in.get(reverse("inventory:rule-list")).content.decode()

    assert {number for check in HOST_CHECKS for number in check.requirements} >= lines
    assert len({check.key for check in HOST_CHECKS}) == len(HOST_CHECKS)
    assert all(check.title in page for check in HOST_CHECKS)


def test_a_row_of_the_vendors_table_is_shown_as_words() -> None:
    row = "| **Database** | [PostgreSQL HA Cluster](postgresql-cluster.md) | 3 nodes |"

    assert vendor_words(row) == "Database · PostgreSQL HA Cluster · 3 nodes"
