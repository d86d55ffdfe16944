"""Locations, hypervisors, networks, logins and maintenance windows."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.forms import BaseFormSet
from django.http import HttpRequest

from inventory.admin.access import ReadOnlyAdmin
from inventory.admin.base import OperationForm, RowAdmin, actor
from inventory.forms.logins import SecretTextarea
from inventory.models import (
    Credential,
    Hypervisor,
    Location,
    MaintenanceWindow,
    Network,
    Secret,
)
from inventory.services import save_network
from inventory.ssh import AuthenticationFailed, check_private_key
from inventory.states import CredentialKind


@admin.register(Location)
class LocationAdmin(RowAdmin):
    """Places where machines fail together."""

    list_display = ("name",)
    search_fields = ("name",)


@admin.register(Hypervisor)
class HypervisorAdmin(RowAdmin):
    """Physical hosts."""

    list_display = ("name", "location", "technology")
    list_filter = ("location",)
    list_select_related = ("location",)
    search_fields = ("name",)


@admin.register(Network)
class NetworkAdmin(RowAdmin):
    """Private and public networks."""

    list_display = ("name", "kind", "cidr", "gateway", "location")
    list_filter = ("kind", "location")
    list_select_related = ("location",)
    search_fields = ("name",)

    def write(
        self, request: HttpRequest, row: Any, form: Any, formsets: list[BaseFormSet], change: bool
    ) -> models.Model:
        """Write a network; the clusters that use it are checked."""
        return save_network(row, actor=actor(request))


class CredentialForm(OperationForm):
    """A login; its secret is typed in and never shown."""

    secret = forms.CharField(
        required=False,
        strip=False,
        widget=SecretTextarea(attrs={"rows": 6, "spellcheck": "false", "autocomplete": "off"}),
        help_text="Private key without passphrase, or a password. Stored encrypted, never shown "
        "again. Empty: stays as it is.",
    )

    class Meta:
        model = Credential
        fields = ("name", "cluster", "user", "kind", "username", "secret", "sudo")

    def clean(self) -> dict[str, Any]:
        """Ask for a secret once; read a private key before it is stored."""
        data = super().clean() or self.cleaned_data
        typed = data.get("secret", "").replace("\r\n", "\n")
        data["secret"] = typed or self.instance.secret
        if not data["secret"]:
            self.add_error("secret", "Type the password or paste the private key.")
        elif data.get("kind") == CredentialKind.KEY and {"secret", "kind"} & {*self.changed_data}:
            try:
                check_private_key(data["secret"])
            except AuthenticationFailed as error:
                self.add_error("secret", str(error))
        return data


@admin.register(Credential)
class CredentialAdmin(RowAdmin):
    """Logins; their secrets never leave."""

    form = CredentialForm
    list_display = ("name", "kind", "username", "cluster", "user", "sudo")
    list_filter = ("kind", "cluster")
    list_select_related = ("cluster", "user")
    search_fields = ("name", "username")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show no secret to whoever may only look, either."""
        may = self.has_change_permission(request, obj) or obj is None
        names = CredentialForm.Meta.fields
        return names if may else tuple(name for name in names if name != "secret")


@admin.register(Secret)
class SecretAdmin(ReadOnlyAdmin):
    """Which passwords were generated; their values never leave."""

    list_display = ("cluster", "key", "created_at")
    list_filter = ("cluster",)
    list_select_related = ("cluster",)
    fields = ("cluster", "key", "created_at")


class MaintenanceWindowForm(OperationForm):
    """A window of a cluster, or of one of its containers."""

    class Meta:
        model = MaintenanceWindow
        fields = ("cluster", "container", "starts_at", "ends_at", "reason")

    def clean(self) -> dict[str, Any]:
        """Refuse a container of another cluster."""
        data = super().clean() or self.cleaned_data
        cluster, container = data.get("cluster"), data.get("container")
        if cluster and container and container.cluster_id != cluster.pk:
            self.add_error("container", "It is no container of this cluster.")
        return data


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(RowAdmin):
    """Times in which alerts are held."""

    form = MaintenanceWindowForm
    autocomplete_fields = ("container",)
    list_display = ("cluster", "container", "starts_at", "ends_at", "reason", "opened_by")
    list_filter = ("cluster",)
    list_select_related = ("cluster", "container", "opened_by")

    def write(
        self, request: HttpRequest, row: Any, form: Any, formsets: list[BaseFormSet], change: bool
    ) -> models.Model:
        """Write a window; it keeps who opened it."""
        if not change:
            row.opened_by = actor(request)
        return super().write(request, row, form, formsets, change)
