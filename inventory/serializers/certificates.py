"""Certificates as JSON; their keys go in and never come out."""

from rest_framework import serializers

from inventory.models import Certificate
from voipadmin.serializers import StrictSerializer


class CertificateSerializer(serializers.ModelSerializer):
    """A certificate without its key."""

    names = serializers.ListField(child=serializers.CharField(), read_only=True)
    fingerprint = serializers.CharField(read_only=True)

    class Meta:
        model = Certificate
        fields = (
            "kind",
            "name",
            "names",
            "fingerprint",
            "created_at",
            "expires_at",
            "certificate",
        )
        read_only_fields = fields


class UploadSerializer(StrictSerializer):
    """A certificate with its chain, and its key, both PEM."""

    certificate = serializers.CharField(max_length=100_000)
    key = serializers.CharField(max_length=20_000, write_only=True)
