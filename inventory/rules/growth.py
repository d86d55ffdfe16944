"""Rules about adding nodes to what is in place: what that costs."""

from collections.abc import Iterator

from inventory.locks import provisioned
from inventory.platforms.facts import Source
from inventory.rules.base import Blocks, Finding, Rule, Severity, change_rule
from inventory.topology import Topology


@change_rule(
    "R91",
    title="What more nodes cost is said before they are added",
    words="{growth} more {role_name}: {impact}",
    source=Source(
        document="002",
        text="The answer to this question can be provided by the same data which also allows you "
        "to upgrade the hardware of the existing nodes.",
    ),
    by_role=("R86", "R99", "R110", "R128", "R134"),
    covers=("R100", "S9", "S10"),
    severity=Severity.INFO,
    blocks=Blocks.NOTHING,
)
def growing_costs(before: Topology, after: Topology, this: Rule) -> Iterator[Finding]:
    """Show the impact when a role in place grows; a warning where the vendor prefers to grow up."""
    if before.nodes is after.nodes:
        return
    for role in after.platform.roles:
        was, now = before.nodes_with(role.key), after.nodes_with(role.key)
        scaling = role.scaling
        if len(now) <= len(was) or scaling is None or not scaling.impact:
            continue
        # A number that never changes has a rule of its own, which says what growing costs.
        if role.counts.never_changes or not any(provisioned(node, role.key) for node in was):
            continue
        yield this.finding(
            f"role:{role.key}",
            facts=scaling,
            role=role.key,
            weight=len(now) - len(was),
            severity=Severity.WARNING if scaling.prefer == "up" else Severity.INFO,
            role_name=role.name,
            growth=len(now) - len(was),
            impact=scaling.impact,
        )
