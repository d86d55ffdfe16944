"""Containers: the machines, their addresses and disks."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from netfields import InetAddressField

from inventory.states import ContainerState, DiskKind, DiskPurpose, NetworkKind
from voipadmin.db import choice_constraint, hostname_constraint


class ContainerQuerySet(models.QuerySet):
    """Words for choosing containers."""

    def free(self) -> ContainerQuerySet:
        """Select the pool: containers that belong to no cluster."""
        return self.filter(cluster=None)

    def monitored(self) -> ContainerQuerySet:
        """Select what the collector visits: real machines that run and can be logged in to."""
        return self.filter(
            is_example=False, state=ContainerState.RUNNING, cluster__isnull=False
        ).exclude(host_key="")

    def with_login(self) -> ContainerQuerySet:
        """Read along what a login needs: credentials, bastions and addresses."""
        ways = ("bastion", "cluster__bastion")
        before = ("credential", "via__credential", "via__via__credential")
        return self.select_related(
            "credential", "cluster__credential", *(f"{w}__{b}" for w in ways for b in before)
        ).prefetch_related("addresses__network")


class Container(models.Model):
    """A virtual computing instance with its own CPU, memory, storage, addresses and OS (R2, R3)."""

    cluster = models.ForeignKey(
        "inventory.Cluster",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="containers",
        help_text="Empty: in the free pool.",
    )
    name = models.CharField(max_length=63, help_text="Host name, such as pg-node-01.")
    location = models.ForeignKey(
        "inventory.Location",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="containers",
    )
    hypervisor = models.ForeignKey(
        "inventory.Hypervisor",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="containers",
    )
    state = models.CharField(max_length=10, choices=ContainerState, default=ContainerState.RUNNING)
    os_id = models.CharField(
        "operating system", max_length=30, help_text="ID of os-release, such as debian."
    )
    os_version = models.CharField(
        "OS version", max_length=20, help_text="VERSION_ID of os-release, such as 13."
    )
    arch = models.CharField("architecture", max_length=20, default="x86_64")
    vcpus = models.PositiveIntegerField("vCPUs", validators=[MinValueValidator(1)])
    memory_mib = models.PositiveIntegerField("memory (MiB)", validators=[MinValueValidator(1)])
    behind_nat = models.BooleanField(
        "behind NAT",
        default=False,
        help_text="Its public address is reached through carrier-grade NAT (R17).",
    )
    virtualisation_ha = models.CharField(
        "virtualisation HA",
        max_length=100,
        blank=True,
        help_text="Technology that protects this machine, such as vSphere HA (R62).",
    )
    ssh_port = models.PositiveIntegerField(
        "SSH port", default=22, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    ssh_network = models.CharField(
        "reach over",
        max_length=10,
        choices=NetworkKind,
        default=NetworkKind.PRIVATE,
        help_text="Which address the portal logs in to.",
    )
    credential = models.ForeignKey(
        "inventory.Credential",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="containers",
    )
    bastion = models.ForeignKey(
        "inventory.Bastion",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="containers",
        help_text="Instead of the cluster's.",
    )
    skips_bastion = models.BooleanField(
        "reached directly", default=False, help_text="Without the cluster's bastion."
    )
    host_key = models.TextField(
        blank=True, editable=False, help_text="Pinned public host key, type and base64."
    )
    host_key_confirmed_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_example = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ContainerQuerySet.as_manager()

    class Meta:
        """Name the invariants."""

        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(
                fields=("cluster", "name"),
                name="container_name_is_unique",
                nulls_distinct=False,
                violation_error_message="A container of this cluster has this name already.",
            ),
            hostname_constraint("container_name_is_hostname", "name"),
            choice_constraint("container_state_is_known", "state", ContainerState),
            models.CheckConstraint(
                condition=Q(bastion=None) | Q(skips_bastion=False),
                name="container_bastion_or_none",
                violation_error_message="Choose a bastion, or reach it directly.",
            ),
            choice_constraint("container_ssh_network_is_known", "ssh_network", NetworkKind),
            models.CheckConstraint(
                condition=Q(vcpus__gte=1),
                name="container_has_cpu",
                violation_error_message="A container has at least one vCPU.",
            ),
            models.CheckConstraint(
                condition=Q(memory_mib__gte=1),
                name="container_has_memory",
                violation_error_message="A container has at least 1 MiB of memory.",
            ),
            models.CheckConstraint(
                condition=Q(ssh_port__gte=1, ssh_port__lte=65535),
                name="container_ssh_port_is_port",
                violation_error_message="A port is between 1 and 65535.",
            ),
            models.CheckConstraint(
                condition=Q(host_key="", host_key_confirmed_at__isnull=True)
                | (~Q(host_key="") & Q(host_key_confirmed_at__isnull=False)),
                name="container_host_key_is_confirmed",
                violation_error_message="A host key is pinned only when somebody confirmed it.",
            ),
        )
        permissions = (("repin_host_key", "Can trust another host key than the trusted one"),)

    def __str__(self) -> str:
        """Return the host name."""
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address of the container's page."""
        return reverse("inventory:container-detail", args=[self.pk])


class Address(models.Model):
    """An address of a container in a network, unique per network."""

    container = models.ForeignKey(Container, on_delete=models.CASCADE, related_name="addresses")
    network = models.ForeignKey(
        "inventory.Network", on_delete=models.PROTECT, related_name="addresses"
    )
    ip = InetAddressField("IP address", store_prefix_length=False)
    name = models.CharField(
        "DNS name", max_length=253, blank=True, help_text="Name customers or nodes use (R49, R51)."
    )

    class Meta:
        """Name the invariants."""

        ordering = ("container", "network")
        verbose_name_plural = "addresses"
        constraints = (
            models.UniqueConstraint(
                fields=("network", "ip"),
                name="address_ip_is_unique",
                violation_error_message="This address is taken in this network.",
            ),
            models.UniqueConstraint(
                fields=("container", "network"),
                name="address_network_is_unique",
                violation_error_message="The container has an address in this network already.",
            ),
            models.CheckConstraint(
                condition=Q(name="") | Q(name__regex=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$"),
                name="address_name_is_hostname",
                violation_error_message="A DNS name has letters, digits, hyphens and dots.",
            ),
        )

    def __str__(self) -> str:
        """Return the address."""
        return str(self.ip)


class Disk(models.Model):
    """A disk of a container."""

    container = models.ForeignKey(Container, on_delete=models.CASCADE, related_name="disks")
    device = models.CharField(max_length=64, help_text="Such as /dev/sdb.")
    size_gib = models.PositiveIntegerField("size (GiB)", validators=[MinValueValidator(1)])
    kind = models.CharField(max_length=10, choices=DiskKind)
    purpose = models.CharField(max_length=10, choices=DiskPurpose, default=DiskPurpose.SYSTEM)

    class Meta:
        """Name the invariants."""

        ordering = ("container", "device")
        constraints = (
            models.UniqueConstraint(
                fields=("container", "device"),
                name="disk_device_is_unique",
                violation_error_message="The container has a disk with this device already.",
            ),
            models.CheckConstraint(
                condition=Q(size_gib__gte=1),
                name="disk_has_size",
                violation_error_message="A disk has at least 1 GiB.",
            ),
            choice_constraint("disk_kind_is_known", "kind", DiskKind),
            choice_constraint("disk_purpose_is_known", "purpose", DiskPurpose),
        )

    def __str__(self) -> str:
        """Return device and size."""
        return f"{self.device} ({self.size_gib} GiB {self.get_kind_display()})"
