"""Versions of runbooks that runs were planned with, kept for as long as a run names them."""

from django.db import models


class RunbookVersion(models.Model):
    """A runbook with everything it may include, as it was; never changed, so kept once."""

    hash = models.CharField(primary_key=True, max_length=64)
    platform = models.CharField(max_length=50)
    role = models.CharField(max_length=100)
    files = models.JSONField(help_text="Texts by path below the platform's folder.")
    first_used_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Name the order."""

        ordering = ("platform", "role", "first_used_at")

    def __str__(self) -> str:
        """Return what it installs, and which version it is."""
        return f"{self.platform}/{self.role} {self.hash[:12]}"
