"""Containers with their addresses and disks, written as one."""

from dataclasses import replace
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.forms import BaseFormSet
from django.http import HttpRequest

from inventory.access import visible
from inventory.admin.access import ReadOnlyAdmin
from inventory.admin.base import (
    OperationAdmin,
    OperationForm,
    PartInline,
    actor,
    kept,
)
from inventory.edits import container_edits
from inventory.logins import login_fault, may_use_shared_logins
from inventory.models import Address, Cluster, Container, Credential, Disk
from inventory.operations import AddContainer, RemoveContainer
from inventory.snapshot import container_view
from inventory.topology import AddressView, ContainerView, DiskView

CHANGE = "inventory.change_container"
COLUMNS = (
    "name",
    "state",
    "os_id",
    "os_version",
    "arch",
    "vcpus",
    "memory_mib",
    "behind_nat",
    "virtualisation_ha",
    "ssh_port",
    "ssh_network",
    "skips_bastion",
)
NAMED = ("location", "hypervisor", "credential", "bastion")


class AddressForm(OperationForm):
    """An address; whether it is free, the rules say."""

    left_to_rules = frozenset({"ip"})


class AddressInline(PartInline):
    """The addresses of a container."""

    model = Address
    form = AddressForm


class DiskInline(PartInline):
    """The disks of a container."""

    model = Disk
    form = OperationForm


@admin.register(Container)
class ContainerAdmin(OperationAdmin):
    """Machines in clusters and in the free pool."""

    list_display = ("name", "cluster", "state", "os_id", "os_version", "vcpus", "memory_mib")
    list_filter = ("cluster", "state", "os_id", "location")
    list_select_related = ("cluster",)
    search_fields = ("name", "addresses__ip", "addresses__name")
    fields = ("cluster", *COLUMNS, *NAMED, "host_key", "host_key_confirmed_at", "created_at")
    readonly_fields = ("host_key", "host_key_confirmed_at", "created_at")
    inlines = (AddressInline, DiskInline)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the logins of one's clusters, and the one that is held."""
        if db_field.name == "credential":
            kwargs["queryset"] = _logins(request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def write(
        self, request: HttpRequest, row: Any, form: Any, formsets: list[BaseFormSet], change: bool
    ) -> models.Model:
        """Add a machine, change it, or move it between clusters and free pool."""
        target, credential = form.cleaned_data["cluster"], form.cleaned_data["credential"]
        if credential and "credential" in form.changed_data:
            fault = login_fault(credential, cluster=target, user=actor(request))
            if fault:
                raise ValidationError({"credential": fault})
        if not change:
            view = ContainerView(**_values(form.cleaned_data, formsets))
            return self.carry_out(request, AddContainer(view), target).row
        stored = Container.objects.select_related("cluster").get(pk=row.pk)
        view = replace(container_view(stored), **_values(form.cleaned_data, formsets))
        for operation, cluster in container_edits(stored, view, target):
            self.carry_out(request, operation, cluster)
        return stored

    def remove(self, request: HttpRequest, row: Container) -> None:
        """Take a machine out of the inventory."""
        self.carry_out(request, RemoveContainer(row.name, to_pool=False), row.cluster)


@admin.register(Address)
class AddressAdmin(ReadOnlyAdmin):
    """All addresses, to search in; they are changed at their container."""

    list_display = ("ip", "network", "container", "name")
    list_filter = ("network",)
    list_select_related = ("network", "container")
    search_fields = ("ip", "name", "container__name")


@admin.register(Disk)
class DiskAdmin(ReadOnlyAdmin):
    """All disks, to search in; they are changed at their container."""

    list_display = ("device", "container", "size_gib", "kind", "purpose")
    list_filter = ("kind", "purpose")
    list_select_related = ("container",)
    search_fields = ("device", "container__name")


def _logins(request: HttpRequest) -> models.QuerySet[Credential]:
    """Return the logins that somebody may choose, and the one that the machine has."""
    rows = Credential.objects.all()
    held = request.resolver_match.kwargs.get("object_id") if request.resolver_match else None
    number = int(held) if held and held.isdecimal() else None
    # Without a number it would be every login that no machine has.
    of_this = Q(pk__in=rows.filter(containers=number).values("pk")) if number else Q(pk=None)
    mine = Q()
    if not may_use_shared_logins(actor(request)):
        mine = Q(cluster__in=visible(Cluster.objects.all(), request.user, CHANGE))
    return rows.filter((mine & Q(user=None)) | of_this)


def _values(data: dict[str, Any], formsets: list[BaseFormSet]) -> dict[str, Any]:
    """Return what the forms say, in the words of a view."""
    parts = {formset.model: list(kept(formset)) for formset in formsets}  # type: ignore[attr-defined]
    return {
        **{name: data[name] for name in COLUMNS},
        **{name: data[name].name if data[name] else None for name in NAMED},
        "addresses": tuple(
            AddressView(part["network"].name, part["ip"], part["name"])
            for part in parts.get(Address, ())
        ),
        "disks": tuple(
            DiskView(part["device"], part["size_gib"], part["kind"], part["purpose"])
            for part in parts.get(Disk, ())
        ),
    }
