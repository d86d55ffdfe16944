"""Locations, hypervisors, networks and logins: what belongs to no single cluster."""

from typing import Any

from django.contrib.auth.models import User
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from inventory.models import Credential, Hypervisor, Location, MaintenanceWindow, Network
from inventory.models.containers import Container
from inventory.serializers.fields import cluster_field, location_field, named, shown
from inventory.ssh import AuthenticationFailed, check_private_key
from inventory.states import CredentialKind
from voipadmin.serializers import AddressField, RangeField, StrictModelSerializer


class LocationSerializer(StrictModelSerializer):
    """A place where machines fail together."""

    class Meta:
        model = Location
        fields = ("id", "name", "is_example")


class HypervisorSerializer(StrictModelSerializer):
    """A physical host whose loss takes its containers along."""

    location = location_field()

    class Meta:
        model = Hypervisor
        fields = ("id", "name", "location", "technology", "is_example")


class NetworkSerializer(StrictModelSerializer):
    """A private or public network."""

    cidr = RangeField()
    gateway = AddressField(required=False, allow_null=True)
    location = location_field(required=False)

    class Meta:
        model = Network
        fields = ("id", "name", "kind", "cidr", "gateway", "location", "is_example")


class CredentialSerializer(StrictModelSerializer):
    """A login; its secret is taken and never shown."""

    cluster = cluster_field(required=False)
    user = named(User.objects.all(), "username", required=False)
    secret = serializers.CharField(
        write_only=True,
        trim_whitespace=False,
        help_text="Private key in OpenSSH or PEM format without passphrase, or a password.",
    )

    class Meta:
        model = Credential
        fields = ("id", "name", "cluster", "user", "kind", "username", "secret", "sudo")

    def row_faults(self, values: dict[str, Any], faulty: set[str]) -> Any:
        """Read a private key before it is stored; nobody can look at it later."""
        yield from super().row_faults(values, faulty)
        row = self._row(values)
        if not isinstance(row, Credential) or faulty & {"secret", "kind"}:
            return
        if row.kind == CredentialKind.KEY and {"secret", "kind"} & values.keys():
            try:
                check_private_key(row.secret)
            except AuthenticationFailed as error:
                yield "secret", str(error)


class MaintenanceWindowSerializer(StrictModelSerializer):
    """A time in which a cluster, or one container of it, is worked on."""

    cluster = cluster_field()
    container = serializers.PrimaryKeyRelatedField(
        queryset=Container.objects.all(), required=False, allow_null=True
    )
    opened_by = shown("username")

    class Meta:
        model = MaintenanceWindow
        fields = ("id", "cluster", "container", "starts_at", "ends_at", "reason", "opened_by")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a container of another cluster."""
        row = self._row(attrs)
        container = row.container if isinstance(row, MaintenanceWindow) else None
        if container and container.cluster_id != row.cluster_id:  # type: ignore[attr-defined]
            raise ValidationError({"container": ["It is no container of this cluster."]})
        return attrs
