"""Nodes, where they run, and the roles they have; placements and assignments keep their past."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from netfields import InetAddressField

from inventory.states import AssignmentState
from voipadmin.db import choice_constraint, hostname_constraint


class CurrentQuerySet(models.QuerySet):
    """Words for rows that hold for a time."""

    def current(self) -> CurrentQuerySet:
        """Select what holds now."""
        return self.filter(valid_to=None)


class Node(models.Model):
    """A software entity that delivers functions, distinct from its container (R6, R7)."""

    cluster = models.ForeignKey("inventory.Cluster", on_delete=models.PROTECT, related_name="nodes")
    name = models.CharField(max_length=63, help_text="Unique in the cluster, such as pg-node-01.")
    auto_replace = models.BooleanField(
        "replaced automatically",
        default=False,
        help_text="When it is lost, automation of yours deploys a replacement (R65).",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        """Name the invariants."""

        ordering = ("cluster", "name")
        constraints = (
            models.UniqueConstraint(
                fields=("cluster", "name"),
                condition=Q(removed_at=None),
                name="node_name_is_unique",
                violation_error_message="A node of this cluster has this name already.",
            ),
            hostname_constraint("node_name_is_hostname", "name"),
        )

    def __str__(self) -> str:
        """Return the node's name."""
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address of the node's page."""
        return reverse("inventory:node-detail", args=[self.pk])


class Placement(models.Model):
    """A node ran, or runs, on a container."""

    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="placements")
    container = models.ForeignKey(
        "inventory.Container", on_delete=models.PROTECT, related_name="placements"
    )
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)

    objects = CurrentQuerySet.as_manager()

    class Meta:
        """Name the invariants."""

        ordering = ("node", "valid_from")
        constraints = (
            models.UniqueConstraint(
                fields=("node",),
                condition=Q(valid_to=None),
                name="placement_is_single",
                violation_error_message="A node runs on one container at a time.",
            ),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
                name="placement_ends_after_start",
                violation_error_message="A placement ends after it starts.",
            ),
        )

    def __str__(self) -> str:
        """Return who runs where."""
        return f"{self.node} on {self.container}"


class AvailabilityGroup(models.Model):
    """A group that nodes of a role must join (R104)."""

    cluster = models.ForeignKey(
        "inventory.Cluster", on_delete=models.PROTECT, related_name="availability_groups"
    )
    role = models.ForeignKey("inventory.Role", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=50)

    class Meta:
        """Name the invariants."""

        ordering = ("cluster", "role", "name")
        constraints = (
            models.UniqueConstraint(
                fields=("cluster", "role", "name"),
                name="availabilitygroup_name_is_unique",
                violation_error_message="The role has a group of this name already.",
            ),
        )

    def __str__(self) -> str:
        """Return the group's name."""
        return self.name


class RoleAssignment(models.Model):
    """A node has, or had, a role (R8, K2)."""

    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="assignments")
    role = models.ForeignKey("inventory.Role", on_delete=models.PROTECT, related_name="assignments")
    availability_group = models.ForeignKey(
        AvailabilityGroup,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="assignments",
    )
    state = models.CharField(
        max_length=10, choices=AssignmentState, default=AssignmentState.PLANNED
    )
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)

    objects = CurrentQuerySet.as_manager()

    class Meta:
        """Name the invariants."""

        ordering = ("node", "valid_from")
        constraints = (
            models.UniqueConstraint(
                fields=("node", "role"),
                condition=Q(valid_to=None),
                name="roleassignment_is_single",
                violation_error_message="The node has this role already.",
            ),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
                name="roleassignment_ends_after_start",
                violation_error_message="An assignment ends after it starts.",
            ),
            choice_constraint("roleassignment_state_is_known", "state", AssignmentState),
        )

    def __str__(self) -> str:
        """Return who has which role."""
        return f"{self.node}: {self.role}"


class Balancer(models.Model):
    """A load balancer or virtual address in front of a role's nodes (K5)."""

    cluster = models.ForeignKey(
        "inventory.Cluster", on_delete=models.PROTECT, related_name="balancers"
    )
    role = models.ForeignKey("inventory.Role", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=63)
    network = models.ForeignKey(
        "inventory.Network", on_delete=models.PROTECT, related_name="balancers"
    )
    ip = InetAddressField("virtual address", store_prefix_length=False)
    dns_name = models.CharField("DNS name", max_length=253, blank=True)
    health_based = models.BooleanField(
        default=True, help_text="It takes nodes out that do not answer (R56)."
    )
    instances = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1)],
        help_text="Machines that can hold the address; two or more are redundant.",
    )

    class Meta:
        """Name the invariants."""

        ordering = ("cluster", "name")
        constraints = (
            models.UniqueConstraint(
                fields=("cluster", "name"),
                name="balancer_name_is_unique",
                violation_error_message="The cluster has a balancer of this name already.",
            ),
            models.UniqueConstraint(
                fields=("network", "ip"),
                name="balancer_ip_is_unique",
                violation_error_message="Another balancer has this address in this network.",
            ),
            models.CheckConstraint(
                condition=Q(instances__gte=1),
                name="balancer_has_an_instance",
                violation_error_message="A balancer has at least one instance.",
            ),
            hostname_constraint("balancer_name_is_hostname", "name"),
        )

    def __str__(self) -> str:
        """Return name and address."""
        return f"{self.name} ({self.ip})"
