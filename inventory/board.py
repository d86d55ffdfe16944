"""What the pages show of a cluster: layers, roles and nodes, and findings with their documents."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.urls import reverse

from inventory.changes import Operation
from inventory.platforms.schema import Layer, Need, Platform, Role
from inventory.rules import RULES, Blocks, Finding, Severity, propose
from inventory.states import AssignmentState
from inventory.topology import AddressView, AssignmentView, ContainerView, NodeView, Topology

BLOCKS_WORDS = {
    Blocks.SAVE: "Blocks saving what would bring it about",
    Blocks.RUN: "Blocks a run",
    Blocks.NOTHING: "Blocks nothing",
}
NEED_WORDS = {
    Need.REQUIRED: "required",
    Need.OPTIONAL: "optional",
    Need.NOT_REQUIRED: "not required",
    Need.DISCOURAGED: "strongly discouraged",
    Need.UNSPECIFIED: "not specified by the vendor",
}
HA_WORDS = {"app": "APP LEVEL", "os": "OS LEVEL", "none": "None", "unspecified": "Not specified"}
# Documents that rules of every platform cite.
DOCUMENTS = {
    "000": "VoipNow: Distributed System Deployment",
    "001": "VoipNow: Distributed System Deployment, two versions compared",
    "002": "VoipNow: Roles Requirements",
    "003": "VoipNow: Software Roles",
    "004": "Ring2All: Distributed Deployment Overview",
}
MARKDOWN_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")
SHOWN_OF_A_RULE = 3
# So many warnings a page shows unfolded.
OPEN_WARNINGS = 5
GROUPS = {
    "error": "Errors",
    "run": "Before a run",
    "warning": "Warnings",
    "info": "Good to know",
    "waived": "Answered for",
}


@dataclass(frozen=True)
class Citation:
    """A sentence of a document, with the document's title and address."""

    text: str
    document: str
    url: str


@dataclass(frozen=True)
class FindingRow:
    """A finding with the sentences that it cites, the key of what it is about, and its fix.

    `more` findings of the same rule follow that a page does not show.
    """

    finding: Finding
    citations: tuple[Citation, ...]
    kind: str = ""
    pk: int | None = None
    fix: Operation | None = None
    more: int = 0

    @property
    def title(self) -> str:
        """Return what the rule demands."""
        return RULES[self.finding.key].title if self.finding.key in RULES else ""

    @property
    def is_lock(self) -> bool:
        """Tell whether waiving it overrides a lock."""
        return self.finding.key in RULES and RULES[self.finding.key].overridable

    @property
    def blocks_words(self) -> str:
        """Say what the finding stands in the way of."""
        finding = self.finding
        if finding.severity is Severity.WARNING and finding.blocks is Blocks.RUN:
            return "Has to be accepted by somebody before a run"
        return BLOCKS_WORDS[finding.blocks]


@dataclass(frozen=True)
class FindingGroup:
    """Findings that a reader treats alike; `key` is one of GROUPS."""

    key: str
    title: str
    rows: list[FindingRow]

    @property
    def count(self) -> int:
        """Count the findings, those that are not shown included."""
        return sum(1 + row.more for row in self.rows)

    @property
    def is_open(self) -> bool:
        """Tell whether the page shows the group unfolded: it stands in the way, or is short."""
        few = self.key == "warning" and self.count <= OPEN_WARNINGS
        return self.key in ("error", "run") or few


@dataclass(frozen=True)
class NodeRow:
    """A node as it has one role."""

    node: NodeView
    assignment: AssignmentView
    container: ContainerView | None
    private: AddressView | None
    public: AddressView | None

    @property
    def state_label(self) -> str:
        """Say how far the role is."""
        return AssignmentState(self.assignment.state).label


@dataclass(frozen=True)
class RoleFacts:
    """A role in the words of its platform."""

    role: Role

    @property
    def counts(self) -> str:
        """Say how many nodes the vendor wants; an empty cell stays empty (K6)."""
        counts = self.role.counts
        low = "not specified" if counts.minimum is None else str(counts.minimum)
        high = "not specified" if counts.maximum is None else str(counts.maximum)
        return f"min {low}, max {'unlimited' if counts.unlimited else high}"

    @property
    def level(self) -> str:
        """Say on which level the role is kept alive."""
        return HA_WORDS[self.role.failure.level]

    @property
    def private_need(self) -> str:
        """Say how much the role needs a private address."""
        return NEED_WORDS[self.role.networks.private]

    @property
    def public_need(self) -> str:
        """Say how much the role needs a public address."""
        return NEED_WORDS[self.role.networks.public]

    @property
    def hardware(self) -> str:
        """Say what the machine needs, in figures or in the vendor's relative classes."""
        role = self.role
        if hardware := role.hardware:
            return (
                f"at least {hardware.vcpu_min} vCPU, {hardware.memory_mib_min / 1024:g} GiB "
                f"memory, {hardware.disk_gib_min} GiB disk"
                + (" (SSD)" if hardware.disk_kind == "ssd" else "")
            )
        if resources := role.resources:
            words = [
                f"{name} {value.value.replace('_', ' ')}"
                for name, value in (
                    ("CPU", resources.cpu),
                    ("memory", resources.memory),
                    ("I/O", resources.io),
                )
            ]
            return f"{', '.join(words)} (the vendor gives classes, no figures)"
        return "not specified by the vendor"


@dataclass(frozen=True)
class RoleRow(RoleFacts):
    """A role of a cluster with its nodes."""

    nodes: list[NodeRow]
    findings: int

    @property
    def count(self) -> int:
        """Count the nodes."""
        return len(self.nodes)


@dataclass(frozen=True)
class LayerRow:
    """A layer with its roles."""

    layer: Layer
    roles: list[RoleRow]


def vendor_words(text: str) -> str:
    """Write a row of a Markdown table as a line of words."""
    text = MARKDOWN_LINK.sub(r"\1", text.replace("**", ""))
    return " · ".join(filter(None, map(str.strip, text.split("|"))))


def layer_rows(topology: Topology, findings: Iterable[Finding]) -> list[LayerRow]:
    """Lay a cluster out by layer, role and node; a role that the release lacks needs a node."""
    per_role = Counter(finding.role for finding in findings)
    return [
        LayerRow(
            layer,
            [
                RoleRow(role, node_rows(topology, role.key), per_role[role.key])
                for role in topology.platform.roles
                if role.layer == layer.key
                and (topology.release.has_role(role.key) or topology.nodes_with(role.key))
            ],
        )
        for layer in topology.platform.layers
    ]


def node_rows(topology: Topology, role: str) -> list[NodeRow]:
    """List a role's nodes with machine and addresses."""
    return [
        NodeRow(
            node,
            assignment,
            topology.container_of(node),
            _address(topology, node, "private"),
            _address(topology, node, "public"),
        )
        for node in topology.nodes_with(role)
        for assignment in node.assignments
        if assignment.role == role
    ]


def finding_rows(
    findings: Iterable[Finding], platform: Platform | None, topology: Topology | None = None
) -> list[FindingRow]:
    """Give findings their documents' titles, and, in a topology, the keys of their subjects."""
    rows = [_finding_row(finding, platform) for finding in findings]
    return [_with_subject(row, topology) for row in rows] if topology else rows


def finding_json(finding: Finding, fix: Operation | None = None) -> dict[str, Any]:
    """Return a finding as the API shows it, with the address of its rule's page."""
    url = reverse("inventory:rule-detail", args=[finding.key]) if finding.key in RULES else None
    return finding.as_json() | {"fix": fix.summary if fix else None, "url": url}


def finding_groups(findings: Iterable[Finding], topology: Topology) -> list[FindingGroup]:
    """Group findings, worst first; a group without findings is left out.

    Of many findings of one rule only some are shown: a page has to be read.
    """
    rows: dict[str, list[FindingRow]] = {key: [] for key in GROUPS}
    for row in _shown(finding_rows(findings, topology.platform), topology):
        rows[_group(row.finding)].append(row)
    return [FindingGroup(key, title, rows[key]) for key, title in GROUPS.items() if rows[key]]


def _group(finding: Finding) -> str:
    """Return the group of a finding: what stands in the way of a run comes before warnings."""
    if finding.waiver:
        return "waived"
    if finding.severity is not Severity.ERROR and finding.blocks is Blocks.RUN:
        return "run"
    return finding.severity.value


def document_title(document: str, platform: Platform | None) -> tuple[str, str]:
    """Return title and address of a document; a key of no document is a reading of ours."""
    key, _, page = document.partition(":")
    for known in getattr(platform, "documents", ()):
        if known.key == key:
            return (f"{known.title}, {page}" if page else known.title), known.url
    return DOCUMENTS.get(key, f"Our reading ({key})"), ""


def _shown(rows: Iterable[FindingRow], topology: Topology) -> Iterator[FindingRow]:
    """Yield the first rows of each rule, with subject and fix; the last says how many follow."""
    by_rule: dict[tuple[str, str], list[FindingRow]] = {}
    for row in rows:
        by_rule.setdefault((row.finding.key, _group(row.finding)), []).append(row)
    for same in by_rule.values():
        more = max(0, len(same) - SHOWN_OF_A_RULE)
        kept = [_with_subject(row, topology) for row in same[: len(same) - more]]
        kept[-1] = replace(kept[-1], more=more)
        yield from kept


def _finding_row(finding: Finding, platform: Platform | None) -> FindingRow:
    """Name the documents of a finding."""
    citations = (
        Citation(vendor_words(source.text), *document_title(source.document, platform))
        for source in finding.sources
    )
    return FindingRow(finding, tuple(citations))


def _with_subject(row: FindingRow, topology: Topology) -> FindingRow:
    """Find the container or node that a finding is about, and the change that would end it."""
    kind, _, name = row.finding.subject.partition(":")
    things: Mapping[str, Mapping[str, ContainerView | NodeView]] = {
        "container": topology.containers,
        "node": topology.nodes,
    }
    thing = things.get(kind, {}).get(name)
    known = replace(row, kind=kind, pk=thing.pk) if thing else row
    return replace(known, fix=propose(topology, row.finding)) if topology.cluster.pk else known


def _address(topology: Topology, node: NodeView, kind: str) -> AddressView | None:
    """Return the address of a node's machine."""
    container = topology.container_of(node)
    return topology.address(container.name, kind) if container else None
