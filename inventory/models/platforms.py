"""Platforms, their releases, roles and immutable revisions, as read from YAML."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from voipadmin.db import slug_constraint


class Platform(models.Model):
    """A vendor's telephony product."""

    key = models.SlugField(unique=True, help_text="Stable key, such as ring2all.")
    name = models.CharField(max_length=100)
    vendor = models.CharField(max_length=100)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Name the invariants."""

        ordering = ("key",)
        constraints = (slug_constraint("platform_key_is_slug", "key"),)

    def __str__(self) -> str:
        """Return the product's name."""
        return self.name


class PlatformRevision(models.Model):
    """The validated content of a platform's file at one time; never changed."""

    platform = models.ForeignKey(Platform, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    content_hash = models.CharField(max_length=64)
    content = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Name the invariants."""

        ordering = ("platform", "-number")
        get_latest_by = "number"
        constraints = (
            models.UniqueConstraint(
                fields=("platform", "number"), name="platformrevision_number_is_unique"
            ),
        )

    def __str__(self) -> str:
        """Return platform and number."""
        return f"{self.platform} r{self.number}"


class Release(models.Model):
    """A release of a platform that a cluster can pin."""

    platform = models.ForeignKey(Platform, on_delete=models.PROTECT, related_name="releases")
    key = models.CharField(max_length=50)
    name = models.CharField(max_length=100)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Name the invariants."""

        ordering = ("platform", "key")
        constraints = (
            models.UniqueConstraint(fields=("platform", "key"), name="release_key_is_unique"),
        )

    def __str__(self) -> str:
        """Return the release's full name."""
        return self.name


class Role(models.Model):
    """A specialisation of nodes (R8); its facts are in the platform's revision."""

    platform = models.ForeignKey(Platform, on_delete=models.PROTECT, related_name="roles")
    key = models.SlugField()
    name = models.CharField(max_length=100)
    layer = models.CharField(max_length=50)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Name the invariants."""

        ordering = ("platform", "key")
        constraints = (
            models.UniqueConstraint(fields=("platform", "key"), name="role_key_is_unique"),
            slug_constraint("role_key_is_slug", "key"),
        )

    def __str__(self) -> str:
        """Return the role's name."""
        return self.name


class PlatformOverride(models.Model):
    """An operator's local addition or change to a platform's facts, merged when read."""

    platform = models.ForeignKey(Platform, on_delete=models.PROTECT, related_name="overrides")
    path = models.CharField(
        max_length=200, help_text="Dotted path, such as roles.sql-slave.counts.maximum."
    )
    value = models.JSONField(null=True, blank=True)
    reason = models.TextField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="platform_overrides"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Name the invariants."""

        ordering = ("platform", "path", "created_at")
        constraints = (
            models.CheckConstraint(
                condition=~Q(reason=""),
                name="platformoverride_has_reason",
                violation_error_message="Say why the vendor's fact does not hold here.",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("created_at")),
                name="platformoverride_expires_after_creation",
                violation_error_message="An override expires after it was made, not before.",
            ),
        )

    def __str__(self) -> str:
        """Return what is overridden."""
        return f"{self.platform}: {self.path}"
