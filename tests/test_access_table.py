"""Every address, tried by a stranger, a viewer and an operator of another cluster: no hole.

Written to docs/access-table.md by `ACCESS_TABLE=write pytest tests/test_access_table.py`.
"""

import os
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from inventory import models as inventory
from inventory.certificates import make_authority
from inventory.grants import give_level
from inventory.history import record_fact
from inventory.models import Cluster, Container
from inventory.operations import GrantWaiver, SetBalancer, perform
from inventory.services import save_row
from inventory.states import Origin
from inventory.topology import BalancerView, WaiverView
from monitoring.models import HostState
from provisioning.models import Attempt, Preflight, Run, Step
from tests import access
from tests.factories import (
    make_cluster,
    make_container,
    make_credential,
    make_database_cluster,
    make_grant,
    make_node,
    make_user,
)

pytestmark = pytest.mark.django_db
PAGE = Path(__file__).resolve().parent.parent / "docs/access-table.md"
INTRODUCTION = """\
Made by `tests/test_access_table.py`, which fails when it is out of date: every address is asked for
as a stranger, as a viewer of the cluster that it is about, and as an operator of another cluster
(both may enter the admin). 200: shown; 302: led elsewhere; 400: understood, but incomplete: he may
in his own cluster; 403: seen, not allowed; 404: not there for him."""
# Open to strangers: what it takes to sign in. Each with the statuses that a stranger may get.
OPEN = {
    "login": {200},
    "account_login": {200},
    "account_inactive": {200, 405},
    "healthz": {200, 405, 503},
    "logout": {302, 405},
    "mfa_authenticate": {302},
    "openid_connect_login": {404},
    "openid_connect_callback": {404},
    "socialaccount_login_cancelled": {200, 405},
    "socialaccount_signup": {302},
    "admin:login": {302},
    "api:token": {400, 405},
}
# One's own account: whoever is signed in has one.
OWN = (
    "inventory:login-list",
    "inventory:login-create",
    "mfa_",
    "account_",
    "socialaccount_",
    "openid_connect_",
    "login",
    "logout",
    "healthz",
)
OWN_ADMIN = ("admin:index", "admin:login", "admin:logout", "admin:password_change")
# Pages that are a form: for those alone who may send it.
FORMS = (
    "-create",
    "-edit",
    "-new",
    "-move",
    "-remove",
    "-adopt",
    "-revision",
    "-host-key",
    "inventory:grant-list",
)
# What all clusters share: an operator of any looks at it, and writes it nowhere but in his own.
SHARED = (
    "api:platform",
    "api:release",
    "api:role-list",
    "api:role-detail",
    "api:rule",
    "api:location",
    "api:hypervisor",
    "api:bastion",
    "inventory:rule",
)
# Logins and grants are for administrators; viewers see neither.
REFUSED_TO_VIEWERS = ("api:credential", "api:bastion", "api:grant")
# A fault of the request comes before the permission, which what is asked for decides.
ODD = {
    "api:sample-list": {400},  # Which machine it is about is a parameter.
    "api:waiver-list": {400},  # Which permission it takes, the rule that is named says.
    "api:cluster-import": {400},  # What a file would change takes the permissions for that.
    "inventory:cluster-import": {400},
    "inventory:pool-import": {400},
    "inventory:login-edit": {404},  # Logins are not there for viewers.
    "inventory:login-remove": {404},
}
# Nobody but portal administrators: statuses for anybody else.
PORTAL_ONLY = (
    "user-",
    "sign-in-policy",
    "provisioning:operations",
    "monitoring:collectors",
    "api:operations",
    "admin:jsi18n",
    "inventory:cluster-import-new",
    "inventory:example-create",
    "inventory:cluster-create",
    "inventory:bastion-",
)


@pytest.fixture
def quokka(db: None) -> Cluster:
    """Make a cluster with one of everything; every name in it has the marker."""
    cluster = make_database_cluster("quokka", nodes=0, name="Quokka")
    root = make_user("quokka-root", superuser=True)
    container = make_container(cluster, "quokka-01", private="10.203.0.31")
    node = make_node(container, "quokka-01")
    make_credential("a secret", name="quokka-login", kind="password", cluster=cluster)
    record_fact(
        cluster=cluster, container=None, node=None, key="quokka", value=1, origin=Origin.TYPED
    )
    inventory.Event.objects.create(cluster=cluster, kind="quokka", message="quokka")
    inventory.Secret.objects.create(cluster=cluster, key="quokka", value="a secret")
    make_authority(cluster)
    berlin = inventory.Location.objects.create(name="berlin")
    inventory.Hypervisor.objects.create(name="pve-1", location=berlin)
    role = cluster.platform.roles.get(key="database")
    inventory.AvailabilityGroup.objects.create(cluster=cluster, role=role, name="quokka-group")
    now = timezone.now()
    window = inventory.MaintenanceWindow(
        cluster=cluster, starts_at=now, ends_at=now + timedelta(hours=1), reason="quokka"
    )
    save_row(window, actor=None, cluster=cluster)
    balancer = BalancerView(
        pk=None,
        name="quokka-vip",
        role="database",
        network="quokka-private",
        ip=ip_address("10.203.0.99"),
    )
    perform(SetBalancer(balancer), cluster=cluster, actor=None)
    waiver = WaiverView(
        key="odd-members",
        subject="role:database",
        role="database",
        reason="quokka",
        by="quokka-root",
        expires_at=now + timedelta(days=1),
        weight=None,
    )
    perform(GrantWaiver(waiver), cluster=cluster, actor=None)
    HostState.objects.create(container=container, changed_at=now, error="quokka")
    gate = make_credential("a secret", name="gate-login", kind="password")
    inventory.Bastion.objects.create(name="gate", host="198.51.100.9", credential=gate)
    run = Run.objects.create(cluster=cluster, requested_by=root, requested_by_name="quokka-root")
    step = Step.objects.create(
        run=run, position=1, title="quokka", container=container, node=node, timeout_s=9, **STEP
    )
    Attempt.objects.create(step=step, number=1, epoch=1)
    Preflight.objects.create(
        cluster=cluster,
        requested_by_name="quokka-root",
        status="done",
        started_at=now,
        finished_at=now,
    )
    return cluster


STEP: dict[str, Any] = {
    "stage": 1,
    "stage_key": "a",
    "key": "a",
    "kind": "command",
    "spec": {"probe": "", "apply": "", "verify": "", "files": {}},
}


@pytest.fixture
def people(quokka: Cluster) -> dict[str, Client]:
    """Sign everybody in; the signed-in are staff, so that the admin is tried too."""
    beta = make_cluster("beta", private="10.205.0.0/24", public=None)
    make_container(beta, "beta-01", private="10.205.0.9", public=None)
    viewer = make_grant(_staff("viktor"), "viewer", quokka)
    other = make_grant(_staff("otto"), "operator", beta)
    give_level(user=make_user("quokka-anna"), level="viewer", cluster=quokka, actor=None)
    return {"stranger": Client(), "viewer": _client(viewer), "other": _client(other)}


def _staff(name: str) -> User:
    user = make_user(name)
    user.is_staff = True
    user.save()
    return user


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def samples(route: access.Route) -> dict[str, Any]:
    """Return what a route's path takes, of the marked cluster; raises KeyError for a new one."""
    container = Container.objects.get(name="quokka-01")
    known: dict[str, Any] = {
        "slug": "quokka",
        "what": "cluster",
        "form": "yaml",
        "suffix": "nft",
        "key": "odd-members",
        "layout": 1,
        "provider_id": "oidc",
        "app_label": "inventory",
        "content_type_id": 1,
        "object_id": 1,
        "url": "x",
        "id": 1,
    }
    values = {name: known[name] for name in route.takes if name in known}
    if "pk" in route.takes:
        values["pk"] = _pk(route.name, container)
    if "grant" in route.takes:
        values["grant"] = inventory.Grant.objects.get(user__username="quokka-anna").pk
    if "object_id" in route.takes:
        row = access.admin_row(route.name)
        values["object_id"] = row.pk if row else 1
    if route.name.startswith("api:platform") and "key" in route.takes:
        values["key"] = "ring2all"
    if route.name in ("inventory:pool-export", "audit-export"):
        values["form"] = "csv"
    missing = set(route.takes) - set(values)
    if missing:
        raise KeyError(f"Give a sample for {', '.join(sorted(missing))} of {route.name}.")
    return values


def _pk(name: str, container: Container) -> Any:
    """Return the key of the row that a route is about."""
    rows: dict[str, Any] = {
        "inventory:waiver": inventory.Waiver,
        "inventory:grant": inventory.Grant,
        "inventory:network": inventory.Network.objects.filter(name="quokka-private"),
        "inventory:container": container,
        "inventory:node": inventory.Node,
        "inventory:login": inventory.Credential.objects.filter(name="quokka-login"),
        "inventory:bastion": inventory.Bastion,
        "api:bastion": inventory.Bastion,
        "monitoring:container": container,
        "monitoring:host-state": container,
        "monitoring:node": inventory.Node,
        "monitoring:series": container,
        "provisioning:run": Run,
        "provisioning:step": Step,
        "user-": User.objects.filter(username="quokka-anna"),
        "mfa_": 1,
        "api:release": inventory.Release,
        "api:role-detail": inventory.Role,
        "api:location": inventory.Location,
        "api:hypervisor": inventory.Hypervisor,
        "api:network": inventory.Network.objects.filter(name="quokka-private"),
        "api:container": container,
        "api:node": inventory.Node,
        "api:placement": inventory.Placement,
        "api:role-assignment": inventory.RoleAssignment,
        "api:availability-group": inventory.AvailabilityGroup,
        "api:balancer": inventory.Balancer,
        "api:credential": inventory.Credential.objects.filter(name="quokka-login"),
        "api:grant": inventory.Grant.objects.filter(user__username="quokka-anna"),
        "api:fact": inventory.Fact,
        "api:event": inventory.Event.objects.filter(kind="quokka"),
        "api:waiver": inventory.Waiver,
        "api:change": inventory.Change.objects.filter(cluster__slug="quokka"),
        "api:maintenance-window": inventory.MaintenanceWindow,
        "api:run-step": Step,
        "api:run-attempt": Attempt,
        "api:run": Run,
        "api:preflight": Preflight,
        "api:host-state": container,
    }
    found = [(start, row) for start, row in rows.items() if name.startswith(start)]
    if not found:
        raise KeyError(f"Give a sample row for {name}.")
    row = max(found, key=lambda pair: len(pair[0]))[1]
    if isinstance(row, int):
        return row
    if isinstance(row, type):
        row = row._default_manager.all()  # type: ignore[attr-defined]
    first = row if hasattr(row, "pk") else row.first()
    return first.pk if first else 1


def fault(route: access.Route, method: str, who: str, got: access.Answer) -> str:
    """Say what is wrong with an answer; empty when it is as the rule has it."""
    if got.status >= 500:
        return "failed"
    if who == "stranger":
        allowed = OPEN.get(route.name, {302, 401, 403} if route.is_api else {302})
        if got.status in allowed and (route.name in OPEN or got.status != 302 or _to_login(got)):
            return ""
        return f"a stranger got {got.words}"
    if who == "other" and access.MARKER in got.text.lower():
        return "names what is not his to see"
    if got.status not in expected(route, method, who):
        return f"{who} got {got.status} rather than {sorted(expected(route, method, who))}"
    return ""


def expected(route: access.Route, method: str, who: str) -> set[int]:
    """Return the statuses that the rule allows a signed-in person."""
    name, looks = route.name, method == "GET"
    odd = ODD.get(name, set())
    is_own = name.startswith(OWN) or name.startswith(OWN_ADMIN) or name in OPEN
    if name in ("socialaccount_login_error", "admin:app_list"):
        return {200, 401, 405}
    if is_own or name in ("inventory:home", "api:api-root", "api:schema", "api:docs"):
        return {200, 302, 400, 403, 404, 405}
    if name.startswith("admin:"):
        # A list that is sent shows itself again; a form for a row of his own shows its faults.
        shown = ("_changelist",) if who == "viewer" else ("_changelist", "_add")
        again = {200} if looks or name.endswith(shown) else set()
        return again | {302, 403, 404, 405}
    if name.startswith(PORTAL_ONLY):
        return {403, 404, 405}
    has_row = bool({"slug", "pk"} & set(route.takes))
    if not looks:
        refused = {403, 405, *odd} if who == "viewer" else {403, 404, 405, *odd}
        # In a cluster of his own he may: without one in the form, that is a fault.
        own = {400, 200} if who == "other" and not has_row else set()
        return refused | own | ({404} if name.startswith(SHARED) or "waiver" in name else set())
    if who == "viewer":
        is_refused = name.endswith(FORMS) or name.startswith(REFUSED_TO_VIEWERS)
        return {403, 404, 405} if is_refused else {200, 204, 405, *odd}
    if has_row and not name.startswith(SHARED):
        return {404, 405} | ({403} if name.startswith(REFUSED_TO_VIEWERS) else set())
    return {200, 403, 404, *odd}


def _to_login(got: access.Answer) -> bool:
    return got.location.startswith(("/login/", "/admin/login/"))


def rows(people: dict[str, Client]) -> list[tuple[access.Route, str, dict[str, access.Answer]]]:
    """Ask for everything as everybody."""
    found = []
    for route in sorted(set(access.routes()), key=lambda r: (r.is_api, r.path, r.name)):
        values = samples(route)
        for method in route.methods:
            answers = {
                who: access.ask(client, route, method, values) for who, client in people.items()
            }
            if {a.status for a in answers.values()} != {405}:
                found.append((route, method, answers))
    return found


def test_nobody_gets_what_is_not_his(people: dict[str, Client]) -> None:
    found = rows(people)
    holes = [
        f"{method} {route.path} ({route.name}): {words}"
        for route, method, answers in found
        for who, got in answers.items()
        if (words := fault(route, method, who, got))
    ]
    page = _page(found)
    if os.environ.get("ACCESS_TABLE") == "write":
        PAGE.write_text(page)

    assert not holes, "\n".join(holes)
    assert PAGE.read_text() == page, "Write it anew: see the first lines of this file."


def _page(found: list[tuple[access.Route, str, dict[str, access.Answer]]]) -> str:
    """Write the table."""
    lines = [
        "# Every address and who gets what",
        "",
        INTRODUCTION,
        "",
        "| Method | Address | Stranger | Viewer | Operator elsewhere |",
        "|---|---|---|---|---|",
    ]
    for route, method, answers in found:
        words = " | ".join(answers[who].words for who in ("stranger", "viewer", "other"))
        lines.append(f"| {method} | `{route.path}` | {words} |")
    return "\n".join(lines) + "\n"
