"""A platform as data: layers, roles, ports, releases, order, checklist, each with its source.

`docs/platforms-format.md` describes the file; `loading.py` reads it.
"""

from typing import Annotated, Literal, TypeVar

from pydantic import Field, StringConstraints

from inventory.platforms.facts import (
    AddressPattern,
    Block,
    Capacity,
    Counts,
    Failure,
    Grouping,
    HaLevel,
    Hardware,
    Key,
    Need,
    Networks,
    NotNegative,
    OperatingSystem,
    Positive,
    Removable,
    Requirement,
    Reserve,
    ResourceClass,
    Resources,
    Scaling,
    Source,
    Sourced,
    Text,
)

__all__ = [
    "AddressPattern",
    "Capacity",
    "ChecklistItem",
    "Component",
    "Condition",
    "Counts",
    "Document",
    "Failure",
    "Grouping",
    "HaLevel",
    "Hardware",
    "InstallStep",
    "Layer",
    "Need",
    "Networks",
    "Note",
    "OperatingSystem",
    "Parameter",
    "Platform",
    "Port",
    "Release",
    "Removable",
    "Reserve",
    "ResourceClass",
    "Resources",
    "Role",
    "Scaling",
    "ScalingRow",
    "Source",
    "Target",
    "Unavailable",
]

# What a port may come from or go to besides role keys and "component:<key>".
SELECTORS = frozenset({"all", "external", "portal", "bastion", "balancers", "names", "time"})

PortRange = Annotated[str, StringConstraints(pattern=r"^[1-9]\d{0,4}(-[1-9]\d{0,4})?$")]
ReleaseKey = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$")]


class Document(Block):
    """A document that sources name by its key, with the licence its words come under (R23)."""

    key: Text
    title: Text
    url: str = ""
    licence: str = ""
    attribution: str = ""


class Layer(Block):
    """A layer that roles belong to (R24)."""

    key: Key
    name: Text


class Component(Sourced):
    """Software that lives beside a role on the same node, and is no role of its own (K9)."""

    key: Key
    name: Text
    description: str = ""
    packages: tuple[str, ...] = ()
    odd: bool = False


class Condition(Sourced):
    """A cluster's parameter that makes something unnecessary (K20)."""

    parameter: Text
    equals: str | int | bool


class Role(Sourced):
    """A specialisation of nodes (R8) with all that the vendor says about it."""

    key: Key
    name: Text
    short: Text
    layer: Key
    description: Text
    networks: Networks
    counts: Counts
    failure: Failure
    addresses: AddressPattern | None = None
    resources: Resources | None = None
    hardware: Hardware | None = None
    capacity: tuple[Capacity, ...] = ()
    grouping: Grouping | None = None
    scaling: Scaling | None = None
    components: tuple[Component, ...] = ()
    depends_on: tuple[Key, ...] = ()
    keep_apart_from: tuple[Key, ...] = ()
    balances: tuple[Key, ...] = ()
    install_step: Positive
    packages: tuple[str, ...] = ()
    lead_metrics: tuple[Text, ...] = ()
    not_needed_when: Condition | None = None
    # Its servers have nothing to do with each other: another one changes nothing on them (S9).
    independent: bool = False

    def nominal_capacity(self, metric: str) -> Capacity | None:
        """Return the vendor's figure for one node of full size (R129)."""
        figures = [figure for figure in self.capacity if figure.metric == metric]
        return max(figures, key=lambda figure: figure.value, default=None)

    def capacity_for(self, metric: str, *, vcpu: int, memory_mib: int) -> Capacity | None:
        """Return the best documented figure for a machine of that size (K13)."""
        figures = [
            figure
            for figure in self.capacity
            if figure.metric == metric
            and (figure.vcpu or 0) <= vcpu
            and (figure.memory_mib or 0) <= memory_mib
        ]
        return max(figures, key=lambda figure: figure.value, default=None)


class Port(Sourced):
    """A connection that must be possible, or must not; a supplement of ours says why (S8)."""

    key: Key
    from_: tuple[Text, ...] = Field(alias="from", min_length=1)
    to: tuple[Text, ...] = Field(min_length=1)
    protocol: Literal["tcp", "udp", "vrrp"]
    ports: PortRange | None = None
    network: Literal["private", "public"]
    purpose: Text
    requirement: Requirement | None = None
    supplement_reason: Text | None = None

    @property
    def first(self) -> int | None:
        """Return the lowest port, or None for a protocol without ports."""
        return int(self.ports.split("-")[0]) if self.ports else None

    @property
    def last(self) -> int | None:
        """Return the highest port, or None for a protocol without ports."""
        return int(self.ports.split("-")[-1]) if self.ports else None


class Unavailable(Sourced):
    """A role that a release does not have (S15)."""

    role: Key
    reason: Text


class Release(Sourced):
    """A release with its operating systems and the facts that hold for it only."""

    key: ReleaseKey
    name: Text
    current: bool = False
    operating_systems: tuple[OperatingSystem, ...] = Field(min_length=1)
    unavailable: tuple[Unavailable, ...] = ()
    notes: str = ""

    def has_role(self, key: str) -> bool:
        """Tell whether the release still has the role."""
        return all(key != gone.role for gone in self.unavailable)


class InstallStep(Sourced):
    """One step of the installation order; `vendor_step` is the document's own number."""

    number: Positive
    title: Text
    roles: tuple[Key, ...] = ()
    components: tuple[Key, ...] = ()
    vendor_step: str = ""
    notes: str = ""


class ChecklistItem(Sourced):
    """A point that has to hold on the machines before anything is installed."""

    id: Requirement
    text: Text


class Parameter(Block):
    """A value that an operator sets per cluster; `source` where a document bounds it."""

    key: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    name: Text
    type: Literal["text", "url", "integer", "boolean", "choice", "secret"]
    default: str | int | bool | None = None
    choices: tuple[str, ...] = ()
    minimum: NotNegative | None = None
    maximum: NotNegative | None = None
    required: bool = False
    description: Text
    source: Source | None = None
    also: tuple[Source, ...] = ()
    requirements: tuple[Requirement, ...] = ()


class Target(Sourced):
    """A promise that is measured, never assumed (K18)."""

    key: Key
    name: Text
    value: NotNegative
    unit: Text


class ScalingRow(Sourced):
    """A row of a vendor's scaling table: nominal figures for so many servers (K12)."""

    role: Key
    servers: Positive
    extensions: Positive
    concurrent_calls: Positive
    use_case: str = ""
    at_least: bool = False


class Note(Sourced):
    """A sentence that pages show beside the data it concerns."""

    key: Key
    text: Text


class Platform(Block):
    """Everything that a vendor's documents say about a product."""

    schema_: Literal[1] = Field(alias="schema")
    key: Key
    name: Text
    vendor: Text
    url: str = ""
    description: str = ""
    documents: tuple[Document, ...] = Field(min_length=1)
    networks: Networks | None = None
    wants_names: bool = False
    layers: tuple[Layer, ...] = Field(min_length=1)
    roles: tuple[Role, ...] = Field(min_length=1)
    ports: tuple[Port, ...] = ()
    releases: tuple[Release, ...] = Field(min_length=1)
    install_order: tuple[InstallStep, ...] = ()
    checklist: tuple[ChecklistItem, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    targets: tuple[Target, ...] = ()
    scaling: tuple[ScalingRow, ...] = ()
    notes: tuple[Note, ...] = ()

    def role(self, key: str) -> Role:
        """Return the role; raises KeyError for a key that the platform does not have."""
        return _by_key(self.roles, key)

    def release(self, key: str) -> Release:
        """Return the release; raises KeyError for a key that the platform does not have."""
        return _by_key(self.releases, key)

    def parameter(self, key: str) -> Parameter:
        """Return the parameter; raises KeyError for a key that the platform does not have."""
        return _by_key(self.parameters, key)

    def layer(self, key: str) -> Layer:
        """Return the layer; raises KeyError for a key that the platform does not have."""
        return _by_key(self.layers, key)

    def selected_roles(self, selectors: tuple[str, ...]) -> tuple[Role, ...]:
        """Return the roles that a port's `from` or `to` means; outside parties are no roles."""
        return tuple(role for role in self.roles if any(_means(s, role) for s in selectors))


Keyed = TypeVar("Keyed", Role, Release, Parameter, Layer)


def _by_key(items: tuple[Keyed, ...], key: str) -> Keyed:
    """Return the item with the key."""
    for item in items:
        if item.key == key:
            return item
    raise KeyError(key)


def _means(selector: str, role: Role) -> bool:
    """Tell whether a selector of a port means the role."""
    if selector.startswith("component:"):
        return any(selector == f"component:{component.key}" for component in role.components)
    return selector in ("all", role.key)
