"""What a rule is and what it finds; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from inventory.changes import Operation
from inventory.platforms.facts import Source, Sourced
from inventory.topology import Topology


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Blocks(StrEnum):
    """What a finding stands in the way of."""

    SAVE = "save"
    RUN = "run"
    NOTHING = ""


@dataclass(frozen=True)
class Rule:
    """A check with its requirement number, its words and its source.

    Numbers are those of the requirements (R, K, S); V is what the portal itself demands.

    `words` is rendered late from a finding's parameters. Where the requirement depends on the role
    (R37 for SQL, R38 for the Distributed Database), `by_role` lists the numbers it may be, and
    number and source come from the role's block of facts.
    """

    key: str
    requirement: str
    title: str
    words: str
    source: Source
    severity: Severity
    blocks: Blocks
    check: Callable[[Topology], Iterator[Finding]]
    by_role: frozenset[str] = frozenset()

    def finding(
        self,
        subject: str,
        *,
        facts: Sourced | None = None,
        source: Source | None = None,
        role: str = "",
        weight: int = 1,
        fix: Operation | None = None,
        **params: Any,
    ) -> Finding:
        """Make a finding; `facts` is the block of the platform it rests on, `source` its sentence.

        Without a sentence of its own it cites the block's first.
        """
        return Finding(
            key=self.key,
            rule=self._number(facts),
            severity=self.severity,
            blocks=self.blocks,
            subject=subject,
            params=params,
            source=source or (facts.source if facts else self.source),
            role=role,
            weight=weight,
            fix=fix,
        )

    def _number(self, facts: Sourced | None) -> str:
        """Return the requirement that the facts name, or the rule's own."""
        named = facts.requirements if facts else ()
        return next((number for number in named if number in self.by_role), self.requirement)


@dataclass(frozen=True)
class Finding:
    """What a rule says about one subject of a cluster.

    `weight` tells worse from better of the same finding (how many nodes too many); `role` limits a
    finding that blocks runs to runs that install the role.
    """

    key: str
    rule: str
    severity: Severity
    blocks: Blocks
    subject: str
    source: Source
    params: Mapping[str, Any] = field(default_factory=dict)
    role: str = ""
    weight: int = 1
    fix: Operation | None = None

    @property
    def message(self) -> str:
        """Render the sentence."""
        return RULES[self.key].words.format(**self.params)

    @property
    def subject_name(self) -> str:
        """Return the subject without its kind."""
        return self.subject.partition(":")[2] or self.subject

    def as_json(self) -> dict[str, Any]:
        """Return what API and frozen runs show."""
        return {
            "rule": self.rule,
            "key": self.key,
            "severity": self.severity.value,
            "blocks": self.blocks.value,
            "subject": self.subject,
            "message": self.message,
            "params": {key: str(value) for key, value in self.params.items()},
            "source": {"document": self.source.document, "text": self.source.text},
            "fix": self.fix.summary if self.fix else None,
        }


RULES: dict[str, Rule] = {}


def rule(
    requirement: str,
    *,
    title: str,
    words: str,
    source: Source,
    severity: Severity = Severity.ERROR,
    blocks: Blocks = Blocks.SAVE,
    by_role: Iterable[str] = (),
) -> Callable[[Callable[[Topology, Rule], Iterator[Finding]]], Rule]:
    """Register a check under its function's name; the check gets its rule to make findings."""

    def register(function: Callable[[Topology, Rule], Iterator[Finding]]) -> Rule:
        key = function.__name__.replace("_", "-")
        made = Rule(
            key=key,
            requirement=requirement,
            title=title,
            words=words,
            source=source,
            severity=severity,
            blocks=blocks,
            check=lambda topology: function(topology, made),
            by_role=frozenset(by_role),
        )
        RULES[key] = made
        return made

    return register
