"""What the portal asks of those who sign in."""

from __future__ import annotations

from django.db import models
from django.db.models import Q, TextChoices

from voipadmin.db import choice_constraint


class Requirement(TextChoices):
    """Who must have a second factor."""

    NOBODY = "nobody", "Nobody has to"
    ADMINISTRATORS = "administrators", "Administrators"
    EVERYBODY = "everybody", "Everybody"


class SignInPolicy(models.Model):
    """The portal's one policy; without a row nobody has to have a second factor."""

    second_factor = models.CharField(
        max_length=20,
        choices=Requirement,
        default=Requirement.NOBODY,
        help_text="Who has to set one up before anything else. Administrators: of a cluster, of "
        "all of them, or of the portal.",
    )

    class Meta:
        """Name the invariants."""

        verbose_name_plural = "sign-in policy"
        constraints = (
            choice_constraint("signinpolicy_factor_is_known", "second_factor", Requirement),
            models.CheckConstraint(
                condition=Q(pk=1),
                name="signinpolicy_is_single",
                violation_error_message="There is one policy for the portal.",
            ),
        )

    def __str__(self) -> str:
        """Return who must have a second factor."""
        return f"Second factor: {self.get_second_factor_display()}"

    @classmethod
    def current(cls) -> SignInPolicy:
        """Return the policy that holds."""
        return cls.objects.filter(pk=1).first() or cls(pk=1)
