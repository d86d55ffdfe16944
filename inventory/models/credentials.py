"""Logins and generated passwords, encrypted at rest."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from inventory.crypto import EncryptedField
from inventory.states import CredentialKind
from voipadmin.db import choice_constraint


class Credential(models.Model):
    """How the portal logs in to containers of a cluster, or of one user."""

    name = models.CharField(max_length=100, unique=True)
    cluster = models.ForeignKey(
        "inventory.Cluster",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="credentials",
        help_text="Empty: for any cluster.",
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="credentials",
        help_text="Empty: shared by everybody who may provision.",
    )
    kind = models.CharField(max_length=10, choices=CredentialKind, default=CredentialKind.KEY)
    username = models.CharField(max_length=32, default="root")
    secret = EncryptedField(help_text="Private key in OpenSSH format, or a password.")
    sudo = models.BooleanField(default=False, help_text="Become root through sudo.")

    class Meta:
        """Name the invariants."""

        ordering = ("name",)
        constraints = (
            choice_constraint("credential_kind_is_known", "kind", CredentialKind),
            models.CheckConstraint(
                condition=Q(username__regex=r"^[a-z_][a-z0-9_.-]{0,31}$"),
                name="credential_username_is_login",
                violation_error_message="A login name, such as root or deploy.",
            ),
        )

    def __str__(self) -> str:
        """Return name and login, never the secret."""
        return f"{self.name} ({self.username})"


class Secret(models.Model):
    """A password generated for a cluster's software, such as PostgreSQL's superuser."""

    cluster = models.ForeignKey(
        "inventory.Cluster", on_delete=models.CASCADE, related_name="secrets"
    )
    key = models.CharField(max_length=100)
    value = EncryptedField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Name the invariants."""

        ordering = ("cluster", "key")
        constraints = (
            models.UniqueConstraint(fields=("cluster", "key"), name="secret_key_is_unique"),
        )

    def __str__(self) -> str:
        """Return the key, never the value."""
        return f"{self.cluster}: {self.key}"
