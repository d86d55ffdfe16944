"""The inventory app."""

from django.apps import AppConfig


class InventoryConfig(AppConfig):
    """Register the app with Django."""

    name = "inventory"
