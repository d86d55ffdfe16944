"""The Django admin of the inventory: the same operations as pages and API."""

from inventory.admin import clusters, containers, history, nodes, places, platforms

__all__ = ["clusters", "containers", "history", "nodes", "places", "platforms"]
