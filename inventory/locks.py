"""What can never be changed later: lock points, and the decisions of day 0; pure.

Which roles are locked, and how, is data of the platform: `never_changes`, `removable` and
`assignable_up_to_extensions` of a role's counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from inventory.platforms.schema import Platform, Removable, Role, Source
from inventory.topology import AssignmentView, FactView, NodeView, Topology, WaiverView

# The rules that lock: what a waiver that overrides one names.
COUNT_LOCKED = "count-locked"
EXTENSIONS_FORBID_ROLE = "extensions-forbid-role"
NODE_STAYS = "node-stays"

BEFORE_LOCK = ("planning", "installing")
DECOMMISSIONED = "decommissioned"

# R87 read as in S11: unused for so long, by data no older than that.
IDLE_FOR = timedelta(minutes=15)
DATA_WITHIN = timedelta(minutes=2)


@dataclass(frozen=True)
class Lock:
    """Whether something is locked, and why or why not, as half a sentence."""

    is_locked: bool
    why: str


@dataclass(frozen=True)
class Decision:
    """Something about a role that is decided before the installation and cannot be changed later.

    `waiver_key`, `waiver_subject` and `role` are what an override of the lock is about; `waiver` is
    the override in force, which ends the lock for as long as it lasts.
    """

    role: str
    role_name: str
    requirement: str
    what: str
    sentence: str
    sources: tuple[Source, ...]
    count: int
    locked: bool
    why: str
    waiver_key: str
    waiver_subject: str
    waiver: WaiverView | None = None


def decisions(topology: Topology) -> tuple[Decision, ...]:
    """Return what cannot be changed later, role by role, in the platform's order."""
    return tuple(
        decision
        for role in topology.platform.roles
        if topology.release.has_role(role.key)
        for decision in _about_role(topology, role)
    )


def known_extensions(topology: Topology) -> FactView | None:
    """Return the number of extensions that counts, the larger of cluster and containers (K4)."""
    newest: dict[str, FactView] = {}
    for fact in topology.facts:
        if fact.key != "extensions" or fact.subject.startswith("node:"):
            continue
        if not is_number(fact.value):
            continue
        held = newest.get(fact.subject)
        if held is None or fact.at > held.at:
            newest[fact.subject] = fact
    return max(newest.values(), key=lambda fact: (fact.value, fact.at), default=None)


def is_number(value: object) -> bool:
    """Tell whether a fact counts something."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def extensions_in_words(topology: Topology) -> str:
    """Say how many extensions are known, of what, from where and how old that is."""
    fact = known_extensions(topology)
    if fact is None:
        return "the number of extensions is unknown"
    where = "the cluster" if fact.subject == "cluster" else fact.subject.replace(":", " ", 1)
    noun = "extension" if fact.value == 1 else "extensions"
    age = age_in_words(topology.now - fact.at)
    return f"{where} has {fact.value} {noun} ({fact.origin}, {age})"


def age_in_words(age: timedelta) -> str:
    """Say how old something is, in its largest unit."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = int(age.total_seconds()) // length
        if count:
            return f"{count} {unit}{'' if count == 1 else 's'} old"
    return "just now"


def extensions_exceed(topology: Topology, role: Role) -> bool | None:
    """Tell whether so many extensions are known that the role cannot be assigned (R48).

    None when their number is unknown; a role without such a limit is never refused.
    """
    limit = role.counts.assignable_up_to_extensions
    if limit is None:
        return False
    fact = known_extensions(topology)
    return None if fact is None else fact.value > limit


def count_lock(topology: Topology, role: Role) -> Lock:
    """Tell whether the number of a role's nodes is past its lock point (K3).

    That is the first productive use: the cluster is live, or has more extensions than the vendor
    allows. A cluster that is taken down as a whole is free (K16).
    """
    state = topology.cluster.state
    if state not in BEFORE_LOCK:
        return Lock(state != DECOMMISSIONED, f"the cluster is {state}")
    extensions = extensions_in_words(topology)
    if extensions_exceed(topology, role):
        return Lock(True, extensions)
    phase = "being planned" if state == "planning" else "being installed"
    return Lock(False, f"the cluster is {phase} and {extensions}")


def provisioned(node: NodeView, role: str) -> AssignmentView | None:
    """Return a node's assignment of a role once it has gone beyond the plan."""
    for assignment in node.assignments:
        if assignment.role == role:
            return assignment if assignment.state != "planned" else None
    return None


def use_lock(topology: Topology, node: NodeView, assignment: AssignmentView) -> Lock:
    """Tell whether a node may be in use, which keeps it from being removed (R87, S11).

    It is unused once it drains and its `idle_since`, a measured fact, shows no call for 15 minutes
    by data under two minutes old; what is not known counts as use.
    """
    if assignment.state != "draining":
        return Lock(True, f"it is {assignment.state}, not draining")
    fact = topology.fact(f"node:{node.name}", "idle_since")
    since = _moment(fact.value) if fact and fact.origin == "measured" else None
    if fact is None or since is None:
        return Lock(True, "nothing measured says since when it has had no call")
    if abs(topology.now - fact.at) >= DATA_WITHIN:
        return Lock(True, f"the last measurement is {age_in_words(topology.now - fact.at)}")
    minutes = int((fact.at - since).total_seconds() // 60)
    if fact.at - since < IDLE_FOR:
        return Lock(True, f"it has had no call for {max(minutes, 0)} of 15 minutes")
    return Lock(False, f"it has had no call for {minutes} minutes")


def _about_role(topology: Topology, role: Role) -> Iterator[Decision]:
    """Yield what is decided for good about one role."""
    counts = role.counts
    if counts.never_changes:
        yield _decision(
            topology,
            role,
            what=f"The number of {role.name} nodes",
            sentence=counts.source,
            lock=count_lock(topology, role),
            key=COUNT_LOCKED,
            requirement=_requirement(role, "R82"),
        )
    if counts.assignable_up_to_extensions is not None:
        yield _decision(
            topology,
            role,
            what=f"Which nodes get the {role.name} role",
            sentence=next((s for s in counts.sources if "extensions" in s.text), counts.source),
            lock=Lock(extensions_exceed(topology, role) is True, extensions_in_words(topology)),
            key=EXTENSIONS_FORBID_ROLE,
            requirement=_requirement(role, "R48"),
        )
    if counts.removable is Removable.NO and not counts.never_changes:
        yield _decision(
            topology,
            role,
            what=f"That {'the' if counts.maximum == 1 else 'a'} {role.name} node stays, once it is "
            "provisioned,",
            sentence=counts.source,
            lock=_removal_lock(topology, role),
            key=NODE_STAYS,
            requirement=_requirement(role, "R86", "R79"),
        )


def _decision(
    topology: Topology,
    role: Role,
    *,
    what: str,
    sentence: Source,
    lock: Lock,
    key: str,
    requirement: str,
) -> Decision:
    """Make a decision with the vendor's sentence as its reason and the override in force."""
    subject = f"role:{role.key}"
    others = tuple(source for source in role.counts.sources if source != sentence)
    return Decision(
        role=role.key,
        role_name=role.name,
        requirement=requirement,
        what=what.rstrip(","),
        sentence=f"{what} cannot be changed later because {_says(topology.platform, sentence)}",
        sources=(sentence, *others),
        count=len(topology.nodes_with(role.key)),
        locked=lock.is_locked,
        why=lock.why,
        waiver_key=key,
        waiver_subject=subject,
        waiver=_waiver(topology, (key, subject, role.key)),
    )


def _removal_lock(topology: Topology, role: Role) -> Lock:
    """Tell whether nodes of a role are in place that may not be removed (R86, K16)."""
    if topology.cluster.state == DECOMMISSIONED:
        return Lock(False, "the cluster is decommissioned")
    placed = sum(1 for n in topology.nodes_with(role.key) if provisioned(n, role.key))
    if placed:
        return Lock(True, f"{placed} {'is' if placed == 1 else 'are'} provisioned")
    return Lock(False, "none is provisioned yet")


def _says(platform: Platform, source: Source) -> str:
    """Quote a document by its title."""
    title = next((d.title for d in platform.documents if d.key == source.document), "")
    name = f"{title} ({source.document})" if title else source.document
    return f"{name} says: “{source.text}”"


def _waiver(topology: Topology, about: tuple[str, str, str]) -> WaiverView | None:
    """Return the waiver in force for a lock."""
    return next(
        (w for w in topology.waivers if w.about == about and w.expires_at > topology.now), None
    )


def _requirement(role: Role, *numbers: str) -> str:
    """Return the first of the numbers that the role's counts carry out."""
    return next((n for n in numbers if n in role.counts.requirements), numbers[0])


def _moment(value: object) -> datetime | None:
    """Read an ISO time; one without a zone says nothing."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
