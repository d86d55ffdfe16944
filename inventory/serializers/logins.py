"""Logins and bastions."""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import User
from rest_framework import serializers

from inventory.logins import key_fault, owner_fault
from inventory.models import Bastion, Credential
from inventory.serializers.fields import cluster_field, credential_field, named
from inventory.ssh import HostKey
from inventory.states import CredentialKind
from voipadmin.serializers import StrictModelSerializer


class SecretField(serializers.CharField):
    """A text that is taken and never shown."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            write_only=True, trim_whitespace=False, style={"input_type": "password"}, **options
        )


class CredentialSerializer(StrictModelSerializer):
    """A login; its secrets are taken and never shown."""

    cluster = cluster_field(required=False)
    user = named(User.objects.all(), "username", required=False)
    secret = SecretField(help_text="Private key in OpenSSH or PEM format, or a password.")
    passphrase = SecretField(
        required=False, allow_null=True, help_text="What opens the private key."
    )
    sudo_password = SecretField(
        required=False,
        allow_null=True,
        help_text="What sudo asks for, where it is not the login's password.",
    )

    class Meta:
        model = Credential
        fields = (
            "id",
            "name",
            "cluster",
            "user",
            "kind",
            "username",
            "secret",
            "passphrase",
            "fingerprint",
            "sudo",
            "sudo_password",
        )
        read_only_fields = ("fingerprint",)

    def row_faults(self, values: dict[str, Any], faulty: set[str]) -> Iterator[tuple[str, str]]:
        """Open a private key before it is stored; nobody can look at it later."""
        yield from super().row_faults(values, faulty)
        row = self._row(values)
        if not isinstance(row, Credential) or faulty & {"secret", "kind", "passphrase"}:
            return
        if row.user_id not in (None, self.context["request"].user.pk):
            yield "user", "A login can be your own or everybody's."
        elif fault := owner_fault(row):
            yield "user", fault
        typed = {"secret", "kind", "passphrase"} & values.keys()
        if row.kind == CredentialKind.KEY and typed:
            found = key_fault(row.secret, row.passphrase)
            if found:
                yield found


class BastionSerializer(StrictModelSerializer):
    """A host that leads to others; its host key is pinned at `host-key/`."""

    credential = credential_field(required=True)
    via = named(Bastion.objects.all(), required=False)
    host_key_fingerprint = serializers.SerializerMethodField()

    class Meta:
        model = Bastion
        fields = (
            "id",
            "name",
            "host",
            "port",
            "credential",
            "via",
            "host_key",
            "host_key_fingerprint",
            "host_key_confirmed_at",
        )
        read_only_fields = ("host_key", "host_key_confirmed_at")

    def get_host_key_fingerprint(self, bastion: Bastion) -> str | None:
        """Return the pinned key as ssh-keygen -l prints it."""
        return HostKey.parse(bastion.host_key).fingerprint if bastion.host_key else None
