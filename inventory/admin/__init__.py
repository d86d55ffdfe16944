"""The Django admin of the inventory: the same operations as pages and API."""

from inventory.admin import (
    clusters,
    containers,
    grants,
    history,
    logins,
    nodes,
    places,
    platforms,
)

__all__ = ["clusters", "containers", "grants", "history", "logins", "nodes", "places", "platforms"]
