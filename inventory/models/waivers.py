"""Who answers for which finding, and until when."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class Waiver(models.Model):
    """An accepted warning or an overridden lock of a cluster; rows are closed, never deleted.

    `rule`, `subject` and `role` are a finding's identity. With a weight, a finding that has become
    worse is not covered any more.
    """

    cluster = models.ForeignKey(
        "inventory.Cluster", on_delete=models.CASCADE, related_name="waivers"
    )
    rule = models.CharField(max_length=60, help_text="Key of the rule, such as odd-members.")
    subject = models.CharField(max_length=200, help_text="Such as node:sip-01 or role:sip.")
    role = models.CharField(max_length=50, blank=True)
    weight = models.PositiveIntegerField(null=True, blank=True)
    reason = models.TextField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_by_name = models.CharField(max_length=150, help_text="Kept when the user is deleted.")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Name the invariants."""

        ordering = ("-created_at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=("cluster", "rule", "subject", "role"),
                condition=Q(revoked_at=None),
                name="waiver_is_single",
                violation_error_message="This finding is waived already.",
            ),
            models.CheckConstraint(
                condition=~Q(reason=""),
                name="waiver_has_reason",
                violation_error_message="Say why this may be so.",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")),
                name="waiver_expires_later",
                violation_error_message="A waiver ends in the future.",
            ),
        )
        permissions = (
            ("accept_warning", "Can accept warnings for a time"),
            ("override_lock", "Can override rules that lock decisions"),
        )

    def __str__(self) -> str:
        """Return rule and subject."""
        return f"{self.rule} of {self.subject}"
