"""The blocks of facts that a vendor's documents state; every block names its source."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=50)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Requirement = Annotated[str, StringConstraints(pattern=r"^[RKS][1-9][0-9]{0,2}$")]
Positive = Annotated[int, Field(ge=1)]
NotNegative = Annotated[int, Field(ge=0)]


class Need(StrEnum):
    """How much a role needs a kind of network."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    NOT_REQUIRED = "not_required"
    DISCOURAGED = "discouraged"
    UNSPECIFIED = "unspecified"


class HaLevel(StrEnum):
    """The level that keeps a role alive when a machine is lost (R62)."""

    APP = "app"
    OS = "os"
    NONE = "none"
    UNSPECIFIED = "unspecified"


class Reserve(StrEnum):
    """How capacity is kept for the loss of one node (S6)."""

    POOLED = "pooled"
    LEADER = "leader"
    SHARDED = "sharded"
    REPLICATED_STORAGE = "replicated_storage"
    SINGLE = "single"


class ResourceClass(StrEnum):
    """A vendor's relative class of use; never translated into GHz or GB (R77)."""

    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"
    VERY_HIGH = "very_high"


class Removable(StrEnum):
    """Whether a node of the role may be taken out of a live cluster."""

    YES = "yes"
    NO = "no"
    UNUSED = "unused"


class Block(BaseModel):
    """A frozen piece of a platform's file; a field that nobody knows is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Source(Block):
    """A sentence of a document: "002", "upstream:docs/...", or a reading of ours such as "S8"."""

    document: Text
    text: Text


class Sourced(Block):
    """Facts with the sentence they come from, and further sentences where two documents differ."""

    source: Source
    also: tuple[Source, ...] = ()
    requirements: tuple[Requirement, ...] = ()

    @property
    def sources(self) -> tuple[Source, ...]:
        """Return every sentence that these facts rest on."""
        return (self.source, *self.also)


class Networks(Sourced):
    """The networks that a role, or the whole cluster, needs."""

    private: Need
    public: Need
    public_behind_balancer: bool = False
    notes: str = ""


class Counts(Sourced):
    """How many nodes a role has; `None` is "not specified by the vendor", never zero (K6)."""

    minimum: NotNegative | None = None
    maximum: NotNegative | None = None
    unlimited: bool = False
    recommended_minimum: NotNegative | None = None
    multiple_of: Positive | None = None
    odd: bool = False
    never_changes: bool = False
    assignable_up_to_extensions: NotNegative | None = None
    removable: Removable = Removable.YES
    comments: str = ""


class AddressPattern(Sourced):
    """The numbers in a /24 that the vendor's example gives a role's nodes; it ends somewhere (K14).

    `last_host` is the last number that the pattern reaches before it meets another role's.
    """

    first_host: Annotated[int, Field(ge=1, le=254)]
    last_host: Annotated[int, Field(ge=1, le=254)]

    @property
    def size(self) -> int:
        """Return how many nodes the pattern has room for."""
        return self.last_host - self.first_host + 1


class Hardware(Sourced):
    """What a machine must have at least, where the vendor gives figures."""

    vcpu_min: Positive
    vcpu_recommended: Positive | None = None
    memory_mib_min: Positive
    memory_mib_recommended: Positive | None = None
    disk_gib_min: Positive
    disk_kind: Literal["ssd", "any"] = "any"
    dedicated_disk: bool = False


class Resources(Sourced):
    """Relative use of a machine, where the vendor gives classes."""

    cpu: ResourceClass
    memory: ResourceClass
    io: ResourceClass
    example: str = ""


class Capacity(Sourced):
    """What one node carries, at which size of machine and under which assumption."""

    metric: Literal["extensions", "concurrent_calls"]
    value: Positive
    vcpu: Positive | None = None
    memory_mib: Positive | None = None
    assumes: str = ""


class Failure(Sourced):
    """What the loss of a node does, and the vendor's strategy against it."""

    outcome: Text
    strategy: str = ""
    level: HaLevel
    reserve: Reserve
    needs_balancer: bool = False
    needs_virtualization_ha: bool = False
    needs_quorum: bool = False
    drops_calls: bool = False


class Grouping(Sourced):
    """Availability groups of a role's nodes; the sizes warn, the missing group refuses (S4)."""

    name: Text = "Availability group"
    required: bool = False
    equal_sizes: bool = False
    min_size: Positive | None = None
    max_size: Positive | None = None


class Scaling(Sourced):
    """Which way the role grows best, and what growing costs."""

    prefer: Literal["up", "out"]
    impact: str = ""


class OperatingSystem(Sourced):
    """A system that a release runs on: `7` covers `7.9`; `minimum` narrows it."""

    id: Key
    name: Text
    version: Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)*$")]
    minimum: Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)*$")] | None = None
    architectures: tuple[Text, ...] = ("x86_64",)
    end_of_life_on: date | None = None

    def matches(self, *, os_id: str, version: str) -> bool:
        """Tell whether a machine's os-release (ID, VERSION_ID) is this system."""
        if os_id != self.id or not f"{version}.".startswith(f"{self.version}."):
            return False
        return self.minimum is None or _numbers(version) >= _numbers(self.minimum)


def _numbers(version: str) -> tuple[int, ...]:
    """Return a dotted version as numbers; what is no number ends it."""
    parts = []
    for part in version.split("."):
        if not part.isdecimal():
            break
        parts.append(int(part))
    return tuple(parts)
