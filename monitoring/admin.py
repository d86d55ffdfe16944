"""Monitoring in the Django admin: to look at; the collector and its tasks own these tables."""

from django.contrib import admin

from inventory.admin.access import ReadOnlyAdmin
from monitoring.models import Collector, HostState, IngestCounter, Shard


@admin.register(HostState)
class HostStateAdmin(ReadOnlyAdmin):
    """How hosts were found last."""

    list_display = ("container", "status", "last_seen_at", "failures", "error", "clock_skew_s")
    list_filter = ("status",)
    list_select_related = ("container",)
    search_fields = ("container__name", "error")


@admin.register(Collector)
class CollectorAdmin(ReadOnlyAdmin):
    """Who collects."""

    list_display = ("name", "started_at", "heartbeat_at", "hosts", "visits", "failures")


@admin.register(Shard)
class ShardAdmin(ReadOnlyAdmin):
    """Who holds which share of the hosts."""

    list_display = ("number", "holder", "expires_at")


@admin.register(IngestCounter)
class IngestCounterAdmin(ReadOnlyAdmin):
    """What was not stored."""

    list_display = ("reason", "count", "last_at")
