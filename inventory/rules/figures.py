"""The figures of a platform that a rule goes by, for the rule's page; pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from inventory.platforms.facts import Source, Sourced
from inventory.platforms.schema import Platform
from inventory.rules.base import Rule


@dataclass(frozen=True)
class Figures:
    """A block of facts that carries out one of a rule's requirements, in words."""

    owner: str
    values: str
    source: Source


def figures(rule: Rule[Any], platform: Platform) -> Iterator[Figures]:
    """Yield the blocks of a platform that name a requirement of the rule."""
    for role in platform.roles:
        blocks = (role.networks, role.counts, role.addresses, role.hardware, role.grouping)
        for block in (*blocks, role.failure):
            if block is not None and rule.requirements & set(block.requirements):
                yield Figures(role.name, _words(block), block.source)
    for parameter in platform.parameters:
        if rule.requirements & set(parameter.requirements):
            default = "none" if parameter.default is None else str(parameter.default)
            source = parameter.source or rule.source
            yield Figures(parameter.name, f"{parameter.key}, default {default}", source)
    for target in platform.targets:
        if rule.requirements & set(target.requirements):
            yield Figures(target.name, f"{target.value} {target.unit}", target.source)


def _words(block: Sourced) -> str:
    """Write the figures of a block that are set, without texts and sources."""
    skipped = {"source", "also", "requirements", "comments", "notes", "outcome", "strategy"}
    values = (
        (name.replace("_", " "), "" if value is True else getattr(value, "value", value))
        for name, value in block
        if name not in skipped and value not in (None, False, "")
    )
    return ", ".join(f"{name} {value}".strip() for name, value in values)
