"""Logins and generated passwords, encrypted at rest."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from inventory.crypto import EncryptedField
from inventory.states import CredentialKind
from voipadmin.db import choice_constraint


class CredentialQuerySet(models.QuerySet):
    """Words for choosing logins."""

    def shared(self) -> CredentialQuerySet:
        """Select those that are nobody's own."""
        return self.filter(user=None)

    def visible_to(self, user: Any) -> CredentialQuerySet:
        """Select the shared ones and a user's own; nobody sees those of others."""
        return self.filter(Q(user=None) | Q(user=user))

    def personal(self, user: Any, cluster: Any) -> CredentialQuerySet:
        """Select a user's own for a cluster, the best one first: for it, then for any."""
        rows = self.filter(Q(cluster=cluster) | Q(cluster=None), user=user)
        return rows.order_by(F("cluster").asc(nulls_last=True), "-pk")


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
        help_text="Empty: shared by everybody who may provision. Else only runs that this user "
        "asks for log in with it, and nobody else sees it.",
    )
    kind = models.CharField(max_length=10, choices=CredentialKind, default=CredentialKind.KEY)
    username = models.CharField(max_length=32, default="root")
    secret = EncryptedField(help_text="Private key in OpenSSH or PEM format, or a password.")
    passphrase = EncryptedField(null=True, blank=True, help_text="What opens the private key.")
    sudo_password = EncryptedField(
        null=True, blank=True, help_text="What sudo asks for, where it is not the login's password."
    )
    fingerprint = models.CharField(
        max_length=100,
        blank=True,
        help_text="Kind and fingerprint of the private key.",
    )
    sudo = models.BooleanField(default=False, help_text="Become root through sudo.")

    objects = CredentialQuerySet.as_manager()

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
            models.CheckConstraint(
                condition=Q(passphrase=None) | Q(kind=CredentialKind.KEY),
                name="credential_passphrase_opens_key",
                violation_error_message="Only a private key has a passphrase.",
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
