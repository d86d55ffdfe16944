"""Errors of the REST API as RFC 9457 problems: every fault by field."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.db import IntegrityError
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404
from psycopg.errors import UniqueViolation
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

MEDIA_TYPE = "application/problem+json"
OTHER = "non_field_errors"


def problem(
    status: int,
    detail: str,
    *,
    title: str = "",
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> Response:
    """Return a problem with its status, a sentence, and `errors` or `findings`."""
    content = {
        "type": "about:blank",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **members,
    }
    return Response(content, status=status, headers=headers, content_type=MEDIA_TYPE)


def framework_problem(error: Exception) -> Response | None:
    """Return the problem of an error of Django or of the REST framework; None for a bug."""
    if isinstance(error, ValidationError):
        set_rollback()
        return invalid(django_errors(error))
    if isinstance(error, (ProtectedError, RestrictedError)):
        set_rollback()
        return problem(409, still_needed(error))
    if isinstance(error, IntegrityError) and isinstance(error.__cause__, UniqueViolation):
        set_rollback()
        return problem(409, "Somebody else wrote the same meanwhile: look again, then retry.")
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if not isinstance(error, exceptions.APIException):
        return None
    set_rollback()
    if isinstance(error, exceptions.ValidationError):
        return invalid(error.detail)
    return problem(error.status_code, str(error.detail), headers=_headers(error))


def invalid(errors: Any) -> Response:
    """Return a 400 with every fault by field."""
    if not isinstance(errors, Mapping):
        errors = {OTHER: errors}
    return problem(400, "The request has faults; see errors.", title="Bad input", errors=errors)


def django_errors(error: ValidationError) -> dict[str, list[str]]:
    """Return the faults of a row by field."""
    if not hasattr(error, "error_dict"):
        return {OTHER: list(error.messages)}
    return {
        OTHER if name == NON_FIELD_ERRORS else name: list(messages)
        for name, messages in error.message_dict.items()
    }


def still_needed(error: ProtectedError | RestrictedError) -> str:
    """Say what stands in the way of a removal."""
    rows: Iterable[Any] = (
        error.protected_objects if isinstance(error, ProtectedError) else error.restricted_objects
    )
    names = {f"{row._meta.verbose_name} {row}" for row in rows}
    return f"It is still needed by {_listed(names)}."


def _listed(names: set[str], at_most: int = 5) -> str:
    """Join names for a sentence; many are counted."""
    first = sorted(names)[:at_most]
    rest = len(names) - len(first)
    return ", ".join(first) + (f" and {rest} more" if rest else "")


def _headers(error: exceptions.APIException) -> dict[str, str]:
    """Return what HTTP wants beside some statuses."""
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    return headers
