"""Who may do what where."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models
from django.db.models import Q

from inventory.access_levels import AccessLevel
from voipadmin.db import choice_constraint


class GrantQuerySet(models.QuerySet):
    """Words for choosing grants."""

    def held_by(self, user: AbstractBaseUser | AnonymousUser) -> GrantQuerySet:
        """Select what a user was granted, in person or through a group."""
        return self.filter(Q(user=user.pk) | Q(group__user=user.pk))


class Grant(models.Model):
    """A level of access of a user or a group, to a cluster or to all of them."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="grants",
    )
    group = models.ForeignKey(
        "auth.Group", null=True, blank=True, on_delete=models.CASCADE, related_name="grants"
    )
    cluster = models.ForeignKey(
        "inventory.Cluster",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="grants",
        help_text="Empty: all clusters, and what they share.",
    )
    level = models.CharField(max_length=20, choices=AccessLevel)
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    granted_by_name = models.CharField(
        max_length=150, blank=True, editable=False, help_text="Kept when the user is deleted."
    )
    granted_at = models.DateTimeField(auto_now_add=True)

    objects = GrantQuerySet.as_manager()

    class Meta:
        """Name the invariants."""

        ordering = ("cluster__name", "user__username", "group__name", "level")
        constraints = (
            models.UniqueConstraint(
                fields=("cluster", "user", "group", "level"),
                name="grant_is_single",
                nulls_distinct=False,
                violation_error_message="This has been granted already.",
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=False, group=None) | Q(user=None, group__isnull=False),
                name="grant_has_one_holder",
                violation_error_message="Grant it to a user or to a group, not to both.",
            ),
            choice_constraint("grant_level_is_known", "level", AccessLevel),
        )

    def __str__(self) -> str:
        """Return who may do what where."""
        return f"{self.holder}: {self.level} of {self.cluster or 'all clusters'}"

    @property
    def holder(self) -> str:
        """Name the user or the group."""
        return f"group {self.group}" if self.group else str(self.user)
