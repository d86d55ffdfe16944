"""The sign-in that hands out tokens for the REST API."""

from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework.authtoken.serializers import AuthTokenSerializer
from rest_framework.authtoken.views import ObtainAuthToken
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import CharField
from rest_framework.throttling import SimpleRateThrottle

from voipadmin.parsers import StorableJSONParser


class SignInThrottle(SimpleRateThrottle):
    """Ten tries a minute from one address."""

    scope = "sign-in"
    rate = "10/minute"

    def get_cache_key(self, request: Request, view: Any) -> str:
        """Count by address, whoever is named."""
        return f"throttle-{self.scope}-{self.get_ident(request)}"


class TokenView(ObtainAuthToken):
    """Exchange user name and password for a token, sent as `Authorization: Token ...`."""

    throttle_classes = (SignInThrottle,)
    renderer_classes = (JSONRenderer,)
    parser_classes = (StorableJSONParser,)
    authentication_classes = ()

    @extend_schema(
        request=AuthTokenSerializer,
        responses=inline_serializer("Token", {"token": CharField()}),
        auth=[],
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the user's token, made at first asking."""
        return super().post(request, *args, **kwargs)
