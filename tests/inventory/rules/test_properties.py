"""What holds for any cluster: fixes, order, removal, and building one save at a time."""

import random
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.changes import (
    AddContainer,
    AddNode,
    AttachNetwork,
    Operation,
    RemoveNode,
    RoleChoice,
    SetBalancer,
)
from inventory.rules import Blocks, Finding, Severity, check, findings, propose
from inventory.topology import BalancerView, Topology
from tests.factories import platform_data
from tests.inventory.rules.pictures import cluster, with_idle

FAULTS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {"vcpus": 1},
    {"os_version": "1"},
    {"addresses": ()},
    {"state": "failed"},
    {"virtualisation_ha": "vSphere HA"},
)
QUICK = settings(max_examples=60, deadline=None, derandomize=True)


@st.composite
def clusters(draw: st.DrawFn) -> Topology:
    """Draw a cluster of any platform with faults of every kind, and some idle machines."""
    platform = draw(st.sampled_from(["voipnow", "ring2all"]))
    roles = [role.key for role in platform_data(platform).roles]
    chosen = draw(st.lists(st.sampled_from(roles), max_size=12))
    topology = cluster(*chosen, platform=platform, kind="distributed")
    for name, view in list(topology.containers.items()):
        fault = draw(st.sampled_from(FAULTS))
        topology = topology.with_container(replace(view, **fault))
        node = topology.nodes[name]
        state = draw(st.sampled_from(["planned", "active"]))
        group = draw(st.sampled_from([None, "A", "B"]))
        held = tuple(
            replace(a, state=state, group=group if a.group else None) for a in node.assignments
        )
        topology = topology.with_node(replace(node, assignments=held))
    idle = draw(st.integers(0, 3))
    return with_idle(topology, *(f"idle-{number}" for number in range(idle)))


def errors(found: list[Finding]) -> list[Finding]:
    """Return the errors that stand in the way of something."""
    return [f for f in found if f.severity is Severity.ERROR and f.blocks is not Blocks.NOTHING]


@QUICK
@given(clusters())
def test_a_fix_never_brings_a_new_error(topology: Topology) -> None:
    for finding in findings(topology):
        if fix := propose(topology, finding):
            after = fix.apply(topology)
            known = {error.identity: error.weight for error in errors(findings(topology))}
            new = [
                error
                for error in errors(findings(after))
                if error.weight > known.get(error.identity, 0)
            ]
            assert new == [], (finding.message, fix.summary)


@QUICK
@given(clusters())
def test_a_fix_ends_its_finding_or_makes_it_less(topology: Topology) -> None:
    for finding in findings(topology):
        if fix := propose(topology, finding):
            again = [f for f in findings(fix.apply(topology)) if f.identity == finding.identity]
            assert all(f.weight < finding.weight for f in again), fix.summary


@QUICK
@given(clusters(), st.randoms(use_true_random=False))
def test_the_order_of_nodes_and_machines_never_matters(
    topology: Topology, chance: random.Random
) -> None:
    nodes, containers = list(topology.nodes.items()), list(topology.containers.items())
    chance.shuffle(nodes)
    chance.shuffle(containers)

    shuffled = replace(topology, nodes=dict(nodes), containers=dict(containers))

    assert findings(shuffled) == findings(topology)


@QUICK
@given(clusters(), st.data())
def test_removing_a_node_ends_no_finding_of_an_unrelated_role(
    topology: Topology, data: st.DataObject
) -> None:
    """Related are the roles of the node and those it stands in front of."""
    if not topology.nodes:
        return
    node = topology.nodes[data.draw(st.sampled_from(sorted(topology.nodes)))]
    after = RemoveNode(node.name).apply(topology)
    related = {a.role for a in node.assignments}
    for role in topology.platform.roles:
        if related & {role.key}:
            related |= set(role.balances)

    before = {f.identity for f in findings(topology) if f.role and f.role not in related}
    still = {f.identity for f in findings(after)}

    assert before <= still


@QUICK
@given(clusters())
def test_a_check_finds_what_a_comparison_of_all_findings_finds(topology: Topology) -> None:
    """A check looks only at what a change touches; nothing may escape it."""
    for name in topology.nodes:
        after = RemoveNode(name).apply(topology)
        known = {f.identity: f.weight for f in findings(topology)}
        wanted = {f.identity for f in findings(after) if f.weight > known.get(f.identity, 0)}
        assert wanted <= {f.identity for f in check(topology, after)}


def shape(data: st.DataObject, platform: str) -> list[tuple[str, str | None]]:
    """Draw roles and groups of a valid cluster, numbers within what the vendor allows."""
    chosen: list[tuple[str, str | None]] = []
    for role in platform_data(platform).roles:
        if role.grouping:
            size = data.draw(st.integers(2, 3), label="group size")
            chosen += [(role.key, group) for group in ("A", "B") for _ in range(size)]
            continue
        lowest = role.counts.minimum or 0
        highest = min(role.counts.maximum or 5, lowest + 3)
        count = data.draw(st.integers(lowest, highest), label=role.key)
        if role.counts.multiple_of:
            count = lowest
        if any(component.odd for component in role.components):
            count += 1 - count % 2
        chosen += [(role.key, None)] * count
    return data.draw(st.permutations(chosen), label="order")


@QUICK
@given(st.sampled_from(["voipnow", "ring2all"]), st.data())
def test_any_valid_cluster_is_built_one_save_at_a_time(platform: str, data: st.DataObject) -> None:
    release = next(r for r in platform_data(platform).releases if r.current)
    wanted = [item for item in shape(data, platform) if release.has_role(item[0])]
    names = [f"host-{number}" for number in range(len(wanted))]
    full = with_idle(cluster(platform=platform), *names)
    topology = replace(full, networks={}, containers={})
    steps: list[Operation] = [AttachNetwork(network) for network in full.networks.values()]
    public = full.networks["public"]
    if platform == "voipnow":
        ip = public.cidr.network_address + 250
        steps.append(SetBalancer(BalancerView("front", "web", "public", ip, instances=2)))
    for name, (role, group) in zip(names, wanted, strict=True):
        steps.append(AddContainer(full.containers[name]))
        steps.append(AddNode(name, name, (RoleChoice(role, group),)))

    for step in steps:
        after = step.apply(topology)
        refusing = [f for f in check(topology, after) if f.refuses_save]
        assert refusing == [], (step.summary, [f.message for f in refusing])
        topology = after
    assert [f for f in errors(findings(topology)) if f.blocks is Blocks.SAVE] == []
