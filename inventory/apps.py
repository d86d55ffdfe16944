"""The inventory app."""

from django.apps import AppConfig


class InventoryConfig(AppConfig):
    """Register the app and its checks with Django."""

    name = "inventory"

    def ready(self) -> None:
        """Load the checks."""
        from inventory import checks  # noqa: F401 - models are there only now
