"""Who collects which hosts, and how each host was found."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from monitoring import states
from monitoring.states import HostStatus, Shown
from voipadmin.db import choice_constraint


class Collector(models.Model):
    """A running `manage.py collect`; times are the database's clock."""

    name = models.CharField(max_length=100, primary_key=True)
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()
    hosts = models.PositiveIntegerField(default=0)
    visits = models.PositiveBigIntegerField(default=0)
    failures = models.PositiveBigIntegerField(default=0)

    class Meta:
        """Name the order."""

        ordering = ("name",)

    def __str__(self) -> str:
        """Return the process's name."""
        return self.name


class Shard(models.Model):
    """A share of the hosts (key modulo the number of shards), held by one collector at a time."""

    number = models.PositiveSmallIntegerField(primary_key=True)
    holder = models.CharField(max_length=100, blank=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        """Name the order."""

        ordering = ("number",)

    def __str__(self) -> str:
        """Return number and holder."""
        return f"{self.number}: {self.holder or 'free'}"


class HostState(models.Model):
    """How a container was found at its last visits."""

    container = models.OneToOneField(
        "inventory.Container",
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="host_state",
    )
    status = models.CharField(max_length=10, choices=HostStatus, default=HostStatus.UNKNOWN)
    changed_at = models.DateTimeField(help_text="Since when it has this status.")
    last_attempt_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(null=True, help_text="The last complete visit.")
    failures = models.PositiveIntegerField(default=0, help_text="Failed visits in a row.")
    error = models.TextField(blank=True, help_text="Why the last visit failed.")
    probe_errors = models.JSONField(
        default=dict, help_text="Parts of the probe that failed at the last complete visit."
    )
    clock_skew_s = models.FloatField(null=True)
    round_trip_ms = models.FloatField(null=True)
    boot_id = models.CharField(max_length=40, blank=True)
    measured_in = models.CharField(
        max_length=10, blank=True, help_text="host, or cgroup in a system container."
    )
    collector = models.CharField(max_length=100, blank=True)
    cluster_path = "container__cluster"
    seen_with = "inventory.view_container"

    class Meta:
        """Name the invariants."""

        ordering = ("container__name",)
        constraints = (choice_constraint("hoststate_status_is_known", "status", HostStatus),)

    def __str__(self) -> str:
        """Return host and status."""
        return f"{self.container}: {self.get_status_display()}"

    def shown(self, now: datetime | None = None) -> Shown:
        """Return what a page may say of the host now."""
        return states.shown(
            self.status,
            seen_at=self.last_seen_at,
            attempted_at=self.last_attempt_at,
            now=now or timezone.now(),
            interval=timedelta(seconds=settings.COLLECT_INTERVAL_S),
        )
