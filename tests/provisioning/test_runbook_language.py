"""What a runbook says becomes steps: conditions, loops and facts."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from inventory.topology import DiskView, FactView, Topology
from provisioning.runbook.rendering import RenderError
from tests.provisioning.runbooks import component, on_first, one_step, planned
from tests.provisioning.topologies import make_topology


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
    made = planned(tmp_path, component(one_step(f'when: "{when}"')), topology=with_facts())

    assert [step.node for step in made.steps] == nodes


def test_a_condition_on_the_machine_is_a_script_of_its_own(tmp_path: Path) -> None:
    made = planned(tmp_path, component(one_step("only_if: '[ -e /etc/{{ node.name }} ]'")))

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
        planned(tmp_path, component(one_step(fields)))


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
