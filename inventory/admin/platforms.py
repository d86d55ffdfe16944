"""Platforms come from files and are shown; local overrides are written here."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.forms import BaseFormSet
from django.http import HttpRequest

from inventory.admin.access import ReadOnlyAdmin
from inventory.admin.base import RowAdmin, actor
from inventory.history import lock_clusters
from inventory.models import Platform, PlatformOverride, PlatformRevision, Release, Role
from inventory.platform_sync import check_override
from inventory.platforms.errors import PlatformError
from inventory.platforms.overrides import Override


@admin.register(Platform)
class PlatformAdmin(ReadOnlyAdmin):
    """The vendors' products."""

    list_display = ("name", "key", "vendor", "retired_at")


@admin.register(PlatformRevision)
class PlatformRevisionAdmin(ReadOnlyAdmin):
    """What the files said."""

    list_display = ("platform", "number", "content_hash", "created_at")
    list_filter = ("platform",)
    list_select_related = ("platform",)


@admin.register(Release)
class ReleaseAdmin(ReadOnlyAdmin):
    """Releases that clusters pin."""

    list_display = ("name", "platform", "key", "retired_at")
    list_filter = ("platform",)
    list_select_related = ("platform",)


@admin.register(Role)
class RoleAdmin(ReadOnlyAdmin):
    """Roles of nodes."""

    list_display = ("name", "platform", "key", "layer", "retired_at")
    list_filter = ("platform", "layer")
    list_select_related = ("platform",)


@admin.register(PlatformOverride)
class PlatformOverrideAdmin(RowAdmin):
    """What an operator knows better than the vendor, with the reason."""

    list_display = ("platform", "path", "value", "author", "created_at", "expires_at")
    list_filter = ("platform",)
    list_select_related = ("platform", "author")
    fields = ("platform", "path", "value", "reason", "expires_at")

    def write(
        self, request: HttpRequest, row: Any, form: Any, formsets: list[BaseFormSet], change: bool
    ) -> models.Model:
        """Write an override that fits, under the locks of the clusters whose rules it changes."""
        self._lock(row.platform)
        if not change:
            row.author = actor(request)
        try:
            check_override(
                row.platform.revisions.latest(), Override(row.path, row.value, row.reason)
            )
        except PlatformError as error:
            raise ValidationError({"path": str(error)}) from error
        return super().write(request, row, form, formsets, change)

    def remove(self, request: HttpRequest, row: PlatformOverride) -> None:
        """Let the vendor's fact hold again."""
        self._lock(row.platform)
        super().remove(request, row)

    def _lock(self, platform: Platform) -> None:
        """Keep the platform's clusters from changing meanwhile."""
        lock_clusters(list(platform.clusters.values_list("pk", flat=True)))
