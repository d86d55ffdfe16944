"""A cluster's certificates: shown without keys; one for the public side is uploaded or removed."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.api.base import InventoryViewSet
from inventory.certificates import PERMISSION, remove_certificate, upload_certificate
from inventory.models import Certificate
from inventory.serializers.certificates import CertificateSerializer, UploadSerializer
from voipadmin.problems import problem

VERBS = {"certificates": "view", "public_certificate": PERMISSION}


class CertificateActions(InventoryViewSet):
    """What clusters do with certificates."""

    @extend_schema(responses=CertificateSerializer(many=True))
    @action(detail=True, filterset_class=None, pagination_class=None)
    def certificates(self, request: Request, slug: str) -> Response:
        """Return the authority, the public side's and the machines' certificates, without keys."""
        rows = Certificate.objects.filter(cluster=self.get_object())
        return Response(CertificateSerializer(rows, many=True).data)

    @extend_schema(request=UploadSerializer, responses=CertificateSerializer)
    @action(
        detail=True,
        methods=["put", "delete"],
        filterset_class=None,
        url_path="public-certificate",
    )
    def public_certificate(self, request: Request, slug: str) -> Response:
        """Serve an uploaded certificate to the public side from the next run on, or no longer."""
        cluster = self.get_object()
        who: dict[str, Any] = {
            "actor": self.actor,
            "request_id": request.headers.get("X-Request-ID", "")[:64],
        }
        if request.method == "DELETE":
            if remove_certificate(cluster=cluster, **who):
                return Response(status=204)
            return problem(404, "No certificate is uploaded.")
        serializer = UploadSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        row = upload_certificate(cluster=cluster, **serializer.validated_data, **who)
        return Response(CertificateSerializer(row).data)
