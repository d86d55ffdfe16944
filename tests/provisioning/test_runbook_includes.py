"""Components that runbooks include: what wins, whose line a fault is told with, what is refused."""

from pathlib import Path

import pytest

from provisioning.planning import plan
from provisioning.runbook.load import load_runbooks
from provisioning.steps import Plan
from tests.provisioning.runbooks import HEAD, component, one_step, planned
from tests.provisioning.test_runbook_loading import RUNBOOK, faults, write
from tests.provisioning.topologies import make_topology

PART = """\
key: part
title: Part
quorum: 1
parameters: {folder: /srv/part, mode: "0755"}
steps:
  - key: folder
    title: Make {{ parameters.folder }}
    directory:
      path: "{{ parameters.folder }}"
      mode: "{{ parameters.mode }}"
"""
INCLUDE = "  - include: common/part.yaml\n"


def write_part(folder: Path, text: str = PART, *, platform: str = "demo") -> None:
    """Write the component that is included."""
    path = folder / platform / "common/part.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def included(folder: Path, beside: str = "", part: str = PART, head: str = HEAD) -> Plan:
    """Return the plan of a runbook that includes a component, with fields beside it."""
    write_part(folder, part, platform="ring2all")
    (folder / "ring2all/database.yaml").write_text(head + INCLUDE + beside)
    return plan(make_topology(), load_runbooks("ring2all", directories=[folder]))


def paths(made: Plan) -> list[str]:
    """Return what the steps of the first node say that they make."""
    return [step.title for step in made.steps if step.node == "pg-node-01"]


def test_an_included_component_is_planned_as_if_it_stood_there(tmp_path: Path) -> None:
    made = included(tmp_path)

    assert [(stage.key, stage.title, stage.quorum) for stage in made.stages] == [
        ("database.part", "Database: Part", 1)
    ]
    assert paths(made) == ["Make /srv/part"]


def test_what_stands_beside_include_wins(tmp_path: Path) -> None:
    beside = "    key: mine\n    title: Mine\n    quorum: 2\n    parameters: {folder: /srv/mine}\n"

    made = included(tmp_path, beside)

    assert [(stage.key, stage.title, stage.quorum) for stage in made.stages] == [
        ("database.mine", "Database: Mine", 2)
    ]
    assert paths(made) == ["Make /srv/mine"]
    assert "chmod 0755" in made.steps[0].apply


def test_parameters_of_a_component_come_after_all_others(tmp_path: Path) -> None:
    head = HEAD.replace("wanted: false", "wanted: false, folder: /srv/runbooks")

    assert paths(included(tmp_path, head=head)) == ["Make /srv/runbooks"]


def test_one_file_is_included_twice_under_two_keys(tmp_path: Path) -> None:
    again = INCLUDE + "    key: more\n    parameters: {folder: /srv/more}\n    depends_on: [part]\n"

    made = included(tmp_path, again)

    assert [stage.key for stage in made.stages] == ["database.part", "database.more"]
    assert paths(made) == ["Make /srv/part", "Make /srv/more"]


def test_a_component_is_left_out_where_its_condition_does_not_hold(tmp_path: Path) -> None:
    only = component(one_step("serial: true"), when="node.number == parameters.number")
    only = only.replace("    steps:", "    parameters: {number: 2}\n    steps:")
    never = component(one_step("serial: true"), key="never", when="parameters.wanted")

    made = planned(tmp_path, only, never)

    assert [(stage.key, [s.node for s in stage.steps]) for stage in made.stages] == [
        ("database.app", ["pg-node-02"])
    ]


def test_a_condition_beside_include_wins_too(tmp_path: Path) -> None:
    part = PART.replace("quorum: 1", "when: node.number == 1")

    made = included(tmp_path, "    when: node.number == 3\n", part)

    assert [step.node for step in made.steps] == ["pg-node-03"]


def test_templates_see_the_nodes_of_every_role(tmp_path: Path) -> None:
    text = '{{ roles.admin | map(attribute="private_ip") | join }} {{ roles.portal | length }}'
    step = one_step('when: "roles.database == nodes and not roles.telephony"')
    roles = {"pg-node-01": ("database",), "admin-node-01": ("admin",)}

    made = planned(
        tmp_path, component(step.replace("title: One", f"title: '{text}'")),
        topology=make_topology(roles),
    )  # fmt: skip

    titles = [step.title for step in made.steps if step.role == "database"]
    assert titles == ["10.205.0.12 0"]


def test_the_version_follows_what_is_included(tmp_path: Path) -> None:
    write(tmp_path, RUNBOOK + INCLUDE)
    hashes = []
    for text in (PART, PART, PART.replace("0755", "0700")):
        write_part(tmp_path, text)
        hashes.append(load_runbooks("demo", directories=[tmp_path])["web"])

    assert hashes[0].hash == hashes[1].hash != hashes[2].hash
    assert "common/part.yaml" in hashes[2].own_files


def test_an_operators_component_takes_the_place_of_ours_in_every_runbook(tmp_path: Path) -> None:
    mine = tmp_path / "ring2all/common"
    mine.mkdir(parents=True)
    (mine / "names.yaml").write_text(PART.replace("key: part", "key: names"))

    loaded = load_runbooks("ring2all", directories=[tmp_path])["database"]

    assert loaded.spec.components[0].title == "Part"
    assert loaded.hash != load_runbooks("ring2all")["database"].hash


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("quorum: 1", "colour: red", "3: colour: Extra inputs are not permitted"),
        ('mode: "{{', 'colour: red\n      mode: "{{', "10: steps.folder.directory.colour: Extra"),
        ("title: Part\n", "", "1: title: Field required"),
        ("title: Make {{ parameters.folder", "title: Make {{", "7: steps.folder.title: is no temp"),
        (
            "key: folder",
            "key: folder\n    notify: [x]",
            "7: steps.folder.notify.0: x is no handler",
        ),
        ("quorum: 1", "when: a b", "3: when: is no expression"),
        ("quorum: 1", "depends_on: [nobody]", "3: depends_on.0: part depends on nobody"),
        ("quorum: 1", "include: common/part.yaml", "3: include: what is included itself may"),
        ("quorum: 1", "key: again", "3: key: is given twice"),
        ("quorum: 1", "quorum: [", "5: is not YAML: "),
        (PART, "- one\n", "1: holds no component"),
        (PART, "key: part\ntitle: Part\nsteps: []\n", "3: steps: has no steps"),
    ],
)
def test_a_fault_in_an_included_file_is_told_with_its_own_line_once(
    tmp_path: Path, old: str, new: str, fault: str
) -> None:
    write_part(tmp_path, PART.replace(old, new))
    write(tmp_path, RUNBOOK + INCLUDE)
    write(tmp_path, RUNBOOK.replace("role: web", "role: other") + INCLUDE, "other.yaml")

    found = faults(tmp_path)

    assert len(found) == 1
    assert found[0].startswith(f"common/part.yaml:{fault}")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "  - include: common/no.yaml\n",
            "13: components.common/no.yaml.include: there is no file",
        ),
        ("  - include: web.yaml\n", "13: components.web.yaml.include: web.yaml is a runbook, and"),
        ("  - include: [a]\n", "13: components.['a'].include: is the path of a file beside"),
        (INCLUDE + "    colour: red\n", "14: components.common/part.yaml.colour: Extra inputs"),
        (INCLUDE + "    quorum: most\n", "14: components.common/part.yaml.quorum: is majority"),
        (INCLUDE + "    depends_on: [x]\n", "14: components.common/part.yaml.depends_on.0: part"),
        (INCLUDE + "    when: '{{'\n", "14: components.common/part.yaml.when: is an expression"),
        (INCLUDE + "    steps: []\n", "14: components.common/part.yaml.steps: is the included"),
        (INCLUDE + "    handlers: []\n", "14: components.common/part.yaml.handlers: is the incl"),
        (INCLUDE + "    parameters: {A: 1}\n", "14: components.common/part.yaml.parameters.A"),
        (INCLUDE + INCLUDE, "14: components.common/part.yaml: there is more than one component"),
        (INCLUDE + "    key: app\n", "13: components.app: there is more than one component with"),
    ],
)
def test_a_fault_beside_include_is_told_with_the_runbooks_line(
    tmp_path: Path, text: str, fault: str
) -> None:
    write_part(tmp_path)
    write(tmp_path, RUNBOOK + text)

    found = faults(tmp_path)

    assert len(found) == 1
    assert found[0].startswith(f"web.yaml:{fault}")


def test_a_step_notifies_handlers_of_its_own_component_only(tmp_path: Path) -> None:
    handlers = "    handlers:\n      - {key: tell, title: Tell, service: {name: a.service}}\n"
    notify = RUNBOOK.replace("        directory:", "        notify: [tell]\n        directory:")
    write_part(tmp_path, PART.replace("key: folder", "key: folder\n    notify: [tell]"))
    write(tmp_path, notify + handlers + INCLUDE)

    assert faults(tmp_path) == [
        "common/part.yaml:7: steps.folder.notify.0: tell is no handler of part"
    ]


def test_all_faults_of_a_runbook_are_told_beside_one_of_what_it_includes(tmp_path: Path) -> None:
    text = RUNBOOK.replace("path: /srv/web", "path: srv")
    write(tmp_path, text + "  - include: common/no.yaml\n")

    assert [fault.partition(" ")[0] for fault in faults(tmp_path)] == [
        "web.yaml:13:",
        "web.yaml:12:",
    ]
