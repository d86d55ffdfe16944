"""Host keys over the API: asked for, compared, pinned, pinned anew with a reason, forgotten."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.api.base import InventoryViewSet
from inventory.host_keys import pin_host_key
from inventory.models import Bastion, Container
from inventory.serializers.containers import HostKeyConfirmationSerializer, HostKeySerializer
from inventory.ssh import HostKey, shown_host_key
from voipadmin.problems import problem

REASON = OpenApiParameter("X-Change-Reason", str, OpenApiParameter.HEADER, description="Why.")


class HostKeyActions(InventoryViewSet):
    """What can be done with the host key of a container or of a bastion."""

    host_key_verbs = {
        "host_key": "change",
        "confirm_host_key": "change",
        "forget_host_key": "change",
    }

    @extend_schema(responses=HostKeySerializer)
    @action(detail=True, url_path="host-key", filterset_class=None)
    def host_key(self, request: Request, pk: str) -> Response:
        """Ask the host for its key, to compare its fingerprint; nothing is pinned yet."""
        row = self.get_object()
        return Response(_shown(row, shown_host_key(row)))

    @extend_schema(request=HostKeyConfirmationSerializer, responses=HostKeySerializer)
    @host_key.mapping.post
    def confirm_host_key(self, request: Request, pk: str) -> Response:
        """Pin the host's key, when it has the fingerprint that was compared.

        In place of a pinned one that takes a reason and the permission to pin anew.
        """
        row = self.get_object()
        serializer = HostKeyConfirmationSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        key = shown_host_key(row)
        confirmed = serializer.validated_data["fingerprint"]
        if key.fingerprint != confirmed:
            return problem(
                409,
                f"{row} shows a key with the fingerprint {key.fingerprint}, not {confirmed}.",
            )
        self._pin(row, str(key), serializer.validated_data.get("reason", ""))
        return Response(_shown(row, key))

    @extend_schema(request=None, responses={204: None}, parameters=[REASON])
    @host_key.mapping.delete
    def forget_host_key(self, request: Request, pk: str) -> Response:
        """Trust the pinned key no longer; the portal stops logging in."""
        self._pin(self.get_object(), "", "")
        return Response(status=204)

    def _pin(self, row: Container | Bastion, key: str, reason: str) -> None:
        """Pin a key; in place of another one only by who may."""
        reason = reason or self.request.headers.get("X-Change-Reason", "")
        pin_host_key(row=row, host_key=key, actor=self.actor, reason=reason)


def _shown(row: Container | Bastion, key: HostKey) -> dict[str, Any]:
    """Return a host's key beside the pinned one."""
    pinned = HostKey.parse(row.host_key) if row.host_key else None
    return {
        "host_key": str(key),
        "fingerprint": key.fingerprint,
        "pinned_fingerprint": pinned.fingerprint if pinned else None,
        "is_pinned": pinned == key,
    }
