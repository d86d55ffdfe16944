"""Who may do what over REST with what is done to clusters."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import viewsets
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from inventory.access import may_somewhere, visible

SEE, RUN = "inventory.view_cluster", "inventory.provision_cluster"


class MayProvision(BasePermission):
    """Seeing takes inventory.view_cluster, acting what the viewset says, on the row's cluster."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for what the action takes, in some cluster."""
        return may_somewhere(request.user, self._asked(request, view) or SEE)

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        """Ask for it in the row's cluster."""
        asked = self._asked(request, view)
        if not asked:
            asked = "provisioning.approve_step" if obj.approval else RUN
        return request.user.has_perm(asked, obj)

    def _asked(self, request: Request, view: Any) -> str:
        """Return the permission that an action takes; none: it depends on the step."""
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return SEE
        return str(getattr(view, "takes", {}).get(view.action, RUN))


class OwnClusters(viewsets.GenericViewSet):
    """Rows of the clusters that the user may see."""

    permission_classes = (MayProvision,)

    def get_queryset(self) -> QuerySet[Any]:
        """Leave out what the user may not see."""
        return visible(super().get_queryset(), self.request.user)
