"""Rules about changes that are forbidden once a cluster is in use (S1, K3, K16).

They judge by the cluster as it was: a change cannot unlock itself. Only a cluster that ends up
decommissioned is free, since it is taken down as a whole.
"""

from collections.abc import Iterator
from dataclasses import replace

from inventory.locks import (
    BEFORE_LOCK,
    DECOMMISSIONED,
    Lock,
    count_lock,
    extensions_exceed,
    extensions_in_words,
    provisioned,
    use_lock,
)
from inventory.platforms.facts import Source
from inventory.platforms.schema import Removable, Role
from inventory.rules.base import Blocks, Finding, Rule, Severity, change_rule
from inventory.topology import AssignmentView, NodeView, Topology

LIFETIME = Source(
    document="002",
    text="The number of distributed database nodes must not be changed for the system lifetime",
)
STAYS = Source(
    document="002",
    text="That's why you cannot remove SIP nodes after these are provisioned.",
)


@change_rule(
    "R82",
    title="The number of a role's nodes stays after the lock point",
    words="{role_name} would have {after} instead of {before} nodes, and {lock}. {impact}",
    source=LIFETIME,
    covers=("R108", "K3", "S1", "K16"),
    also=(
        Source(
            document="003",
            text="The Distributed Database role can scale relatively easy, by adding new nodes.",
        ),
    ),
    overridable=True,
)
def count_locked(before: Topology, after: Topology, this: Rule) -> Iterator[Finding]:
    """Refuse another number of nodes after the lock point, warn before it (K3)."""
    if after.cluster.state == DECOMMISSIONED:
        return
    for role, was, now in _counted(before, after):
        if not role.counts.never_changes or was == now:
            continue
        lock = _lock_before(before, role)
        finding = this.finding(
            f"role:{role.key}",
            facts=role.counts,
            role=role.key,
            weight=abs(now - was),
            severity=Severity.ERROR if lock.is_locked else Severity.WARNING,
            blocks=Blocks.SAVE if lock.is_locked else Blocks.NOTHING,
            role_name=role.name,
            before=was,
            after=now,
            lock=_lock_in_words(lock),
            impact=role.scaling.impact if role.scaling else "",
        )
        yield _citing_growth(finding, role)


@change_rule(
    "R48",
    title="A role that the vendor limits by extensions is not assigned above the limit",
    words="{growth} more {role_name} would be assigned, but {extensions}: with more than {limit} "
    "extensions the role cannot be assigned.",
    source=Source(
        document="002",
        text="If there are more than 3 extensions on the server, the Distributed Database role "
        "cannot be assigned",
    ),
    covers=("K3", "K4", "S1"),
    overridable=True,
)
def extensions_forbid_role(before: Topology, after: Topology, this: Rule) -> Iterator[Finding]:
    """Refuse more nodes of the role above the limit; warn while the extensions are unknown (K4)."""
    for role, was, now in _counted(before, after):
        limit = role.counts.assignable_up_to_extensions
        if limit is None or now <= was:
            continue
        exceeded = extensions_exceed(before, role)
        if exceeded is False:
            continue
        yield this.finding(
            f"role:{role.key}",
            facts=role.counts,
            source=next((s for s in role.counts.sources if "extensions" in s.text), None),
            role=role.key,
            weight=now - was,
            severity=Severity.ERROR if exceeded else Severity.WARNING,
            blocks=Blocks.SAVE if exceeded else Blocks.NOTHING,
            role_name=role.name,
            growth=now - was,
            limit=limit,
            extensions=extensions_in_words(before),
        )


@change_rule(
    "R86",
    title="Nodes that the vendor cannot do without stay once they are provisioned",
    words="{nodes} would no longer be {role_name}: it stays once it is provisioned. Move it to "
    "another container to replace its machine, or decommission the whole cluster.",
    source=STAYS,
    by_role=("R86", "R79"),
    covers=("K16", "S1"),
    overridable=True,
)
def node_stays(before: Topology, after: Topology, this: Rule) -> Iterator[Finding]:
    """Refuse to remove a provisioned node, or its role, where the vendor does (R86)."""
    gone: dict[str, list[str]] = {}
    for role, node, _ in _gone(before, after):
        # A role whose number never changes is locked by that number: its dead nodes are replaced.
        if role.counts.removable is Removable.NO and not role.counts.never_changes:
            gone.setdefault(role.key, []).append(node.name)
    for key, names in gone.items():
        role = before.role(key)
        yield this.finding(
            f"role:{key}",
            facts=role.counts,
            role=key,
            weight=len(names),
            role_name=role.name,
            nodes=", ".join(sorted(names)),
        )


@change_rule(
    "R87",
    title="A node that may be in use is not removed",
    words="{node} ({role_name}) is not known to be unused: {why}. Drain it, wait until no call has "
    "been measured for 15 minutes, and remove it then.",
    source=Source(
        document="002", text="This means that you can remove PBX nodes that are not used."
    ),
    covers=("S11", "S1"),
    overridable=True,
)
def node_in_use(before: Topology, after: Topology, this: Rule) -> Iterator[Finding]:
    """Refuse to remove a node that is in use, or of which that is unknown (S11)."""
    for role, node, assignment in _gone(before, after):
        if role.counts.removable is not Removable.UNUSED:
            continue
        lock = use_lock(before, node, assignment)
        if lock.is_locked:
            yield this.finding(
                f"node:{node.name}",
                facts=role.counts,
                role=role.key,
                node=node.name,
                role_name=role.name,
                why=lock.why,
            )


@change_rule(
    "K3",
    title="A cluster does not go back before its lock point",
    words="The cluster would be {after} after it was {before}: what is locked by its use would be "
    "free again, although its nodes are provisioned.",
    source=LIFETIME,
    covers=("K16",),
    overridable=True,
)
def lock_point_stays(before: Topology, after: Topology, this: Rule) -> Iterator[Finding]:
    """Refuse states in which locks would end for a cluster that was in use."""
    was, now = before.cluster.state, after.cluster.state
    if was == now or was in BEFORE_LOCK or now == DECOMMISSIONED:
        return
    if any(_is_lockable(role) and _is_in_place(before, role) for role in before.platform.roles):
        yield this.finding("cluster", before=was, after=now)


def _counted(before: Topology, after: Topology) -> Iterator[tuple[Role, int, int]]:
    """Yield roles with their number of nodes before and after, if nodes changed at all."""
    if before.nodes is after.nodes:
        return
    for role in after.platform.roles:
        yield role, len(before.nodes_with(role.key)), len(after.nodes_with(role.key))


def _lock_before(before: Topology, role: Role) -> Lock:
    """Return the lock of a cluster that is not being taken down by this very change."""
    lock = count_lock(before, role)
    return Lock(True, lock.why) if before.cluster.state == DECOMMISSIONED else lock


def _lock_in_words(lock: Lock) -> str:
    """Say what the lock point means for the change."""
    if lock.is_locked:
        return f"their number must not change any more: {lock.why}"
    return f"their number can be chosen only until the first productive use: now {lock.why}"


def _citing_growth(finding: Finding, role: Role) -> Finding:
    """Cite what growing costs too, where the documents differ (K3, R108)."""
    growth = role.scaling.sources if role.scaling else ()
    return replace(finding, also=tuple(dict.fromkeys((*finding.also, *growth))))


def _gone(before: Topology, after: Topology) -> Iterator[tuple[Role, NodeView, AssignmentView]]:
    """Yield the provisioned assignments that a change ends; a moved or renamed node keeps its own.

    A node of the same name that takes the place of another is not the same node.
    """
    if before.nodes is after.nodes or after.cluster.state == DECOMMISSIONED:
        return
    ended = [node for name, node in before.nodes.items() if after.nodes.get(name) is not node]
    begun = [node for name, node in after.nodes.items() if before.nodes.get(name) is not node]
    kept = {_who(node, a) for node in begun for a in node.assignments if a.state != "planned"}
    for node in ended:
        for assignment in node.assignments:
            if assignment.state != "planned" and _who(node, assignment) not in kept:
                yield before.role(assignment.role), node, assignment


def _who(node: NodeView, assignment: AssignmentView) -> tuple[str, int | str]:
    """Tell an assignment apart from others: by its row, or by its node in a mere picture."""
    return assignment.role, assignment.pk or node.name


def _is_lockable(role: Role) -> bool:
    """Tell whether anything of a role is locked by use."""
    return role.counts.never_changes or role.counts.removable is Removable.NO


def _is_in_place(topology: Topology, role: Role) -> bool:
    """Tell whether a provisioned node has the role."""
    return any(provisioned(node, role.key) for node in topology.nodes_with(role.key))
