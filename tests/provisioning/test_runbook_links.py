"""What steps have to do with each other: values, handlers, watched files, and how many may fail."""

from dataclasses import replace
from pathlib import Path

import pytest

from provisioning.runbook.rendering import RenderError
from tests.provisioning.runbooks import component, on_first, one_step, planned
from tests.provisioning.topologies import make_topology

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
        (one_step("only_if: 'echo {{ registered(\"id\") }}'"), "file only, never in a script"),
        (one_step("only_if: 'echo {{ secret(\"id\") }}'"), "file only, never in a script"),
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
    (stage,) = planned(tmp_path, component(one_step("serial: true"), **fields)).stages

    assert (stage.tolerance, stage.quorum) == (tolerance, quorum)


def test_a_quorum_that_can_never_be_reached_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        RenderError, match=r"database\.app: a quorum of 4 can never be reached by 3"
    ):
        planned(tmp_path, component(one_step("serial: true"), quorum="4"))


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
