"""Runs the rules: over a cluster as it is, and over a change; pure.

A change is checked in time that hardly grows with the cluster: rules about one node or container
run again only for those that the change touches.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from inventory.changes import ChangeError, Operation
from inventory.platforms.schema import Role
from inventory.rules.base import RULES, Finding, Rule, Scope, Severity, with_waiver
from inventory.topology import ContainerView, NodeView, Topology

_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
# What every rule may look at: when it changes, every subject is examined again.
_SHARED = ("cluster", "platform", "release", "networks", "balancers", "facts", "taken", "now")


@dataclass(frozen=True)
class _Subjects:
    """What rules are run over."""

    roles: Iterable[Role]
    nodes: Iterable[NodeView]
    containers: Iterable[ContainerView]


def findings(topology: Topology) -> list[Finding]:
    """Return what every rule says about a cluster, worst first, in a stable order."""
    everything = _Subjects(
        topology.platform.roles, topology.nodes.values(), topology.containers.values()
    )
    return _ordered(topology, _examine(topology, everything))


def check(before: Topology, after: Topology) -> list[Finding]:
    """Return what a change introduces or makes worse; what was there before refuses nothing."""
    was, now = _touched(before, after)
    worst = {finding.identity: finding.weight for finding in _examine(before, was)}
    new = [f for f in _examine(after, now) if f.weight > worst.get(f.identity, 0)]
    changes = [
        finding for rule in _rules(Scope.CHANGE) for finding in rule.examine(before, after, rule)
    ]
    return _ordered(after, [*new, *changes])


def propose(topology: Topology, finding: Finding) -> Operation | None:
    """Return the change that ends a finding, if one is known that the rules let through.

    A fix is checked like any other change: it ends the finding and brings no error of its own.
    """
    for fix in RULES[finding.key].fixes if finding.key in RULES else ():
        operation = fix(topology, finding)
        if operation and _helps(topology, finding, operation):
            return operation
    return None


def _helps(topology: Topology, finding: Finding, operation: Operation) -> bool:
    """Tell whether a change makes a finding end, or less, and brings no other error."""
    try:
        after = operation.apply(topology)
    except ChangeError:
        return False
    if any(found.severity is Severity.ERROR and found.blocks for found in check(topology, after)):
        return False
    again = (f for f in _examine_rule(after, RULES[finding.key]) if f.identity == finding.identity)
    return all(found.weight < finding.weight for found in again)


def _rules(scope: Scope) -> Iterator[Rule[Any]]:
    """Yield the rules of a scope."""
    return (rule for rule in RULES.values() if rule.scope is scope)


def _examine(topology: Topology, subjects: _Subjects) -> Iterator[Finding]:
    """Yield what the rules about a state say of some subjects."""
    for rule in _rules(Scope.CLUSTER):
        yield from rule.examine(topology, rule)
    for scope, things in _scoped(subjects):
        for rule in _rules(scope):
            for thing in things:
                yield from rule.examine(topology, rule, thing)


def _examine_rule(topology: Topology, rule: Rule[Any]) -> Iterator[Finding]:
    """Yield what one rule about a state says of a whole cluster."""
    if rule.scope is Scope.CLUSTER:
        yield from rule.examine(topology, rule)
    things: dict[Scope, Iterable[Any]] = {
        Scope.ROLE: topology.platform.roles,
        Scope.NODE: topology.nodes.values(),
        Scope.CONTAINER: topology.containers.values(),
    }
    for thing in things.get(rule.scope, ()):
        yield from rule.examine(topology, rule, thing)


def _scoped(subjects: _Subjects) -> Iterator[tuple[Scope, Iterable[Any]]]:
    """Yield subjects by the scope of the rules about them."""
    yield Scope.ROLE, subjects.roles
    yield Scope.NODE, subjects.nodes
    yield Scope.CONTAINER, subjects.containers


def _touched(before: Topology, after: Topology) -> tuple[_Subjects, _Subjects]:
    """Return what a change can have made rules judge otherwise, before and after it."""
    if any(_differs(getattr(before, part), getattr(after, part)) for part in _SHARED):
        nodes = before.nodes.keys() | after.nodes.keys()
        containers = before.containers.keys() | after.containers.keys()
    else:
        nodes = _differing(before.nodes, after.nodes)
        containers = _differing(before.containers, after.containers)
        touched = {
            node.container
            for topology in (before, after)
            for name in nodes
            if (node := topology.nodes.get(name)) and node.container
        }
        moved = {
            node.name
            for topology in (before, after)
            for name in containers
            for node in topology.nodes_on(name)
        }
        nodes, containers = nodes | moved, containers | touched
    return _subjects(before, nodes, containers), _subjects(after, nodes, containers)


def _differs(before: Any, after: Any) -> bool:
    """Tell whether a shared part was changed; mostly it is the same object."""
    return before is not after and before != after


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    """Return the names under which two topologies hold different things."""
    changed = {name for name, view in after.items() if before.get(name) is not view}
    return changed | (before.keys() - after.keys())


def _subjects(topology: Topology, nodes: set[str], containers: set[str]) -> _Subjects:
    """Return the named subjects as a topology has them; every role counts its nodes."""
    return _Subjects(
        topology.platform.roles,
        [topology.nodes[name] for name in nodes if name in topology.nodes],
        [topology.containers[name] for name in containers if name in topology.containers],
    )


def _ordered(topology: Topology, found: Iterable[Finding]) -> list[Finding]:
    """Put findings in order, worst first, each with the waiver in force for it."""
    waivers = {
        waiver.about: waiver for waiver in topology.waivers if waiver.expires_at > topology.now
    }
    return sorted(
        (with_waiver(finding, waivers) for finding in found),
        key=lambda f: (_ORDER[f.severity], f.rule, f.key, f.subject, f.role),
    )
