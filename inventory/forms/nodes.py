"""Forms of nodes: which container, which roles."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.core.validators import RegexValidator

from inventory.board import RoleFacts
from inventory.changes import RoleChoice
from inventory.platforms.schema import Grouping, Role
from inventory.topology import ContainerView, NodeView, Topology
from voipadmin.db import HOSTNAME
from voipadmin.forms import PageForm

hostname = RegexValidator(
    HOSTNAME,
    "A host name has letters, digits and hyphens, neither first nor last in a label, such as "
    "pg-node-01.",
)


@dataclass(frozen=True)
class RoleOption:
    """A role that can be ticked, with what it needs and how many nodes have it."""

    role: Role
    is_chosen: bool
    count: int
    field_id: str
    group_field: forms.BoundField | None

    @property
    def facts(self) -> RoleFacts:
        """Return the role in the vendor's words."""
        return RoleFacts(self.role)


class ContainerChoiceForm(PageForm):
    """Choose one of the cluster's containers that run."""

    container = forms.ChoiceField(
        help_text="The Node requires a Container in order to run, but not a specific one (R7)."
    )

    def __init__(
        self, *args: Any, topology: Topology, leave_out: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.topology = topology
        field = cast("forms.ChoiceField", self.fields["container"])
        field.choices = [
            ("", "Choose a container"),
            *(
                (name, _described(topology, container))
                for name, container in sorted(topology.containers.items())
                if name != leave_out and container.state == "running"
            ),
        ]


class NodeForm(ContainerChoiceForm):
    """A node's name, container and roles."""

    name = forms.CharField(
        max_length=63,
        validators=[hostname],
        help_text="Unique in the cluster, such as pg-node-01. Nodes reach each other by name, so "
        "that renumbering needs no new role configuration (R49).",
    )
    roles = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple,
        help_text="Each Node is assigned a specific role (R8).",
        error_messages={"required": "A node has at least one role: tick it."},
    )
    auto_replace = forms.BooleanField(
        required=False,
        label="Replaced automatically",
        help_text="When it is lost, automation of yours deploys a replacement: the alternative to "
        "high availability of the virtualisation (R65).",
    )
    field_order = ("name", "container", "roles", "auto_replace")

    def __init__(
        self, *args: Any, topology: Topology, node: NodeView | None = None, **kwargs: Any
    ) -> None:
        if node:
            kwargs.setdefault("initial", _initial(node))
        super().__init__(*args, topology=topology, **kwargs)
        self.node = node
        self.offered = {
            role.key: role.name
            for role in topology.platform.roles
            if topology.release.has_role(role.key)
        }
        cast("forms.MultipleChoiceField", self.fields["roles"]).choices = [*self.offered.items()]
        if node:
            del self.fields["container"]  # moving is an operation of its own
        for role in self._grouped_roles():
            self.fields[f"group_{role.key}"] = _group_field(role, topology)

    def _grouped_roles(self) -> Iterator[Role]:
        """Yield the roles whose nodes join a group."""
        return (role for role in self.topology.platform.roles if role.grouping)

    def layers(self) -> list[tuple[str, list[RoleOption]]]:
        """Return the roles by layer, as the page shows them."""
        chosen = set(self["roles"].value() or ())
        return [
            (
                layer.name,
                [
                    self._option(role, is_chosen=role.key in chosen)
                    for role in self.topology.platform.roles
                    if role.layer == layer.key and role.key in self.offered
                ],
            )
            for layer in self.topology.platform.layers
        ]

    def _option(self, role: Role, *, is_chosen: bool) -> RoleOption:
        """Return one role for the page."""
        return RoleOption(
            role=role,
            is_chosen=is_chosen,
            count=len(self.topology.nodes_with(role.key)),
            field_id=f"id_roles_{role.key}",
            group_field=self[f"group_{role.key}"] if role.grouping else None,
        )

    def choices_made(self) -> tuple[RoleChoice, ...]:
        """Return the roles that were ticked, with their groups."""
        return tuple(
            RoleChoice(key, self.cleaned_data.get(f"group_{key}") or None)
            for key in self.cleaned_data["roles"]
        )


class RemoveNodeForm(PageForm):
    """Confirm a removal by the node's name."""

    confirm = forms.CharField(label="Node's name", help_text="Type it to confirm.")
    reason = forms.CharField(
        required=False, max_length=200, help_text="Kept in the cluster's history."
    )

    def __init__(self, *args: Any, name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = name

    def clean_confirm(self) -> str:
        """Refuse any other name."""
        typed: str = self.cleaned_data["confirm"]
        if typed != self.name:
            raise forms.ValidationError(f"Type {self.name} to remove it.")
        return typed


def _initial(node: NodeView) -> dict[str, Any]:
    """Return what a node's form starts with."""
    return {
        "name": node.name,
        "auto_replace": node.auto_replace,
        "roles": [assignment.role for assignment in node.assignments],
        **{f"group_{a.role}": a.group for a in node.assignments if a.group},
    }


def _group_field(role: Role, topology: Topology) -> forms.CharField:
    """Make the field for a role's group."""
    grouping = cast("Grouping", role.grouping)
    known = ", ".join(group.name for group in topology.groups if group.role == role.key)
    return forms.CharField(
        label=f"{grouping.name} of {role.name}",
        required=False,
        max_length=50,
        help_text=f"{grouping.source.text} Groups so far: {known or 'none'}.",
    )


def _described(topology: Topology, container: ContainerView) -> str:
    """Return what tells containers apart: size, addresses, what runs there."""
    addresses = ", ".join(str(address.ip) for address in container.addresses) or "no address"
    runs = [n.name for n in topology.nodes.values() if n.container == container.name]
    return (
        f"{container.name}: {container.vcpus} vCPU, {container.memory_mib / 1024:g} GiB, "
        f"{addresses}" + (f"; runs {', '.join(sorted(runs))}" if runs else "; free")
    )
