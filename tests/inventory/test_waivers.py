"""Answering for findings: accepted warnings, overridden locks, and their end."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from inventory.models import Cluster, RoleAssignment, Waiver
from inventory.operations import ChangeCluster, Refused, RemoveNode, perform
from inventory.rules import findings
from inventory.snapshot import load_topology
from inventory.waivers import finding_of, grant_waiver, revoke_waiver
from provisioning.obstacles import blocking
from tests.factories import make_cluster, make_container, make_node, make_user

pytestmark = pytest.mark.django_db
API = "/api/v1/"
MASTER = {"key": "sole-node-protected", "subject": "node:sql-01", "role": "sql-master"}
SIP = {"key": "node-stays", "subject": "role:sip", "role": "sip"}


def in_days(days: float) -> object:
    """Return a time from now."""
    return timezone.now() + timedelta(days=days)


@pytest.fixture
def cluster() -> Cluster:
    """A VoipNow cluster whose SQL master is not protected, with two SIP nodes that serve."""
    cluster = make_cluster("berlin", platform="voipnow", name="Berlin")
    for number, (name, role) in enumerate(
        (("sql-01", "sql-master"), ("sip-01", "sip"), ("sip-02", "sip")), 31
    ):
        public = f"10.204.0.{number}" if role == "sip" else None
        container = make_container(
            cluster,
            name,
            private=f"10.203.0.{number}",
            public=public,
            os_id="rhel",
            os_version="8.6",
        )
        make_node(container, name, role)
    RoleAssignment.objects.update(state="active")
    return cluster


def granted(cluster: Cluster, about: dict[str, str], **fields: object) -> Waiver:
    """Grant a waiver as an administrator."""
    actor = fields.pop("actor", None) or make_user(superuser=True)
    values = {
        "reason": "Agreed with the customer.",
        "expires_at": in_days(30),
        "confirm": "Berlin",
        "actor": actor,
    }
    result = grant_waiver(cluster=cluster, **about, **(values | fields))  # type: ignore[arg-type]
    return Waiver.objects.get(pk=result.row.pk)


def test_a_warning_that_is_accepted_holds_no_run_back(cluster: Cluster) -> None:
    assert "R63" in [f.rule for f in blocking(load_topology(cluster))]

    waiver = granted(cluster, MASTER)

    topology = load_topology(cluster)
    finding = finding_of(topology, **MASTER)
    assert finding is not None
    assert finding.waiver is not None
    assert finding.waiver.by == waiver.created_by_name
    assert "R63" not in [f.rule for f in blocking(topology)]
    assert waiver.weight == finding.weight
    change = cluster.changes.get(operation="GrantWaiver")
    assert (change.reason, change.actor_name) == (waiver.reason, waiver.created_by_name)


def test_a_finding_returns_when_its_waiver_expires(cluster: Cluster) -> None:
    waiver = granted(cluster, MASTER)

    before = load_topology(cluster, now=waiver.expires_at - timedelta(seconds=1))
    after = load_topology(cluster, now=waiver.expires_at)

    assert finding_of(before, **MASTER).waiver is not None  # type: ignore[union-attr]
    assert finding_of(after, **MASTER).waiver is None  # type: ignore[union-attr]
    assert "R63" in [f.rule for f in blocking(after)]


def test_a_finding_returns_when_its_waiver_is_ended(cluster: Cluster) -> None:
    waiver = granted(cluster, MASTER)

    revoke_waiver(waiver=waiver, actor=waiver.created_by)  # type: ignore[arg-type]

    assert finding_of(load_topology(cluster), **MASTER).waiver is None  # type: ignore[union-attr]
    waiver.refresh_from_db()
    assert waiver.revoked_at is not None
    assert cluster.changes.filter(operation="RevokeWaiver").exists()


def test_a_later_waiver_takes_the_place_of_an_earlier_one(cluster: Cluster) -> None:
    granted(cluster, MASTER)

    granted(cluster, MASTER, reason="Once more.")

    assert Waiver.objects.filter(revoked_at=None).get().reason == "Once more."
    assert Waiver.objects.count() == 2


def test_a_lock_gives_way_to_an_override_and_closes_again(cluster: Cluster) -> None:
    """R86, K16: SIP nodes are never removed, unless somebody answers for it."""
    with pytest.raises(Refused, match="R86"):
        perform(RemoveNode("sip-02"), cluster=cluster, actor=None)

    waiver = granted(cluster, SIP)
    perform(RemoveNode("sip-02"), cluster=cluster, actor=None)

    Waiver.objects.filter(pk=waiver.pk).update(created_at=in_days(-2), expires_at=in_days(-1))
    with pytest.raises(Refused, match="R86"):
        perform(RemoveNode("sip-01"), cluster=cluster, actor=None)


@pytest.mark.parametrize(
    ("about", "fields", "field"),
    [
        (MASTER, {"reason": "  "}, "reason"),
        (MASTER, {"expires_at": timezone.now()}, "expires_at"),
        (MASTER, {"expires_at": timezone.now() + timedelta(days=400)}, "expires_at"),
        (MASTER | {"subject": "node:sql-09"}, {}, "subject"),
        (MASTER | {"key": "no-such-rule"}, {}, "key"),
        (SIP, {"confirm": ""}, "confirm"),
        (SIP, {"confirm": "berlin"}, "confirm"),
        (SIP | {"subject": "role:nothing"}, {}, "subject"),
    ],
)
def test_what_a_waiver_lacks_is_said_by_field(
    cluster: Cluster, about: dict[str, str], fields: dict[str, object], field: str
) -> None:
    with pytest.raises(ValidationError) as raised:
        granted(cluster, about, **fields)

    assert field in raised.value.message_dict
    assert not Waiver.objects.exists()


def test_nobody_answers_for_what_has_to_be_mended(cluster: Cluster) -> None:
    container = cluster.containers.get(name="sip-01")
    container.addresses.all().delete()
    about = {"key": "private-address-required", "subject": "node:sip-01", "role": "sip"}

    with pytest.raises(ValidationError) as raised:
        granted(cluster, about)

    assert "has to be mended" in str(raised.value)


@pytest.mark.parametrize(
    ("about", "permission", "may"),
    [
        (MASTER, "accept_warning", True),
        (MASTER, "override_lock", False),
        (SIP, "override_lock", True),
        (SIP, "accept_warning", False),
    ],
)
def test_accepting_and_overriding_are_permissions_of_their_own(
    cluster: Cluster, about: dict[str, str], permission: str, *, may: bool
) -> None:
    actor = make_user("clerk", permissions=(f"inventory.{permission}",))

    if may:
        assert granted(cluster, about, actor=actor).created_by == actor
    else:
        with pytest.raises(PermissionDenied):
            granted(cluster, about, actor=actor)


def test_a_warning_that_got_worse_is_not_covered_any_more(cluster: Cluster) -> None:
    about = {"key": "nodes-protected", "subject": "role:sip", "role": "sip"}
    granted(cluster, about)
    third = make_container(
        cluster,
        "sip-03",
        private="10.203.0.40",
        public="10.204.0.40",
        os_id="rhel",
        os_version="8.6",
    )

    make_node(third, "sip-03", "sip")

    assert finding_of(load_topology(cluster), **about).waiver is None  # type: ignore[union-attr]


def test_going_live_locks_what_can_never_be_changed(cluster: Cluster) -> None:
    """K3: the lock point."""
    perform(ChangeCluster({"state": "live"}), cluster=cluster, actor=None)

    with pytest.raises(Refused, match="K3"):
        perform(ChangeCluster({"state": "planning"}), cluster=cluster, actor=None)


def test_pages_lead_from_the_finding_to_its_waiver_and_back(
    signed_in: Client, cluster: Cluster
) -> None:
    page = signed_in.get(cluster.get_absolute_url()).content.decode()
    new = reverse("inventory:waiver-create", args=["berlin"])
    assert f"{new}?key=sole-node-protected" in page

    address = f"{new}?key={MASTER['key']}&subject={MASTER['subject']}&role={MASTER['role']}"
    shown = signed_in.get(address)
    until = (timezone.now() + timedelta(days=9)).strftime("%Y-%m-%dT%H:%M")
    refused = signed_in.post(address, {"reason": "", "expires_at": until})
    signed_in.post(address, {"reason": "Agreed.", "expires_at": until})

    assert "totally lost" in shown.content.decode()
    assert refused.status_code == 400
    waiver = Waiver.objects.get()
    listed = signed_in.get(reverse("inventory:waiver-list", args=["berlin"])).content.decode()
    assert "Agreed." in listed
    assert "answers for it until" in signed_in.get(cluster.get_absolute_url()).content.decode()
    signed_in.post(reverse("inventory:waiver-revoke", args=["berlin", waiver.pk]))
    waiver.refresh_from_db()
    assert waiver.revoked_at is not None


def test_a_page_asks_for_the_name_before_a_lock_is_overridden(
    signed_in: Client, cluster: Cluster
) -> None:
    address = (
        reverse("inventory:waiver-create", args=["berlin"])
        + "?key=node-stays&subject=role:sip&role=sip"
    )
    until = (timezone.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")

    wrong = signed_in.post(address, {"reason": "x", "expires_at": until, "confirm": "berlin"})
    signed_in.post(address, {"reason": "x", "expires_at": until, "confirm": "Berlin"})

    assert "Type the cluster" in wrong.content.decode()
    assert Waiver.objects.get().rule == "node-stays"


def test_decisions_that_cannot_be_changed_are_shown_before_the_installation(
    signed_in: Client, cluster: Cluster
) -> None:
    """R82, R86."""
    for page in (cluster.get_absolute_url(), reverse("provisioning:plan", args=["berlin"])):
        text = signed_in.get(page).content.decode()
        assert "Decisions that cannot be changed later" in text
        assert "cannot be changed later because" in text


def test_the_api_grants_lists_and_ends_waivers(cluster: Cluster) -> None:
    api = APIClient()
    api.force_authenticate(make_user("root", superuser=True))
    body = {
        "cluster": "berlin",
        **MASTER,
        "reason": "Agreed.",
        "expires_at": (timezone.now() + timedelta(days=9)).isoformat(),
    }

    granted = api.post(f"{API}waivers/", body, format="json")
    lock = api.post(f"{API}waivers/", body | SIP, format="json")
    listed = api.get(f"{API}waivers/?cluster=berlin").json()["results"]
    ended = api.delete(f"{API}waivers/{granted.json()['id']}/")
    again = api.delete(f"{API}waivers/{granted.json()['id']}/")

    assert granted.status_code == 201, granted.content
    assert granted.json()["state"] == "in force"
    assert lock.status_code == 400
    assert "confirm" in lock.json()["errors"]
    assert [row["key"] for row in listed] == ["sole-node-protected"]
    assert (ended.status_code, again.status_code) == (204, 404)


def test_the_api_asks_for_the_permission(cluster: Cluster) -> None:
    api = APIClient()
    api.force_authenticate(make_user("clerk", permissions=("inventory.view_cluster",)))

    answer = api.post(
        f"{API}waivers/",
        {
            "cluster": "berlin",
            **MASTER,
            "reason": "Agreed.",
            "expires_at": (timezone.now() + timedelta(days=9)).isoformat(),
        },
        format="json",
    )

    assert answer.status_code == 403
    assert findings(load_topology(cluster))
