"""Clusters and the places and networks they are made on."""

from zoneinfo import available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from netfields import CidrAddressField, InetAddressField

from inventory.states import ClusterKind, ClusterState, InfrastructureKind, NetworkKind
from voipadmin.db import choice_constraint, slug_constraint


def validate_time_zone(value: str) -> None:
    """Refuse a name that the time zone database does not have."""
    if value not in available_timezones():
        raise ValidationError(f"{value} is not a time zone; write it like Europe/Berlin.")


class Location(models.Model):
    """A place where machines fail together: a site, a room, a cloud zone."""

    name = models.CharField(max_length=100, unique=True)
    is_example = models.BooleanField(default=False, editable=False)

    class Meta:
        """Name the order."""

        ordering = ("name",)

    def __str__(self) -> str:
        """Return the place's name."""
        return self.name


class Hypervisor(models.Model):
    """A physical host whose loss takes all its containers along."""

    name = models.CharField(max_length=100, unique=True)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="hypervisors")
    technology = models.CharField(
        max_length=100, blank=True, help_text="Such as VMware vSphere, Proxmox VE or KVM (R3)."
    )
    is_example = models.BooleanField(default=False, editable=False)

    class Meta:
        """Name the order."""

        ordering = ("name",)

    def __str__(self) -> str:
        """Return the host's name."""
        return self.name


class Network(models.Model):
    """A private or public network; the same range may occur in several of them."""

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=10, choices=NetworkKind)
    cidr = CidrAddressField(
        help_text="Such as 192.168.10.0/24.",
    )
    location = models.ForeignKey(
        Location, null=True, blank=True, on_delete=models.PROTECT, related_name="networks"
    )
    gateway = InetAddressField(
        null=True,
        blank=True,
        store_prefix_length=False,
        help_text="The router's address, which no container may have.",
    )
    is_example = models.BooleanField(default=False, editable=False)

    class Meta:
        """Name the invariants."""

        ordering = ("name",)
        constraints = (choice_constraint("network_kind_is_known", "kind", NetworkKind),)

    def __str__(self) -> str:
        """Return name and range."""
        return f"{self.name} ({self.cidr})"


class Cluster(models.Model):
    """A distributed telephony system that runs on multiple nodes (R11)."""

    slug = models.SlugField(unique=True, help_text="Short key used in addresses of pages.")
    name = models.CharField(max_length=100)
    platform = models.ForeignKey(
        "inventory.Platform", on_delete=models.PROTECT, related_name="clusters"
    )
    release = models.ForeignKey(
        "inventory.Release", on_delete=models.PROTECT, related_name="clusters"
    )
    revision = models.ForeignKey(
        "inventory.PlatformRevision", on_delete=models.PROTECT, related_name="clusters"
    )
    kind = models.CharField(max_length=20, choices=ClusterKind, default=ClusterKind.DISTRIBUTED)
    state = models.CharField(max_length=20, choices=ClusterState, default=ClusterState.PLANNING)
    infrastructure = models.CharField(
        max_length=10, choices=InfrastructureKind, default=InfrastructureKind.OWN
    )
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    country = models.CharField(
        max_length=2,
        blank=True,
        validators=[RegexValidator(r"^[A-Z]{2}$", "Two capital letters, such as DE.")],
        help_text="ISO 3166 code; its public holidays count in forecasts.",
    )
    availability_guarantee = models.CharField(
        max_length=100,
        blank=True,
        help_text="What the cloud provider guarantees, such as 99.95 % a month (R67).",
    )
    networks = models.ManyToManyField(Network, blank=True, related_name="clusters")
    credential = models.ForeignKey(
        "inventory.Credential",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="default_of",
        verbose_name="login",
        help_text="For its containers that have no login of their own.",
    )
    bastion = models.ForeignKey(
        "inventory.Bastion",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="clusters",
        help_text="The host that the portal goes through to reach its containers.",
    )
    parameters = models.JSONField(
        default=dict, blank=True, help_text="Values for the platform's parameters."
    )
    is_example = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Name the invariants."""

        ordering = ("name",)
        constraints = (
            slug_constraint("cluster_slug_is_slug", "slug"),
            choice_constraint("cluster_kind_is_known", "kind", ClusterKind),
            choice_constraint("cluster_state_is_known", "state", ClusterState),
            choice_constraint(
                "cluster_infrastructure_is_known", "infrastructure", InfrastructureKind
            ),
            models.CheckConstraint(
                condition=Q(country="") | Q(country__regex=r"^[A-Z]{2}$"),
                name="cluster_country_is_iso",
                violation_error_message="Two capital letters, such as DE.",
            ),
        )
        permissions = (("provision_cluster", "Can start runs on a cluster"),)

    def __str__(self) -> str:
        """Return the cluster's name."""
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address of the cluster's page."""
        return reverse("inventory:cluster-detail", args=[self.slug])


class MaintenanceWindow(models.Model):
    """A time in which a cluster, or one of its containers, is worked on and alerts are held."""

    cluster = models.ForeignKey(
        Cluster, on_delete=models.CASCADE, related_name="maintenance_windows"
    )
    container = models.ForeignKey(
        "inventory.Container",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="maintenance_windows",
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=200)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )

    class Meta:
        """Name the invariants."""

        ordering = ("-starts_at",)
        constraints = (
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")),
                name="maintenancewindow_ends_after_start",
                violation_error_message="A maintenance window ends after it starts.",
            ),
            models.CheckConstraint(
                condition=~Q(reason=""),
                name="maintenancewindow_has_reason",
                violation_error_message="Say what the maintenance is for.",
            ),
        )

    def __str__(self) -> str:
        """Return what is maintained and from when."""
        return f"{self.container or self.cluster} from {self.starts_at:%Y-%m-%d %H:%M}"
