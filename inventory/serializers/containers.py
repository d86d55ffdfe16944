"""Containers with their addresses and disks."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

from rest_framework import serializers

from inventory.logins import login_fault
from inventory.models import Address, Container, Disk
from inventory.serializers.fields import (
    bastion_field,
    cluster_field,
    credential_field,
    hypervisor_field,
    location_field,
    network_field,
)
from inventory.snapshot import container_view
from inventory.ssh import HostKey
from inventory.topology import AddressView, ContainerView, DiskView
from voipadmin.serializers import AddressField, StrictModelSerializer, StrictSerializer


class ContainerAddressSerializer(StrictModelSerializer):
    """An address in a network; whether it is free there, the rules say."""

    network = network_field()
    ip = AddressField()

    class Meta:
        model = Address
        fields = ("network", "ip", "name")

    def row_faults(self, values: dict[str, Any], faulty: set[str]) -> Iterator[tuple[str, str]]:
        """Leave it to the operation, which knows the whole cluster, whether an address is free."""
        yield from super().row_faults(values, faulty | {"network"})


class ContainerDiskSerializer(StrictModelSerializer):
    """A disk, named by its device."""

    class Meta:
        model = Disk
        fields = ("device", "size_gib", "kind", "purpose")


class ContainerSerializer(StrictModelSerializer):
    """A machine; `cluster` is null in the free pool. Lists given replace what was there."""

    cluster = cluster_field(required=False)
    location = location_field(required=False)
    hypervisor = hypervisor_field()
    credential = credential_field()
    bastion = bastion_field()
    addresses = ContainerAddressSerializer(many=True, required=False)
    disks = ContainerDiskSerializer(many=True, required=False)
    host_key_fingerprint = serializers.SerializerMethodField()
    nodes = serializers.SerializerMethodField()
    settled = frozenset({"cluster"})

    class Meta:
        model = Container
        fields = (
            "id",
            "cluster",
            "name",
            "state",
            "location",
            "hypervisor",
            "virtualisation_ha",
            "os_id",
            "os_version",
            "arch",
            "vcpus",
            "memory_mib",
            "disks",
            "addresses",
            "behind_nat",
            "ssh_port",
            "ssh_network",
            "credential",
            "bastion",
            "skips_bastion",
            "host_key",
            "host_key_fingerprint",
            "host_key_confirmed_at",
            "nodes",
            "is_example",
            "created_at",
        )
        read_only_fields = ("host_key", "host_key_confirmed_at")

    def get_host_key_fingerprint(self, container: Container) -> str | None:
        """Return the pinned key as ssh-keygen -l prints it."""
        return HostKey.parse(container.host_key).fingerprint if container.host_key else None

    def get_nodes(self, container: Container) -> list[str]:
        """Name the nodes that run on the machine now."""
        return sorted(
            placement.node.name
            for placement in container.placements.all()
            if placement.valid_to is None
        )

    def row_faults(self, values: dict[str, Any], faulty: set[str]) -> Iterator[tuple[str, str]]:
        """Refuse a network or a device twice, beside what the row's constraints say."""
        yield from super().row_faults(values, faulty)
        yield from self._login_faults(values)
        networks = Counter(address["network"].name for address in values.get("addresses", ()))
        for name in _twice(networks):
            yield "addresses", f"A container has one address in a network; {name} is named twice."
        for device in _twice(Counter(disk["device"] for disk in values.get("disks", ()))):
            yield "disks", f"A disk has a device of its own; {device} is named twice."

    def _login_faults(self, values: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """Refuse a login of somebody else's, unless the container has it already."""
        row = cast("Container", self._row(values))
        held = self.instance.credential_id if isinstance(self.instance, Container) else None
        if row.credential and "credential" in values and row.credential_id != held:
            user = self.context["request"].user
            if fault := login_fault(row.credential, cluster=row.cluster, user=user):
                yield "credential", fault

    def view(self) -> ContainerView:
        """Return the machine as it would be."""
        values = dict(self.validated_data)
        values.pop("cluster", None)
        for name in ("location", "hypervisor", "credential", "bastion"):
            if name in values:
                values[name] = values[name].name if values[name] else None
        if "addresses" in values:
            values["addresses"] = tuple(
                AddressView(a["network"].name, a["ip"], a.get("name", ""))
                for a in values["addresses"]
            )
        if "disks" in values:
            values["disks"] = tuple(DiskView(**disk) for disk in values["disks"])
        if isinstance(self.instance, Container):
            return replace(container_view(self.instance), **values)
        return ContainerView(**values)


def _twice(names: Counter[str]) -> list[str]:
    """Return what occurs more than once."""
    return sorted(name for name, count in names.items() if count > 1)


class HostKeySerializer(serializers.Serializer):
    """A host key as the host shows it, beside the pinned one."""

    host_key = serializers.CharField()
    fingerprint = serializers.CharField()
    pinned_fingerprint = serializers.CharField(allow_null=True)
    is_pinned = serializers.BooleanField()


class HostKeyConfirmationSerializer(StrictSerializer):
    """The fingerprint that somebody has compared."""

    fingerprint = serializers.CharField(help_text="Such as SHA256:abc..., as the host shows it.")
    reason = serializers.CharField(
        required=False, help_text="Why the machine has another key than the pinned one."
    )


class ExposureSerializer(serializers.Serializer):
    """What of a firewall is too open, or closed to who needs it."""

    severity = serializers.CharField()
    requirement = serializers.CharField()
    ports = serializers.CharField()
    message = serializers.CharField()


class FirewallSerializer(serializers.Serializer):
    """A machine's firewall as text, and what does not fit."""

    syntax = serializers.CharField()
    text = serializers.CharField()
    exposures = ExposureSerializer(many=True)
