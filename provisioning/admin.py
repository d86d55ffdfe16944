"""Runs in the Django admin: to look at; the run pages act."""

from django.contrib import admin

from inventory.admin.access import ReadOnlyAdmin
from provisioning.models import (
    Attempt,
    CheckResult,
    ContainerLock,
    Preflight,
    Run,
    RunbookVersion,
    SingletonLock,
    Step,
)


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """Runs, the newest first."""

    list_display = ("__str__", "cluster", "kind", "status", "requested_by_name", "requested_at")
    list_filter = ("kind", "status", "cluster")


@admin.register(Step)
class StepAdmin(ReadOnlyAdmin):
    """Steps of all runs."""

    list_display = ("title", "container_name", "status", "run")
    list_filter = ("status", "kind")
    list_select_related = ("run__cluster",)
    search_fields = ("title", "container_name")


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    """Attempts of all steps."""

    list_display = ("__str__", "outcome", "exit_code", "created_at")
    list_filter = ("outcome",)
    list_select_related = ("step",)


@admin.register(ContainerLock)
class ContainerLockAdmin(ReadOnlyAdmin):
    """Who works on what now."""

    list_display = ("container", "run", "reason", "acquired_at")
    list_select_related = ("container", "run__cluster")


@admin.register(SingletonLock)
class SingletonLockAdmin(ReadOnlyAdmin):
    """Who works on what a cluster has once."""

    list_display = ("key", "cluster", "run", "acquired_at")
    list_select_related = ("cluster", "run__cluster")


@admin.register(RunbookVersion)
class RunbookVersionAdmin(ReadOnlyAdmin):
    """The runbooks that runs were planned with."""

    list_display = ("role", "platform", "hash", "first_used_at")
    list_filter = ("platform",)


@admin.register(Preflight)
class PreflightAdmin(ReadOnlyAdmin):
    """Looks at the machines, the newest first."""

    list_display = ("__str__", "cluster", "status", "requested_by_name", "requested_at")
    list_filter = ("status", "cluster")


@admin.register(CheckResult)
class CheckResultAdmin(ReadOnlyAdmin):
    """What each check said of each machine."""

    list_display = ("sentence", "key", "container_name", "outcome", "at")
    list_filter = ("outcome", "key")
    list_select_related = ("preflight__cluster",)
    search_fields = ("sentence", "container_name")
