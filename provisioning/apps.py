"""The provisioning app."""

from django.apps import AppConfig


class ProvisioningConfig(AppConfig):
    """Register the app with Django."""

    name = "provisioning"
