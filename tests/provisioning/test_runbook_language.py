"""What a runbook says becomes steps: conditions, loops, facts, values, handlers, tolerance."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from textwrap import indent

import pytest

from inventory.topology import DiskView, FactView, Topology
from provisioning.planning import plan
from provisioning.runbook.load import load_runbooks
from provisioning.runbook.rendering import RenderError
from provisioning.steps import CompiledStep, Plan
from tests.provisioning.topologies import make_topology

HEAD = """\
schema: 1
platform: ring2all
role: database
title: Try
parameters: {folders: [a, b], wanted: false}
components:
"""


def component(steps: str, *, key: str = "app", **fields: str) -> str:
    """Return a component of a runbook."""
    lines = [f"key: {key}", f"title: {key}", *(f"{k}: {v}" for k, v in fields.items()), "steps:"]
    return "  - " + indent("\n".join(lines), "    ")[4:] + "\n" + indent(steps, "      ")


def planned(folder: Path, *components: str, topology: Topology | None = None) -> Plan:
    """Return the plan of a runbook made of these components."""
    (folder / "ring2all").mkdir()
    (folder / "ring2all" / "database.yaml").write_text(HEAD + "\n".join(components))
    runbooks = load_runbooks("ring2all", directories=[folder])
    return plan(topology or make_topology(), runbooks)


def on_first(made: Plan) -> list[CompiledStep]:
    """Return the steps of the first node."""
    return [step for step in made.steps if step.node == "pg-node-01"]


FOLDER = "- {key: one, title: One, directory: {path: /srv/one}, %s}\n"


@pytest.mark.parametrize(
    ("when", "nodes"),
    [
        ("node.number == 2", ["pg-node-02"]),
        ("parameters.wanted", []),
        ("facts.os_id == 'debian' and facts.vcpus >= 4", [f"pg-node-0{n}" for n in (1, 2, 3)]),
        ("facts.get('patroni_role') == 'leader'", ["pg-node-03"]),
        ("'patroni_role' in facts", ["pg-node-03"]),
        ("true", [f"pg-node-0{n}" for n in (1, 2, 3)]),
    ],
)
def test_a_step_is_left_out_where_its_condition_does_not_hold(
    tmp_path: Path, when: str, nodes: list[str]
) -> None:
    made = planned(tmp_path, component(FOLDER % f'when: "{when}"'), topology=with_facts())

    assert [step.node for step in made.steps] == nodes


def test_a_condition_on_the_machine_is_a_script_of_its_own(tmp_path: Path) -> None:
    made = planned(tmp_path, component(FOLDER % "only_if: '[ -e /etc/{{ node.name }} ]'"))

    assert on_first(made)[0].only_if.endswith("\n[ -e /etc/pg-node-01 ]\n")


@pytest.mark.parametrize(
    ("loop", "keys", "paths"),
    [
        ("[x, y]", ["one[x]", "one[y]"], ["/srv/x", "/srv/y"]),
        ("parameters.folders", ["one[a]", "one[b]"], ["/srv/a", "/srv/b"]),
        ("range(1, nodes | length)", ["one[1]", "one[2]"], ["/srv/1", "/srv/2"]),
        (
            "['a b', '{{ node.name }}']",
            ["one[1]", "one[pg-node-01]"],
            ["/srv/a b", "/srv/pg-node-01"],
        ),
        ("[]", [], []),
    ],
)
def test_a_loop_makes_a_step_of_every_item(
    tmp_path: Path, loop: str, keys: list[str], paths: list[str]
) -> None:
    step = (
        "- key: one\n  title: Make {{ item }}\n"
        f"  loop: {loop}\n  directory: {{path: '/srv/{{{{ item }}}}'}}\n"
    )

    steps = on_first(planned(tmp_path, component(step)))

    assert [step.key for step in steps] == [f"database.app.{key}" for key in keys]
    assert [step.title for step in steps] == [path.replace("/srv/", "Make ") for path in paths]
    assert all(path in step.apply for step, path in zip(steps, paths, strict=True))


def test_items_are_known_by_their_own_key_and_chosen_one_by_one(tmp_path: Path) -> None:
    step = """\
- key: one
  title: Make {{ item.path }}
  loop:
    - {key: logs, path: /var/log/app, mode: "0700", wanted: true}
    - {key: data, path: /srv/app, mode: "0755", wanted: false}
    - {path: /srv/other, mode: "0711", wanted: true}
  when: item.wanted
  directory:
    path: "{{ item.path }}"
    mode: "{{ item.mode }}"
"""

    steps = on_first(planned(tmp_path, component(step)))

    assert [step.key for step in steps] == ["database.app.one[logs]", "database.app.one[3]"]
    assert "chmod 0711" in steps[1].apply


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("loop: [a, a]", r"app\.one on pg-node-01: loop: there is more than one item a"),
        ("loop: node.name", "loop: is no list, in: node.name"),
        ("loop: parameters.nothing", "loop: .*has no attribute 'nothing'"),
        ("when: parameters.nothing", "when: .*has no attribute 'nothing', in: parameters.nothing"),
        ("when: facts.swap_mib > 1", "nobody knows the fact swap_mib of pg-node-01: measure it"),
        ("when: cluster.__class__", "unsafe"),
    ],
)
def test_what_cannot_be_decided_is_an_error_that_says_where(
    tmp_path: Path, fields: str, message: str
) -> None:
    with pytest.raises(RenderError, match=message):
        planned(tmp_path, component(FOLDER % fields))


def with_facts() -> Topology:
    """Return a topology in which something is known."""
    made = make_topology()
    at = made.now - timedelta(hours=2)
    facts = (
        FactView("cluster", "extensions", 3, at, "typed"),
        FactView("container:pg-node-01", "vcpus", 6, at, "measured"),
        FactView("container:pg-node-01", "vcpus", 5, at - timedelta(hours=1), "typed"),
        FactView("node:pg-node-03", "patroni_role", "leader", at, "measured"),
    )
    first = replace(made.containers["pg-node-01"], disks=(DiskView("/dev/vda", 50, "ssd"),))
    return replace(made.with_container(first, was=first.name), facts=facts)


def test_templates_see_what_is_known_of_the_machine_and_how_old_that_is(tmp_path: Path) -> None:
    step = """\
- key: one
  title: One
  file:
    path: /etc/one
    content: |
      {{ facts.vcpus }} {{ facts.about("vcpus").origin }} {{ facts.about("vcpus").age_s }}
      {{ facts.memory_mib }} {{ facts.about("memory_mib").origin }}
      {{ facts.disks | sum(attribute="size_gib") }} {{ facts.extensions }} {{ facts.get("x", 7) }}
"""

    made = planned(tmp_path, component(step), topology=with_facts())

    assert on_first(made)[0].files["content"] == "6 measured 7200\n16384 inventory\n50 3 7\n"


REGISTER = """\
- key: find
  title: Find out
  register: id
  command: {run: echo x > "$STEP_DIR/register", unless: "false"}
"""
USE = "- {key: use, title: Use, file: {path: /etc/id, content: '%s'}}\n"


def test_a_registered_value_is_referred_to_in_files(tmp_path: Path) -> None:
    mine = component(REGISTER + USE % '{{ registered("id") }}')
    others = component(
        USE % '{{ registered("id", node=nodes[1].name) }}', key="later", depends_on="[app]"
    )

    steps = on_first(planned(tmp_path, mine, others))

    assert [step.register for step in steps] == ["id", None, None]
    assert steps[1].files["content"] == "⟦value:pg-node-01/id⟧\n"
    assert steps[2].values == {"pg-node-02/id"}


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (USE % '{{ registered("id") }}' + REGISTER, "no earlier step registers id on pg-node-01"),
        (
            REGISTER + USE % '{{ registered("id", node="pg-node-02") }}',
            r"use on pg-node-01: no earlier step registers id on pg-node-02",
        ),
        (REGISTER + REGISTER.replace("key: find", "key: again"), "id is registered already"),
        (USE % '{{ registered("A b") }}', "is no name of a registered value"),
        (FOLDER % "only_if: 'echo {{ registered(\"id\") }}'", "file only, never in a script"),
        (FOLDER % "only_if: 'echo {{ secret(\"id\") }}'", "file only, never in a script"),
    ],
)
def test_a_value_that_nobody_registers_before_is_refused(
    tmp_path: Path, steps: str, message: str
) -> None:
    with pytest.raises(RenderError, match=message):
        planned(tmp_path, component(steps))


HANDLED = """\
- {key: one, title: Write one, notify: [restart], file: {path: /etc/one, content: x}}
- {key: two, title: Write two, notify: [restart, tell], when: node.number == 1,
   file: {path: /etc/two, content: x}}
"""
HANDLERS = """\
[{key: restart, title: Restart it, serial: true, service: {name: app.service}},
 {key: tell, title: Tell, only_if: "[ -e /etc/tell ]", command: {run: echo changed}}]"""


def test_handlers_come_last_where_a_step_notifies_them(tmp_path: Path) -> None:
    made = planned(tmp_path, component(HANDLED, handlers=HANDLERS.replace("\n", " ")))

    keys = [step.key.removeprefix("database.app.") for step in on_first(made)]
    assert keys == ["one", "two", "restart", "tell"]
    assert [s.key for s in made.steps if s.node == "pg-node-02"] == [
        "database.app.one",
        "database.app.restart",
    ]
    one, _, restart, tell = on_first(made)
    assert "handlers/database.app.restart" in one.apply
    assert restart.follows == ("database.app.one", "database.app.two")
    assert "Write one; Write two" in restart.preview
    assert (restart.serial, restart.unit) == (True, "app.service")
    assert "[ -e /etc/tell ]" in tell.only_if


def test_a_machine_with_two_nodes_of_a_role_has_a_handler_once(tmp_path: Path) -> None:
    topology = make_topology()
    moved = replace(topology.nodes["pg-node-02"], container="pg-node-01")

    made = planned(
        tmp_path,
        component(HANDLED, handlers=HANDLERS.replace("\n", " ")),
        topology=topology.with_node(moved),
    )

    here = [step for step in made.steps if step.container == "pg-node-01"]
    assert [step.key for step in here].count("database.app.restart") == 1
    assert [step.node for step in here].index("pg-node-02") < len(here) - 1
    assert here[-1].key == "database.app.tell"


def test_a_service_follows_the_steps_that_write_what_it_watches(tmp_path: Path) -> None:
    files = HANDLED.replace("notify: [restart], ", "").replace("notify: [restart, tell], ", "")
    service = "- {key: run, title: Run, service: {name: a.service, watch: [/etc/one]}}\n"

    made = planned(tmp_path, component(files), component(service, key="later", depends_on="[app]"))

    assert on_first(made)[-1].follows == ("database.app.one",)


@pytest.mark.parametrize(
    ("fields", "tolerance", "quorum"),
    [
        ({}, 0, 0),
        ({"tolerance": "2"}, 2, 0),
        ({"tolerance": "20%"}, 0, 0),
        ({"tolerance": "67%"}, 2, 0),
        ({"quorum": "majority"}, 0, 2),
        ({"quorum": "all"}, 0, 3),
        ({"quorum": "1"}, 0, 1),
    ],
)
def test_a_stage_says_how_many_may_fail_and_must_be_well(
    tmp_path: Path, fields: dict[str, str], tolerance: int, quorum: int
) -> None:
    (stage,) = planned(tmp_path, component(FOLDER % "serial: true", **fields)).stages

    assert (stage.tolerance, stage.quorum) == (tolerance, quorum)


def test_a_quorum_that_can_never_be_reached_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        RenderError, match=r"database\.app: a quorum of 4 can never be reached by 3"
    ):
        planned(tmp_path, component(FOLDER % "serial: true", quorum="4"))


def test_people_singletons_and_times_reach_the_engine(tmp_path: Path) -> None:
    step = """\
- key: ask
  title: Ask
  singleton: the-leader
  timeout_s: 77
  manual: {instructions: May it begin, approval: true, answer_within_s: 3600}
"""

    asked = on_first(planned(tmp_path, component(step)))[0]

    assert (asked.approval, asked.answer_within_s, asked.timeout_s) == (True, 3600, 77)
    assert asked.singleton == "the-leader"
