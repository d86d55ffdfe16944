"""Workers: each `manage.py work` says here that it lives, for everybody on any machine to see."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class WorkerHeartbeat(models.Model):
    """The last word of a worker; times are the database's clock."""

    name = models.CharField(max_length=100, primary_key=True, help_text="Host and process.")
    started_at = models.DateTimeField(db_default=Now())
    at = models.DateTimeField(db_default=Now())
    processes = models.PositiveSmallIntegerField(help_text="How many carry out tasks.")
    idle = models.PositiveSmallIntegerField(help_text="How many of those have nothing to do.")

    class Meta:
        """Name the invariants, and who may see how the portal's processes are."""

        ordering = ("name",)
        permissions = (("view_operations", "Can see how the portal's processes are"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(idle__lte=F("processes")),
                name="workerheartbeat_idle_are_among_processes",
                violation_error_message="No more processes can be idle than there are.",
            ),
        )

    def __str__(self) -> str:
        """Return which worker it is."""
        return self.name
