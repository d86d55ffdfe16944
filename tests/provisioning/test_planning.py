"""Plans: complete, in the right order, the same every time."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from inventory.topology import NodeView
from provisioning.planning import plan, role_order
from provisioning.runbook.load import load_runbooks
from provisioning.runbook.rendering import RenderError
from provisioning.steps import CompiledStep, Plan, reveal
from tests.provisioning.topologies import make_topology

RUNBOOKS = load_runbooks("ring2all")
PLAN = plan(make_topology(), RUNBOOKS)


def step(plan: Plan, key: str, node: str = "pg-node-01") -> CompiledStep:
    """Return a node's step."""
    return next(s for s in plan.steps if s.key == key and s.node == node)


def keys(plan: Plan) -> list[str]:
    """Return the keys of a plan's stages."""
    return [stage.key for stage in plan.stages]


def test_rules_are_loaded_before_etcd_starts_and_etcd_before_patroni() -> None:
    assert keys(PLAN) == [
        "database.names",
        "database.firewall",
        "database.software",
        "database.etcd",
        "database.patroni",
        "database.proof",
        "database.databases",
    ]


def test_a_plan_is_the_same_every_time() -> None:
    again = plan(make_topology(), load_runbooks("ring2all"))

    assert again == PLAN
    assert [s.hash for s in again.steps] == [s.hash for s in PLAN.steps]


def test_every_step_is_there_once_for_every_node() -> None:
    pairs = [(s.key, s.node) for s in PLAN.steps]
    nodes = {node for _, node in pairs}

    assert len(pairs) == len(set(pairs))
    assert nodes == {"pg-node-01", "pg-node-02", "pg-node-03"}
    missing = {(key, node) for key, _ in pairs for node in nodes} - set(pairs)
    once = ("database.patroni.shared-settings", "database.databases.create")
    assert missing == {(key, node) for key in once for node in ("pg-node-02", "pg-node-03")}


def test_what_needs_a_majority_begins_with_one_and_changes_the_cluster_once() -> None:
    quorums = {stage.key: stage.quorum for stage in PLAN.stages if stage.quorum}
    singletons = {s.singleton: s.key for s in PLAN.steps if s.singleton}

    assert quorums == {"database.etcd": 2, "database.patroni": 2}
    assert singletons == {
        "etcd-members": "database.etcd.restart",
        "patroni-settings": "database.patroni.shared-settings",
        "application-databases": "database.databases.create",
    }


def test_active_nodes_are_planned_too() -> None:
    topology = make_topology()
    active = {
        name: replace(node, assignments=tuple(replace(a, state="active") for a in node.assignments))
        for name, node in topology.nodes.items()
    }

    assert plan(replace(topology, nodes=active), RUNBOOKS) == PLAN


def test_roles_without_a_runbook_are_named() -> None:
    topology = make_topology({"pg-node-01": ("database",), "admin-node-01": ("admin",)})

    made = plan(topology, {"database": RUNBOOKS["database"]})

    assert {s.role for s in made.steps} == {"database"}
    assert [note for note in made.notes if "has no runbook yet" in note and "admin-node-01" in note]


def test_a_node_without_a_container_is_named() -> None:
    topology = make_topology()
    homeless = NodeView("pg-node-09", None, topology.nodes["pg-node-01"].assignments)

    made = plan(topology.with_node(homeless), RUNBOOKS)

    assert made.notes == ("pg-node-09 has no container and is left out.",)
    assert "pg-node-09" not in "".join(map(str, made.steps))


def test_a_plan_can_be_limited_to_some_roles() -> None:
    assert plan(make_topology(), RUNBOOKS, roles=["telephony"]).stages == ()
    assert plan(make_topology(), RUNBOOKS, roles=["database"]) == PLAN


def test_roles_follow_what_they_depend_on() -> None:
    order = role_order(make_topology())

    for role in make_topology().platform.roles:
        assert all(order.index(key) < order.index(role.key) for key in role.depends_on)
    assert order[0] == "database"


def test_secrets_stay_references_and_stand_in_private_files_only() -> None:
    assert PLAN.secrets == (
        "database-ss-db-user",
        "patroni-restapi",
        "postgresql-replication",
        "postgresql-superuser",
    )
    settings = step(PLAN, "database.patroni.settings")
    assert "password: '⟦secret:postgresql-superuser⟧'" in settings.files["content"]
    for planned in PLAN.steps:
        assert "⟦" not in planned.probe + planned.apply + planned.verify
    assert "-m 0600 " in settings.apply
    assert "password: 'x:y'" in reveal(settings.files["content"], lambda key: "x:y")


def test_parameters_of_the_cluster_come_before_the_platforms() -> None:
    changed = plan(make_topology(parameters={"patroni_ttl_s": 25}), RUNBOOKS)
    wanted = "wanted.yml"

    assert "ttl: 20\n" in step(PLAN, "database.patroni.shared-settings").files[wanted]
    assert "ttl: 25\n" in step(changed, "database.patroni.shared-settings").files[wanted]


def test_each_etcd_member_knows_itself_and_all_others() -> None:
    settings = step(PLAN, "database.etcd.settings", "pg-node-02").files["content"]

    assert 'ETCD_NAME="pg-node-02"' in settings
    assert (
        'ETCD_INITIAL_CLUSTER="pg-node-01=http://10.205.0.11:2380,'
        'pg-node-02=http://10.205.0.12:2380,pg-node-03=http://10.205.0.13:2380"'
    ) in settings


def test_a_machine_without_a_private_address_cannot_be_planned() -> None:
    topology = make_topology()
    bare = replace(topology.containers["pg-node-02"], addresses=())

    with pytest.raises(
        RenderError, match="pg-node-02, where pg-node-02 runs, has no private address"
    ):
        plan(topology.with_container(bare, was="pg-node-02"), RUNBOOKS)


def test_a_source_of_logins_that_is_no_address_is_refused() -> None:
    with pytest.raises(RenderError, match="ssh_sources: 'portal' does not appear to be"):
        plan(make_topology(parameters={"ssh_sources": "10.0.0.1, portal"}), RUNBOOKS)


def test_an_undefined_name_is_an_error_that_says_where(tmp_path: Path) -> None:
    folder = tmp_path / "ring2all/database"
    folder.mkdir(parents=True)
    (folder / "etcd.j2").write_text("{{ parameters.nobody_knows }}")

    with pytest.raises(RenderError, match=r"database\.etcd\.settings on pg-node-01.*nobody_knows"):
        plan(make_topology(), load_runbooks("ring2all", directories=[tmp_path]))


def test_templates_cannot_reach_python(tmp_path: Path) -> None:
    folder = tmp_path / "ring2all/database"
    folder.mkdir(parents=True)
    (folder / "etcd.j2").write_text("{{ cluster.__class__.__mro__ }}")

    with pytest.raises(RenderError, match="unsafe"):
        plan(make_topology(), load_runbooks("ring2all", directories=[tmp_path]))


def test_a_secret_in_a_script_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "ring2all/database"
    folder.mkdir(parents=True)
    (folder / "set-cluster-aside.sh.j2").write_text("echo {{ secret('postgresql-superuser') }}")

    with pytest.raises(RenderError, match="never in a script"):
        plan(make_topology(), load_runbooks("ring2all", directories=[tmp_path]))


def test_all_scripts_of_the_plan_are_posix_sh() -> None:
    for planned in PLAN.steps:
        for text in (planned.probe, planned.apply, planned.verify, planned.preview):
            assert text
            done = subprocess.run(["sh", "-n"], input=text, text=True, check=False)
            assert done.returncode == 0, planned.key


def test_a_new_login_stands_between_loading_and_keeping_the_rules() -> None:
    fresh = [s.key for s in PLAN.steps if s.fresh_connection]

    assert set(fresh) == {"database.firewall.confirm"}


def test_what_follows_a_service_on_its_node_is_about_that_service() -> None:
    by_unit = {s.unit for s in PLAN.steps if s.key.startswith("database.patroni.")}

    assert step(PLAN, "database.etcd.start").unit == "etcd.service"
    assert by_unit == {"", "patroni.service"}
    assert step(PLAN, "database.names.hostname").unit == ""
