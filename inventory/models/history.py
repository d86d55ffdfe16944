"""What was known, what happened and who changed what; events and changes are only appended."""

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from inventory.states import Origin
from voipadmin.db import choice_constraint


class Fact(models.Model):
    """A value known of a cluster, container or node, with its age and origin."""

    cluster = models.ForeignKey("inventory.Cluster", on_delete=models.CASCADE, related_name="facts")
    container = models.ForeignKey(
        "inventory.Container",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="facts",
    )
    node = models.ForeignKey(
        "inventory.Node", null=True, blank=True, on_delete=models.CASCADE, related_name="facts"
    )
    key = models.CharField(max_length=100, help_text="Such as extensions or patroni_role.")
    value = models.JSONField()
    at = models.DateTimeField()
    origin = models.CharField(max_length=10, choices=Origin)

    class Meta:
        """Name the invariants."""

        ordering = ("cluster", "key")
        constraints = (
            models.UniqueConstraint(
                fields=("cluster", "container", "node", "key", "origin"),
                name="fact_is_single",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(container=None) | Q(node=None),
                name="fact_has_one_subject",
                violation_error_message="A fact is about a cluster, a container or a node.",
            ),
            choice_constraint("fact_origin_is_known", "origin", Origin),
        )

    def __str__(self) -> str:
        """Return subject, key and value."""
        return f"{self.node or self.container or self.cluster}: {self.key} = {self.value}"


class Event(models.Model):
    """Something that happened to a cluster, a container or a node."""

    cluster = models.ForeignKey(
        "inventory.Cluster", null=True, on_delete=models.CASCADE, related_name="events"
    )
    container = models.ForeignKey(
        "inventory.Container", null=True, on_delete=models.CASCADE, related_name="events"
    )
    node = models.ForeignKey(
        "inventory.Node", null=True, on_delete=models.CASCADE, related_name="events"
    )
    kind = models.CharField(max_length=50, help_text="Such as run-finished or host-down.")
    message = models.TextField()
    data = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Name the order."""

        ordering = ("-at", "-pk")
        indexes = (models.Index(fields=("cluster", "-at"), name="event_cluster_at"),)

    def __str__(self) -> str:
        """Return the message."""
        return self.message


class Change(models.Model):
    """One inventory write: who, what, before, after, in which request."""

    at = models.DateTimeField(auto_now_add=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    actor_name = models.CharField(max_length=150, help_text="Kept when the user is deleted.")
    request_id = models.CharField(max_length=64, blank=True)
    cluster = models.ForeignKey(
        "inventory.Cluster", null=True, on_delete=models.SET_NULL, related_name="changes"
    )
    operation = models.CharField(max_length=50)
    subject = models.CharField(max_length=200)
    summary = models.TextField()
    before = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    reason = models.TextField(blank=True)

    class Meta:
        """Name the order."""

        ordering = ("-at", "-pk")
        indexes = (models.Index(fields=("cluster", "-at"), name="change_cluster_at"),)

    def __str__(self) -> str:
        """Return the sentence."""
        return self.summary
