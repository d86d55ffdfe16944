"""What tokens are good for: those of users who have the second factor that is asked for."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from voipadmin.accounts.factors import LACKING, lacks_factor


class FactorTokenAuthentication(TokenAuthentication):
    """Tokens of those who have what the portal asks for."""

    def authenticate_credentials(self, key: str) -> tuple[Any, Any]:
        """Refuse the token of who lacks a second factor."""
        user, token = super().authenticate_credentials(key)
        if lacks_factor(user):
            raise AuthenticationFailed(LACKING)
        return user, token


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document tells of tokens."""

    target_class = FactorTokenAuthentication
    name = "tokenAuth"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Name the header."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": 'The word "Token", a space, and the token.',
        }
