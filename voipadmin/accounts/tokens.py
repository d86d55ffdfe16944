"""The sign-in that hands out tokens for the REST API."""

from typing import Any, cast

from django.contrib.auth.models import User
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework.authtoken.serializers import AuthTokenSerializer
from rest_framework.authtoken.views import ObtainAuthToken
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import CharField
from rest_framework.throttling import SimpleRateThrottle

from voipadmin.accounts.factors import LACKING, has_factor, is_right_code, lacks_factor
from voipadmin.parsers import StorableJSONParser


class SignInThrottle(SimpleRateThrottle):
    """Ten tries a minute from one address."""

    scope = "sign-in"
    rate = "10/minute"

    def get_cache_key(self, request: Request, view: Any) -> str:
        """Count by address, whoever is named."""
        return f"throttle-{self.scope}-{self.get_ident(request)}"


class NameThrottle(SimpleRateThrottle):
    """Twenty tries an hour for one name, wherever they come from."""

    scope = "sign-in-name"
    rate = "20/hour"

    def get_cache_key(self, request: Request, view: Any) -> str:
        """Count by the name that is tried."""
        data = request.data if isinstance(request.data, dict) else {}
        name = str(data.get("username", ""))[:150].lower().encode().hex()
        return f"throttle-{self.scope}-{name}"


class TokenRequestSerializer(AuthTokenSerializer):
    """Name and password, and a code of who has a second factor."""

    code = CharField(
        write_only=True,
        required=False,
        help_text="Of the authenticator app, or a recovery code, of who has a second factor.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for the second factor after the first."""
        code = attrs.pop("code", "")
        values = dict(super().validate(attrs))
        user = cast("User", values["user"])
        if lacks_factor(user):
            raise ValidationError({"code": [LACKING]})
        if has_factor(user) and not (code and is_right_code(user, code)):
            raise ValidationError(
                {"code": ["This account has a second factor: send a code that is right now."]}
            )
        return values


class TokenView(ObtainAuthToken):
    """Exchange user name and password for a token, sent as `Authorization: Token ...`."""

    throttle_classes = (SignInThrottle, NameThrottle)
    renderer_classes = (JSONRenderer,)
    parser_classes = (StorableJSONParser,)
    authentication_classes = ()
    serializer_class = TokenRequestSerializer

    @extend_schema(
        request=TokenRequestSerializer,
        responses=inline_serializer("Token", {"token": CharField()}),
        auth=[],
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the user's token, made at first asking."""
        return super().post(request, *args, **kwargs)
