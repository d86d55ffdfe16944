"""What a rule is and what it finds; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Generic, TypeVar

from inventory.changes import Operation
from inventory.platforms.facts import Source, Sourced
from inventory.platforms.schema import Role
from inventory.topology import ContainerView, NodeView, Topology, WaiverView


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


class Scope(StrEnum):
    """What a rule looks at, which is what has to change before its findings can.

    A rule per node sees the node and its container; one per container sees the container and the
    nodes on it; one per role sees everything that has the role. All of them see what the cluster
    shares: its own row, platform, release, networks, balancers and facts. A rule about changes sees
    the cluster before and after.
    """

    CLUSTER = "cluster"
    ROLE = "role"
    NODE = "node"
    CONTAINER = "container"
    CHANGE = "change"


@dataclass(frozen=True)
class Finding:
    """What a rule says about one subject of a cluster.

    `weight` tells worse from better of the same finding (how many nodes too many); `role` limits a
    finding that blocks runs to runs that install the role; `also` are further sentences, where
    documents differ. A `waiver` in force keeps it from standing in anybody's way.
    """

    key: str
    rule: str
    severity: Severity
    blocks: Blocks
    subject: str
    source: Source
    also: tuple[Source, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    role: str = ""
    weight: int = 1
    waiver: WaiverView | None = None

    @property
    def message(self) -> str:
        """Render the sentence."""
        return RULES[self.key].words.format(**self.params).rstrip()

    @property
    def subject_name(self) -> str:
        """Return the subject without its kind."""
        return self.subject.partition(":")[2] or self.subject

    @property
    def sources(self) -> tuple[Source, ...]:
        """Return every sentence it rests on."""
        return (self.source, *self.also)

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """Tell the same finding before and after a change."""
        return self.key, self.subject, self.role, str(self.params.get("address", ""))

    @property
    def waivable(self) -> bool:
        """Tell whether somebody may answer for it: any warning, and errors that are locks."""
        rule = RULES.get(self.key)  # What stands in the way of a run may be no rule's.
        return self.severity is Severity.WARNING or (
            self.severity is Severity.ERROR and rule is not None and rule.overridable
        )

    @property
    def refuses_save(self) -> bool:
        """Tell whether a change that brings it about is refused."""
        return (
            self.blocks is Blocks.SAVE and self.severity is Severity.ERROR and self.waiver is None
        )

    @property
    def refuses_run(self) -> bool:
        """Tell whether no run may start: what may not be saved may not be run either."""
        return self.refuses_save or (self.blocks is Blocks.RUN and self.waiver is None)

    def as_json(self) -> dict[str, Any]:
        """Return what API and frozen runs show."""
        return {
            "rule": self.rule,
            "key": self.key,
            "severity": self.severity.value,
            "blocks": self.blocks.value,
            "subject": self.subject,
            "role": self.role,
            "message": self.message,
            "params": {key: str(value) for key, value in self.params.items()},
            "source": _plain(self.source),
            "also": [_plain(source) for source in self.also],
            "waivable": self.waivable,
            "waiver": self.waiver.as_json() if self.waiver else None,
        }


def _plain(source: Source) -> dict[str, str]:
    """Return document and sentence."""
    return {"document": source.document, "text": source.text}


Examine = TypeVar("Examine", bound=Callable[..., Iterator[Finding]])
Fix = Callable[[Topology, Finding], Operation | None]


@dataclass(frozen=True)
class Rule(Generic[Examine]):
    """A check with its requirement number, its words and its source.

    Numbers are those of the requirements (R, K, S); V is what the portal itself demands.

    `words` is rendered late from a finding's parameters. Where the requirement depends on the role
    (R37 for SQL, R38 for the Distributed Database), `by_role` lists the numbers it may be, and
    number and source come from the role's block of facts. `covers` are requirements that it
    fulfils beside its own. `overridable` errors are locks: who has the permission may answer for
    breaking one. `fixes` may hold a function that computes the change which ends a finding.
    """

    key: str
    requirement: str
    title: str
    words: str
    source: Source
    severity: Severity
    blocks: Blocks
    scope: Scope
    examine: Examine
    by_role: frozenset[str] = frozenset()
    covers: frozenset[str] = frozenset()
    also: tuple[Source, ...] = ()
    overridable: bool = False
    fixes: list[Fix] = field(default_factory=list, compare=False)

    @property
    def requirements(self) -> frozenset[str]:
        """Return every requirement that the rule carries out."""
        return self.by_role | self.covers | {self.requirement}

    def fix(self, function: Fix) -> Fix:
        """Register the function that computes a finding's fix; for use as a decorator."""
        self.fixes.append(function)
        return function

    def finding(
        self,
        subject: str,
        *,
        facts: Sourced | None = None,
        source: Source | None = None,
        role: str = "",
        weight: int = 1,
        severity: Severity | None = None,
        blocks: Blocks | None = None,
        **params: Any,
    ) -> Finding:
        """Make a finding; `facts` is the block of the platform it rests on, `source` its sentence.

        Without a sentence of its own it cites the block's; severity and what it blocks are the
        rule's, unless the requirement makes them depend on something (S4).
        """
        sources = (self.source, *self.also) if facts is None else facts.sources
        first = source or sources[0]
        return Finding(
            key=self.key,
            rule=self._number(facts),
            severity=severity or self.severity,
            blocks=self.blocks if blocks is None else blocks,
            subject=subject,
            params=params,
            source=first,
            also=tuple(other for other in sources if other != first),
            role=role,
            weight=weight,
        )

    def _number(self, facts: Sourced | None) -> str:
        """Return the requirement that the facts name, or the rule's own."""
        named = facts.requirements if facts else ()
        return next((number for number in named if number in self.by_role), self.requirement)


RULES: dict[str, Rule[Any]] = {}

ClusterCheck = Callable[[Topology, Rule[Any]], Iterator[Finding]]
RoleCheck = Callable[[Topology, Rule[Any], Role], Iterator[Finding]]
NodeCheck = Callable[[Topology, Rule[Any], NodeView], Iterator[Finding]]
ContainerCheck = Callable[[Topology, Rule[Any], ContainerView], Iterator[Finding]]
ChangeCheck = Callable[[Topology, Topology, Rule[Any]], Iterator[Finding]]


def cluster_rule(requirement: str, **facts: Any) -> Callable[[ClusterCheck], Rule[ClusterCheck]]:
    """Register `check(topology, this)`, a rule about a cluster as a whole."""
    return _register(requirement, Scope.CLUSTER, **facts)


def role_rule(requirement: str, **facts: Any) -> Callable[[RoleCheck], Rule[RoleCheck]]:
    """Register `check(topology, this, role)`, a rule about all nodes of one role."""
    return _register(requirement, Scope.ROLE, **facts)


def node_rule(requirement: str, **facts: Any) -> Callable[[NodeCheck], Rule[NodeCheck]]:
    """Register `check(topology, this, node)`, a rule about one node and its machine."""
    return _register(requirement, Scope.NODE, **facts)


def container_rule(
    requirement: str, **facts: Any
) -> Callable[[ContainerCheck], Rule[ContainerCheck]]:
    """Register `check(topology, this, container)`, a rule about one machine and its nodes."""
    return _register(requirement, Scope.CONTAINER, **facts)


def change_rule(requirement: str, **facts: Any) -> Callable[[ChangeCheck], Rule[ChangeCheck]]:
    """Register `check(before, after, this)`, a rule about what may change (S1)."""
    return _register(requirement, Scope.CHANGE, **facts)


def _register(
    requirement: str,
    scope: Scope,
    *,
    title: str,
    words: str,
    source: Source,
    severity: Severity = Severity.ERROR,
    blocks: Blocks = Blocks.SAVE,
    by_role: Iterable[str] = (),
    covers: Iterable[str] = (),
    also: Iterable[Source] = (),
    overridable: bool = False,
) -> Callable[[Examine], Rule[Examine]]:
    """Register a check under its function's name; the check gets its rule to make findings."""

    def register(function: Examine) -> Rule[Examine]:
        made = Rule(
            key=function.__name__.replace("_", "-"),
            requirement=requirement,
            title=title,
            words=words,
            source=source,
            severity=severity,
            blocks=blocks,
            scope=scope,
            examine=function,
            by_role=frozenset(by_role),
            covers=frozenset(covers),
            also=tuple(also),
            overridable=overridable,
        )
        if made.key in RULES:
            raise ValueError(f"Two rules are named {made.key}.")
        RULES[made.key] = made
        return made

    return register


def with_waiver(finding: Finding, waivers: Mapping[tuple[str, str, str], WaiverView]) -> Finding:
    """Return the finding under the waiver that covers it, if one does."""
    waiver = waivers.get((finding.key, finding.subject, finding.role))
    if waiver is None or not finding.waivable:
        return finding
    if waiver.weight is not None and finding.weight > waiver.weight:
        return finding  # It has become worse than what somebody answered for.
    return replace(finding, waiver=waiver)
