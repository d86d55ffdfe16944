"""Rules about what a quorum survives, where the documents can be read in two ways (K15)."""

from collections.abc import Iterator

from inventory.platforms.facts import Source
from inventory.platforms.schema import Role
from inventory.rules.base import Blocks, Finding, Rule, Severity, role_rule
from inventory.rules.groups import TWO, sizes_in_use
from inventory.topology import Topology

QUORUM = Source(document="002", text="System is not affected as long as quorum exists.")


@role_rule(
    "K15",
    title="A quorum survives losses, however the documents are read",
    words="{role_name} with {count} nodes survives the loss of {per_ring} if the quorum is counted "
    "over all of them, and of {per_group} if each {grouping} needs its own: plan at least three "
    "nodes in total, and an odd number of votes.",
    source=QUORUM,
    also=(TWO, Source(document="K15", text="A majority of two is two.")),
    severity=Severity.WARNING,
    blocks=Blocks.NOTHING,
)
def quorum_readings(topology: Topology, this: Rule, role: Role) -> Iterator[Finding]:
    """Show the losses survived under both readings, where they differ or votes are few or even."""
    sizes = sizes_in_use(topology, role)
    if role.grouping is None or not sizes:
        return
    count = len(topology.nodes_with(role.key))
    per_ring = survivable(count)
    per_group = min(survivable(size) for size in sizes.values())
    if per_ring != per_group or count < 3 or count % 2 == 0:
        yield this.finding(
            f"role:{role.key}",
            role=role.key,
            weight=1 + per_ring - per_group,
            role_name=role.name,
            grouping=role.grouping.name,
            count=count,
            per_ring=per_ring,
            per_group=per_group,
        )


def survivable(votes: int) -> int:
    """Return how many of so many votes may be lost while a majority is left: 1 of 3, 1 of 4."""
    return (votes - 1) // 2 if votes else 0
