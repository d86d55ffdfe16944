"""The monitoring app."""

from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    """Register the app with Django."""

    name = "monitoring"
