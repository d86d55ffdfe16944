"""Application and telephony servers of Ring2All: what their plans promise."""

from collections.abc import Mapping
from typing import Any

import pytest

from provisioning.planning import plan
from provisioning.runbook.load import load_runbooks
from provisioning.steps import CompiledStep, Plan
from tests.provisioning.topologies import make_topology

RUNBOOKS = load_runbooks("ring2all")
ROLES = {
    **{f"pg-node-0{i}": ("database",) for i in (1, 2, 3)},
    **{f"fs-node-0{i}": ("file-server",) for i in (1, 2, 3)},
    "admin-node-01": ("admin",),
    "api-node-01": ("api",),
    "api-node-02": ("api",),
    "portal-node-01": ("portal",),
    "switch-node-01": ("switchboard",),
    "tele-node-01": ("telephony",),
    "tele-node-02": ("telephony",),
    "lb-node-01": ("load-balancer",),
}
KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDME\nabcd\n-----END PGP PUBLIC KEY BLOCK-----"


def made(
    roles: Mapping[str, tuple[str, ...]] | None = None,
    parameters: Mapping[str, Any] | None = None,
    only: str | None = None,
) -> Plan:
    """Plan for these machines, for one of their roles where it is only about that."""
    topology = make_topology(roles or ROLES, parameters=parameters)
    return plan(topology, RUNBOOKS, roles=[only] if only else None)


PLAN = made()


def step(plan: Plan, key: str, node: str) -> CompiledStep:
    """Return a node's step."""
    return next(s for s in plan.steps if s.key == key and s.node == node)


def by_place(plan: Plan) -> dict[tuple[str, str], str]:
    """Return the hash of every step by machine and key."""
    return {(s.container, s.key): s.hash for s in plan.steps}


def test_another_telephony_server_changes_nothing_on_the_others() -> None:
    before = by_place(PLAN)
    after = by_place(made({**ROLES, "tele-node-03": ("telephony",)}))

    changed = {place for place in before if before[place] != after[place]}

    assert not [place for place in changed if place[0].startswith("tele-")]
    # Whoever may talk to it learns its name; databases and file servers let it in.
    assert {key.partition(".")[2] for _, key in changed} == {
        "names.hosts",
        "names.resolve",
        "firewall.rules",
    }
    firewalls = {machine for machine, key in changed if key.endswith(".firewall.rules")}
    assert {machine[:2] for machine in firewalls} == {"pg", "fs"}


def test_a_machine_with_another_role_beside_telephony_knows_everybody() -> None:
    mixed = {**ROLES, "tele-node-01": ("telephony", "portal")}

    hosts = step(made(mixed, only="telephony"), "telephony.names.hosts", "tele-node-01").files[
        "content"
    ]

    assert "tele-node-02" in hosts
    assert (
        "tele-node-02" not in step(PLAN, "telephony.names.hosts", "tele-node-01").files["content"]
    )


@pytest.mark.parametrize(
    ("key", "node", "mode"),
    [
        ("admin.credentials.file", "admin-node-01", "0600"),
        ("admin.application.settings", "admin-node-01", "0600"),
        ("api.application.settings", "api-node-02", "0600"),
        ("portal.application.settings", "portal-node-01", "0600"),
        ("switchboard.application.settings", "switch-node-01", "0600"),
        ("telephony.freeswitch.odbc", "tele-node-01", "0640"),
    ],
)
def test_the_databases_password_stands_in_private_files_only(
    key: str, node: str, mode: str
) -> None:
    settings = step(PLAN, key, node)

    assert "⟦secret:database-ss-db-user⟧" in settings.files["content"]
    assert f"= '{mode.lstrip('0')} root " in settings.probe


def test_an_application_writes_to_the_leader_and_reads_from_replicas() -> None:
    settings = step(PLAN, "api.application.settings", "api-node-01").files["content"]

    assert "\nDATABASE_URL=" in settings
    assert "@127.0.0.1:5000/ss_admin?schema=public" in settings
    for name in ("TELEPHONY", "LOGS", "CDR"):
        assert f"\n{name}_DATABASE_URL=" in settings
    assert "\nTELEPHONY_READ_DATABASE_URL=" in settings
    assert "@127.0.0.1:5001/ss_telephony?schema=public" in settings
    assert "\nPORT=3000\n" in settings


def test_only_the_switchboard_is_told_the_port_of_its_websocket() -> None:
    assert (
        "WS_PORT=3004"
        in step(PLAN, "switchboard.application.settings", "switch-node-01").files["content"]
    )
    assert (
        "WS_PORT" not in step(PLAN, "admin.application.settings", "admin-node-01").files["content"]
    )


def test_the_vendors_repository_is_the_default() -> None:
    source = step(PLAN, "telephony.ring2all-packages.source[ring2all]", "tele-node-01")
    key = step(PLAN, "telephony.ring2all-packages.fetched-key[ring2all]", "tele-node-01")

    assert (
        "deb [signed-by=/etc/apt/keyrings/ring2all.asc] https://repo.ring2all.com/apt stable main"
        in source.files["content"]
    )
    assert "https://repo.ring2all.com/gpg.key" in key.apply


@pytest.mark.parametrize("typed", [KEY, KEY.replace("\n", " ")])
def test_a_key_may_be_given_itself_even_in_one_line(typed: str) -> None:
    parameters = {"ring2all_repository_key": typed}

    key = step(
        made(parameters=parameters, only="telephony"),
        "telephony.ring2all-packages.key[ring2all]",
        "tele-node-01",
    )

    assert key.files["content"] == KEY + "\n"


def test_a_wanted_version_is_changed_to_one_server_at_a_time() -> None:
    asked = made(parameters={"softswitch_version": "1.4.*"}, only="api")

    version = step(asked, "api.application.version", "api-node-01")

    assert version.serial
    assert "http://127.0.0.1:3000/api/health" in version.apply
    pinned = step(asked, "api.ring2all-packages.version", "api-node-01").files["content"]
    assert "Pin: version 1.4.*" in pinned
    assert not [s for s in PLAN.steps if s.key == "api.application.version"]


def test_files_that_begin_with_a_dot_are_never_served() -> None:
    site = step(PLAN, "portal.web-server.site", "portal-node-01").files["content"]

    assert "location ~ /\\.(?!well-known/)" in site
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in site


def test_who_only_reads_recordings_mounts_them_read_only() -> None:
    options = {s.role: s.probe for s in PLAN.steps if s.key.endswith(".recordings.access")}

    assert set(options) == {"admin", "api", "portal", "telephony"}
    assert {role for role, probe in options.items() if "-qx rw" in probe} == {"api", "telephony"}


@pytest.mark.parametrize("role", ["admin", "api", "portal", "switchboard", "telephony"])
def test_a_cluster_that_is_described_machine_by_machine_can_be_planned(role: str) -> None:
    keys = {s.key for s in made({"some-node-01": (role,)}).steps}

    assert f"{role}.sidecar.run" in keys
    assert f"{role}.recordings.mount" not in keys
