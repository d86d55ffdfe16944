"""Every change the inventory knows, as a value with a pure `apply`; writing is in operations.py.

Forms, admin, API, fixes, planner and what-if all speak in these.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any, ClassVar

from inventory.platforms.schema import Platform
from inventory.topology import (
    AssignmentView,
    BalancerView,
    ContainerView,
    GroupView,
    NetworkView,
    NodeView,
    Topology,
    WaiverView,
)


class ChangeError(Exception):
    """A change names something that the cluster does not have, or has already."""


@dataclass(frozen=True)
class Operation(ABC):
    """A change of one cluster; `kind` is what its subject is."""

    kind: ClassVar[str]

    @property
    @abstractmethod
    def subject_name(self) -> str:
        """Name what it is about."""

    @property
    @abstractmethod
    def summary(self) -> str:
        """Say in a sentence what it does."""

    @abstractmethod
    def apply(self, topology: Topology) -> Topology:
        """Return the cluster as it would be; raises ChangeError for what makes no sense."""

    @property
    def subject(self) -> str:
        """Say what it is about, such as `node:pg-node-01`."""
        return f"{self.kind}:{self.subject_name}" if self.subject_name else self.kind

    def picture(self, topology: Topology) -> dict[str, Any] | None:
        """Return the subject as it is in a topology, for the change log."""
        return _picture(topology, self.kind, self.subject_name)


@dataclass(frozen=True)
class NamedChange(Operation):
    """A change of what has this name already, or gets it."""

    name: str

    @property
    def subject_name(self) -> str:
        """Return the name."""
        return self.name


@dataclass(frozen=True)
class ChangeSet(Operation):
    """Several changes as one: all or nothing, and judged by where they lead together."""

    kind = "cluster"
    parts: tuple[Operation, ...]

    @property
    def subject_name(self) -> str:
        """Return nothing: it is about the cluster."""
        return ""

    @property
    def summary(self) -> str:
        """Say the parts, or how many they are."""
        if len(self.parts) <= 3:
            return "; ".join(part.summary for part in self.parts) or "No change"
        return f"{self.parts[0].summary}, and {len(self.parts) - 1} more changes"

    def apply(self, topology: Topology) -> Topology:
        """Apply one after the other."""
        if not self.parts:
            raise ChangeError("There is nothing to change.")
        for part in self.parts:
            topology = part.apply(topology)
        return topology


@dataclass(frozen=True)
class ChangeCluster(Operation):
    """Change fields of the cluster, by the names of its columns; `label` says it in other words."""

    kind = "cluster"
    fields: Mapping[str, Any]
    label: str = ""

    @property
    def subject_name(self) -> str:
        """Return nothing: there is one."""
        return ""

    @property
    def summary(self) -> str:
        """List the fields, unless there are better words."""
        return (
            self.label or f"Change the cluster's {', '.join(sorted(self.fields)).replace('_', ' ')}"
        )

    def apply(self, topology: Topology) -> Topology:
        """Replace the fields that the picture has."""
        seen = {key: value for key, value in self.fields.items() if hasattr(topology.cluster, key)}
        changed = replace(topology, cluster=replace(topology.cluster, **seen))
        if release := self.fields.get("release"):
            changed = replace(changed, release=topology.platform.release(str(release)))
        return changed


@dataclass(frozen=True)
class ChangeRevision(Operation):
    """Pin another revision of what the vendor's documents say; the release stays."""

    kind = "cluster"
    number: int
    platform: Platform

    @property
    def subject_name(self) -> str:
        """Return nothing: there is one."""
        return ""

    @property
    def summary(self) -> str:
        """Say which revision."""
        return f"Go by revision {self.number} of {self.platform.name}"

    def apply(self, topology: Topology) -> Topology:
        """Replace the platform; a role that is in use has to be in it."""
        try:
            release = self.platform.release(topology.release.key)
        except KeyError:
            raise ChangeError(
                f"Revision {self.number} has no release {topology.release.key}: change the "
                "cluster's release first."
            ) from None
        known = {role.key for role in self.platform.roles}
        used = {a.role for node in topology.nodes.values() for a in node.assignments}
        if gone := sorted(used - known):
            raise ChangeError(f"Revision {self.number} has no role {', '.join(gone)}.")
        cluster = replace(topology.cluster, revision=self.number)
        return replace(topology, cluster=cluster, platform=self.platform, release=release)


@dataclass(frozen=True)
class AttachNetwork(Operation):
    """Let a cluster use a network."""

    kind = "network"
    network: NetworkView

    @property
    def subject_name(self) -> str:
        """Return its name."""
        return self.network.name

    @property
    def summary(self) -> str:
        """Say which network."""
        return f"Use the {self.network.kind} network {self.network.name} ({self.network.cidr})"

    def apply(self, topology: Topology) -> Topology:
        """Add or replace the network."""
        return replace(topology, networks={**topology.networks, self.network.name: self.network})


@dataclass(frozen=True)
class DetachNetwork(NamedChange):
    """Take a network away from a cluster."""

    kind = "network"

    @property
    def summary(self) -> str:
        """Say which network."""
        return f"No longer use the network {self.name}"

    def apply(self, topology: Topology) -> Topology:
        """Leave the network out."""
        _known(topology.networks, self.name, "network")
        return replace(
            topology,
            networks={key: n for key, n in topology.networks.items() if key != self.name},
        )


@dataclass(frozen=True)
class AddContainer(Operation):
    """Describe a new machine, or take one in from the free pool when the view has a pk."""

    kind = "container"
    container: ContainerView

    @property
    def subject_name(self) -> str:
        """Return its name."""
        return self.container.name

    @property
    def summary(self) -> str:
        """Say what is added."""
        return f"Add container {self.container.name}"

    def apply(self, topology: Topology) -> Topology:
        """Add the container."""
        _new(topology.containers, self.container.name, "container")
        if self.container.pk is None:
            return topology.with_container(self.container)
        # What it had outside the cluster is its own.
        own = {(address.network, address.ip) for address in self.container.addresses}
        taken = {key: owner for key, owner in topology.taken.items() if key not in own}
        return replace(topology, taken=taken).with_container(self.container)


@dataclass(frozen=True)
class ChangeContainer(NamedChange):
    """Change a machine: resources, addresses, name, login."""

    kind = "container"
    container: ContainerView

    @property
    def summary(self) -> str:
        """Say what is changed."""
        return f"Change container {self.name}"

    def apply(self, topology: Topology) -> Topology:
        """Replace the container, under a new name if it has one."""
        _known(topology.containers, self.name, "container")
        if self.container.name != self.name:
            _new(topology.containers, self.container.name, "container")
        return topology.with_container(self.container, was=self.name)

    def picture(self, topology: Topology) -> dict[str, Any] | None:
        """Find the container under its old or new name."""
        names = (self.name, self.container.name)
        return next(
            (_picture(topology, "container", n) for n in names if n in topology.containers), None
        )


@dataclass(frozen=True)
class RemoveContainer(NamedChange):
    """Take a machine out of a cluster: back to the free pool, or out of the inventory."""

    kind = "container"
    to_pool: bool = True

    @property
    def summary(self) -> str:
        """Say where it goes."""
        return (
            f"Return container {self.name} to the free pool"
            if self.to_pool
            else f"Remove container {self.name}"
        )

    def apply(self, topology: Topology) -> Topology:
        """Leave the container out; a node that runs on it must move first."""
        _known(topology.containers, self.name, "container")
        running = [node.name for node in topology.nodes.values() if node.container == self.name]
        if running:
            raise ChangeError(
                f"Container {self.name} runs {', '.join(sorted(running))}: "
                "move or remove the node first."
            )
        return topology.without_container(self.name)


@dataclass(frozen=True)
class RoleChoice:
    """A role for a node, in an availability group where the role has them."""

    role: str
    group: str | None = None

    @property
    def words(self) -> str:
        """Name the role, and the group it joins."""
        return f"{self.role} in {self.group}" if self.group else self.role


@dataclass(frozen=True)
class AddNode(NamedChange):
    """Put a new node with its roles on a container."""

    kind = "node"
    container: str
    roles: tuple[RoleChoice, ...]
    auto_replace: bool = False

    @property
    def summary(self) -> str:
        """Say what goes where."""
        roles = ", ".join(choice.words for choice in self.roles)
        return f"Add node {self.name} ({roles}) on {self.container}"

    def apply(self, topology: Topology) -> Topology:
        """Add the node with planned assignments."""
        _new(topology.nodes, self.name, "node")
        _known(topology.containers, self.container, "container")
        _known_roles(topology, self.roles)
        view = NodeView(
            self.name,
            self.container,
            tuple(map(_planned, self.roles)),
            auto_replace=self.auto_replace,
        )
        return _with_groups(topology, self.roles).with_node(view)


@dataclass(frozen=True)
class ChangeNode(NamedChange):
    """Give a node another name or other roles; roles that stay keep their state.

    `auto_replace` None leaves as it is who replaces the node when it is lost.
    """

    kind = "node"
    new_name: str
    roles: tuple[RoleChoice, ...]
    auto_replace: bool | None = None

    @property
    def summary(self) -> str:
        """Say what the node becomes."""
        roles = ", ".join(choice.words for choice in self.roles)
        return f"Change node {self.name} to {self.new_name} ({roles})"

    def apply(self, topology: Topology) -> Topology:
        """Replace name and assignments."""
        _known(topology.nodes, self.name, "node")
        if self.new_name != self.name:
            _new(topology.nodes, self.new_name, "node")
        _known_roles(topology, self.roles)
        node = topology.nodes[self.name]
        held = {assignment.role: assignment for assignment in node.assignments}
        assignments = tuple(
            replace(held[choice.role], group=choice.group)
            if choice.role in held
            else _planned(choice)
            for choice in self.roles
        )
        kept = node.auto_replace if self.auto_replace is None else self.auto_replace
        changed = replace(node, name=self.new_name, assignments=assignments, auto_replace=kept)
        return _with_groups(topology, self.roles).with_node(changed, was=self.name)

    def picture(self, topology: Topology) -> dict[str, Any] | None:
        """Find the node under its old or new name."""
        names = (self.name, self.new_name)
        return next((_picture(topology, "node", n) for n in names if n in topology.nodes), None)


@dataclass(frozen=True)
class MoveNode(NamedChange):
    """Let a node run on another container; it keeps identity, roles and history (R7)."""

    kind = "node"
    container: str

    @property
    def summary(self) -> str:
        """Say where it goes."""
        return f"Move node {self.name} to {self.container}"

    def apply(self, topology: Topology) -> Topology:
        """Replace the container."""
        _known(topology.nodes, self.name, "node")
        _known(topology.containers, self.container, "container")
        node = topology.nodes[self.name]
        if node.container == self.container:
            raise ChangeError(f"Node {self.name} runs on {self.container} already.")
        return topology.with_node(replace(node, container=self.container), was=self.name)


@dataclass(frozen=True)
class RemoveNode(NamedChange):
    """Take a node out of its cluster; its past stays."""

    kind = "node"

    @property
    def summary(self) -> str:
        """Say which node."""
        return f"Remove node {self.name}"

    def apply(self, topology: Topology) -> Topology:
        """Leave the node out."""
        _known(topology.nodes, self.name, "node")
        return topology.without_node(self.name)


@dataclass(frozen=True)
class SetBalancer(Operation):
    """Add a balancer, or change the one of the same name."""

    kind = "balancer"
    balancer: BalancerView

    @property
    def subject_name(self) -> str:
        """Return its name."""
        return self.balancer.name

    @property
    def summary(self) -> str:
        """Say what it balances."""
        return f"Set balancer {self.balancer.name} ({self.balancer.ip}) for {self.balancer.role}"

    def apply(self, topology: Topology) -> Topology:
        """Add or replace the balancer."""
        _known(topology.networks, self.balancer.network, "network")
        _known_roles(topology, (RoleChoice(self.balancer.role),))
        return replace(
            topology, balancers={**topology.balancers, self.balancer.name: self.balancer}
        )


@dataclass(frozen=True)
class RemoveBalancer(NamedChange):
    """Take a balancer out of the inventory."""

    kind = "balancer"

    @property
    def summary(self) -> str:
        """Say which balancer."""
        return f"Remove balancer {self.name}"

    def apply(self, topology: Topology) -> Topology:
        """Leave the balancer out."""
        _known(topology.balancers, self.name, "balancer")
        return replace(
            topology,
            balancers={key: b for key, b in topology.balancers.items() if key != self.name},
        )


@dataclass(frozen=True)
class GrantWaiver(Operation):
    """Answer for a finding until a time; takes the place of an earlier waiver of the same."""

    kind = "waiver"
    waiver: WaiverView

    @property
    def subject_name(self) -> str:
        """Return what it is about."""
        return self.waiver.subject

    @property
    def summary(self) -> str:
        """Say what is waived and until when."""
        waiver = self.waiver
        return f"Waive {waiver.key} of {waiver.subject} until {waiver.expires_at:%Y-%m-%d %H:%M}"

    def apply(self, topology: Topology) -> Topology:
        """Add or replace the waiver; one that has run out already is refused."""
        if self.waiver.expires_at <= topology.now:
            raise ChangeError("A waiver ends in the future.")
        others = _without_waiver(topology, self.waiver)
        return replace(topology, waivers=(*others, self.waiver))

    def picture(self, topology: Topology) -> dict[str, Any] | None:
        """Return the waiver of this finding."""
        return _waiver_picture(topology, self.waiver)


@dataclass(frozen=True)
class RevokeWaiver(Operation):
    """No longer answer for a finding: it counts again."""

    kind = "waiver"
    waiver: WaiverView

    @property
    def subject_name(self) -> str:
        """Return what it is about."""
        return self.waiver.subject

    @property
    def summary(self) -> str:
        """Say what counts again."""
        return f"End the waiver of {self.waiver.key} of {self.waiver.subject}"

    def apply(self, topology: Topology) -> Topology:
        """Leave the waiver out."""
        others = _without_waiver(topology, self.waiver)
        if len(others) == len(topology.waivers):
            raise ChangeError(f"{self.waiver.key} of {self.waiver.subject} is not waived.")
        return replace(topology, waivers=others)

    def picture(self, topology: Topology) -> dict[str, Any] | None:
        """Return the waiver of this finding."""
        return _waiver_picture(topology, self.waiver)


def _without_waiver(topology: Topology, waiver: WaiverView) -> tuple[WaiverView, ...]:
    """Return the waivers of other findings."""
    return tuple(w for w in topology.waivers if w.about != waiver.about)


def _waiver_picture(topology: Topology, waiver: WaiverView) -> dict[str, Any] | None:
    """Return a finding's waiver for the change log."""
    held = next((w for w in topology.waivers if w.about == waiver.about), None)
    return None if held is None else _plain(asdict(held))


def _planned(choice: RoleChoice) -> AssignmentView:
    """Make the assignment of a role that is not installed yet."""
    return AssignmentView(choice.role, choice.group)


def _with_groups(topology: Topology, roles: tuple[RoleChoice, ...]) -> Topology:
    """Return a copy that has the groups which the choices name."""
    named = {GroupView(choice.role, choice.group) for choice in roles if choice.group}
    new = sorted(named - set(topology.groups), key=lambda group: (group.role, group.name))
    return replace(topology, groups=(*topology.groups, *new))


def _known(things: Mapping[str, Any], name: str, kind: str) -> None:
    """Refuse a name that is not there."""
    if name not in things:
        raise ChangeError(f"The cluster has no {kind} {name}.")


def _new(things: Mapping[str, Any], name: str, kind: str) -> None:
    """Refuse a name that is there already."""
    if name in things:
        raise ChangeError(f"The cluster has a {kind} {name} already: choose another name.")


def _known_roles(topology: Topology, roles: tuple[RoleChoice, ...]) -> None:
    """Refuse no role, a role twice, and one that the platform does not have."""
    keys = [choice.role for choice in roles]
    known = {role.key for role in topology.platform.roles}
    if not keys:
        raise ChangeError("A node has at least one role.")
    if len(set(keys)) < len(keys):
        raise ChangeError("A node has each role once.")
    if unknown := sorted(set(keys) - known):
        raise ChangeError(f"{topology.platform.name} has no role {', '.join(unknown)}.")


def sight(picture: Mapping[str, Any] | None) -> str:
    """Return a short word for a picture: another one when anything in it has changed."""
    if picture is None:
        return ""
    return sha256(json.dumps(picture, sort_keys=True, default=str).encode()).hexdigest()[:20]


def picture_of(view: ContainerView) -> dict[str, Any]:
    """Return the picture of a machine by itself, as `Operation.picture` has it."""
    plain: dict[str, Any] = _plain(asdict(view))
    return plain


def _picture(topology: Topology, kind: str, name: str) -> dict[str, Any] | None:
    """Return a JSON-able picture of a cluster's part, None where it is not."""
    if kind == "cluster":
        return asdict(topology.cluster) | {"release": topology.release.key}
    parts: dict[str, Mapping[str, Any]] = {
        "container": topology.containers,
        "node": topology.nodes,
        "network": topology.networks,
        "balancer": topology.balancers,
    }
    part = parts[kind].get(name)
    return None if part is None else _plain(asdict(part))


def _plain(value: Any) -> Any:
    """Turn addresses and networks into text."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
