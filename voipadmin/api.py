"""What every REST view shares: pages, and problems as RFC 9457 describes them."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error
from rest_framework.views import exception_handler


class Pagination(PageNumberPagination):
    """Pages of 50, or of what the caller asks up to 1000."""

    page_size_query_param = "page_size"
    max_page_size = 1000


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an expected no into a problem; anything else is a bug and surfaces.

    Bad input is 400 with `errors` by field; a rule's no is 409 with `findings`.
    """
    # Late, because settings name this module: it must load before the apps do.
    from inventory.operations import Refused

    if isinstance(error, Refused):
        findings = [finding.as_json() for finding in error.findings]
        return problem(context, 409, str(error), findings=findings)
    if isinstance(error, DjangoValidationError):
        error = ValidationError(as_serializer_error(error))
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, ValidationError):
        errors = error.detail if isinstance(error.detail, dict) else {"": error.detail}
        return problem(context, 400, "The input has errors.", errors=errors)
    made = problem(context, response.status_code, str(response.data.get("detail", "")))
    for name in ("WWW-Authenticate", "Retry-After"):
        if name in response:
            made[name] = response[name]
    return made


def problem(context: dict[str, Any], status: int, detail: str, **members: Any) -> Response:
    """Make the response; the browsable API keeps its own content type."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    renderer = getattr(context.get("request"), "accepted_renderer", None)
    html = renderer is not None and renderer.format != "json"
    return Response(
        {**body, "detail": detail, **members},
        status=status,
        content_type=None if html else "application/problem+json",
    )
