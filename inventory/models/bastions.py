"""Bastions: hosts that the portal goes through to reach others."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

# Each one more is another login before the first byte.
CHAIN_AT_MOST = 3


class Bastion(models.Model):
    """A host that lets the portal through to others; clusters and containers name it."""

    name = models.CharField(max_length=63, unique=True, help_text="Such as berlin-gate.")
    host = models.CharField(max_length=253, help_text="Its address or name, as the portal sees it.")
    port = models.PositiveIntegerField(
        default=22, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    credential = models.ForeignKey(
        "inventory.Credential",
        on_delete=models.PROTECT,
        related_name="bastions",
        help_text="Its own login; it only needs to let connections through.",
    )
    via = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="further",
        verbose_name="reached through",
        help_text=f"Another bastion before it; at most {CHAIN_AT_MOST} in a row.",
    )
    host_key = models.TextField(
        blank=True, editable=False, help_text="Pinned public host key, type and base64."
    )
    host_key_confirmed_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        """Name the invariants."""

        ordering = ("name",)
        constraints = (
            models.CheckConstraint(
                condition=Q(host__regex=r"^[A-Za-z0-9:]([A-Za-z0-9.:-]*[A-Za-z0-9:])?$"),
                name="bastion_host_is_address",
                violation_error_message="An IP address or a host name, such as 198.51.100.7.",
            ),
            models.CheckConstraint(
                condition=Q(port__gte=1, port__lte=65535),
                name="bastion_port_is_port",
                violation_error_message="A port is between 1 and 65535.",
            ),
            models.CheckConstraint(
                condition=Q(via=None) | ~Q(via=F("id")),
                name="bastion_is_not_behind_itself",
                violation_error_message="A bastion is not reached through itself.",
            ),
            models.CheckConstraint(
                condition=Q(host_key="", host_key_confirmed_at__isnull=True)
                | (~Q(host_key="") & Q(host_key_confirmed_at__isnull=False)),
                name="bastion_host_key_is_confirmed",
                violation_error_message="A host key is pinned only when somebody confirmed it.",
            ),
        )

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address of the page that lists it."""
        return f"{reverse('inventory:login-list')}#bastion-{self.pk}"

    def chain(self) -> Iterator[Bastion]:
        """Yield it and those before it, as many as there may be and one more."""
        bastion: Bastion | None = self
        for _ in range(CHAIN_AT_MOST + 1):
            if bastion is None:
                return
            yield bastion
            bastion = bastion.via
