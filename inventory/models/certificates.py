"""Certificates with their keys: the cluster's own authority, its machines, the public side."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from inventory import pki
from inventory.crypto import EncryptedField
from inventory.states import CertificateKind
from voipadmin.db import choice_constraint


class CertificateQuerySet(models.QuerySet["Certificate"]):
    """Words for choosing certificates."""

    def authority_of(self, cluster: Any) -> Certificate | None:
        """Return a cluster's own certificate authority, None before anything needed it."""
        return self.filter(cluster=cluster, kind=CertificateKind.AUTHORITY).first()

    def public_of(self, cluster: Any) -> Certificate | None:
        """Return what was uploaded for a cluster's public side."""
        return self.filter(cluster=cluster, kind=CertificateKind.PUBLIC).first()

    def hosts_of(self, cluster: Any) -> CertificateQuerySet:
        """Select the certificates of a cluster's machines."""
        return self.filter(cluster=cluster, kind=CertificateKind.HOST)


class Certificate(models.Model):
    """A certificate, with its chain behind it, and its private key."""

    cluster = models.ForeignKey(
        "inventory.Cluster", on_delete=models.CASCADE, related_name="certificates"
    )
    kind = models.CharField(max_length=10, choices=CertificateKind)
    name = models.CharField(
        max_length=253, blank=True, help_text="The machine's name, in small letters."
    )
    certificate = models.TextField(help_text="PEM: the own certificate first, then its chain.")
    key = EncryptedField(help_text="Private key, PEM; it never leaves but to its machine.")
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CertificateQuerySet.as_manager()

    class Meta:
        """Name the invariants."""

        ordering = ("cluster", "kind", "name")
        constraints = (
            choice_constraint("certificate_kind_is_known", "kind", CertificateKind),
            models.UniqueConstraint(
                fields=("cluster", "kind", "name"), name="certificate_is_single"
            ),
            models.CheckConstraint(
                condition=Q(name="") ^ Q(kind=CertificateKind.HOST),
                name="certificate_name_is_machine",
                violation_error_message="A machine's certificate has its name, others have none.",
            ),
        )

    def __str__(self) -> str:
        """Return whose it is, never the key."""
        return f"{self.cluster}: {self.name or self.get_kind_display().lower()}"

    @property
    def names(self) -> list[str]:
        """Return the names and addresses that it is for."""
        return sorted(pki.names_of(pki.read_chain(self.certificate)[0]))

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 fingerprint."""
        return pki.fingerprint(self.certificate)
