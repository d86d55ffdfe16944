"""What every REST view shares: pages, permissions, filters, problems."""

from typing import Any

from django.http import HttpRequest
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.filters import OrderingFilter
from rest_framework.pagination import PageNumberPagination
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.access import may_somewhere
from inventory.board import finding_json
from inventory.operations import ChangeError, Refused
from inventory.ssh import HostKeyChanged, SSHError
from voipadmin.problems import framework_problem, problem

VERBS = {
    "list": "view",
    "retrieve": "view",
    "create": "add",
    "update": "change",
    "partial_update": "change",
    "destroy": "delete",
    "metadata": "view",
}


class Pagination(PageNumberPagination):
    """Pages of 50, or of what the caller asks up to 1000."""

    page_size_query_param = "page_size"
    max_page_size = 1000


class ModelPermissions(BasePermission):
    """Permissions for looking too, of the portal or of the row's cluster.

    Actions beyond create, read, update and delete name their verb in the viewset's `verbs`; one
    that does not is open to nobody.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for view, add, change or delete on the viewset's model, in some cluster."""
        if view.action is None:
            return True  # A method that the address does not have: 405 says so.
        return may_somewhere(request.user, self._asked(view))

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        """Ask for it on the row."""
        return request.user.has_perm(self._asked(view), obj)

    def _asked(self, view: Any) -> str:
        """Return the permission that an action takes; one that names no verb is for nobody."""
        verb = {**VERBS, **getattr(view, "verbs", {})}.get(view.action, "nobody")
        meta = view.queryset.model._meta
        return verb if "." in verb else f"{meta.app_label}.{verb}_{meta.model_name}"


class KnownFilters(DjangoFilterBackend):
    """Filters that refuse a parameter nobody knows, lest a typing error return everything."""

    paging = frozenset({"page", "page_size", "ordering", "format"})

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        """Refuse unknown parameters of a list, then filter."""
        if getattr(view, "action", None) == "list":
            filters = self.get_filterset(request, queryset, view)
            known = self.paging | set(filters.form.fields if filters else ())
            if unknown := sorted(set(request.query_params) - known):
                raise ValidationError({name: ["There is no such filter."] for name in unknown})
        return super().filter_queryset(request, queryset, view)


class KnownOrdering(OrderingFilter):
    """Orderings that refuse a field nobody knows."""

    def remove_invalid_fields(
        self, queryset: Any, fields: Any, view: Any, request: Request
    ) -> list[str]:
        """Refuse instead of ignoring."""
        valid = super().remove_invalid_fields(queryset, fields, view, request)
        if unknown := [name for name in fields if name not in valid]:
            raise ValidationError({"ordering": [f"Cannot order by {', '.join(unknown)}."]})
        return list(valid)


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer an error with a problem; a rule's no has its findings."""
    if isinstance(error, Refused):
        return problem(
            409,
            str(error),
            title="Refused by a rule",
            findings=[finding_json(finding) for finding in error.findings],
        )
    if isinstance(error, (ChangeError, HostKeyChanged)):
        return problem(409, str(error))
    if isinstance(error, SSHError):
        return problem(502, str(error), title="The host does not answer as it should")
    return framework_problem(error)


def add_problems(
    result: dict[str, Any], generator: Any, request: HttpRequest | None, public: bool
) -> dict[str, Any]:
    """Say in the OpenAPI document what every refusal looks like."""
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    answer = {
        "description": "A problem (RFC 9457).",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
    for methods in result["paths"].values():
        for operation in methods.values():
            operation["responses"]["default"] = answer
    return result


PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "object",
            "additionalProperties": {},
            "description": "Status 400: every fault, by field.",
        },
        "faults": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "row": {"type": "integer"},
                    "column": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
            "description": "Status 400 of an import: every fault of the file.",
        },
        "findings": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/Finding"},
            "description": "Status 409: the rules that refuse, with number and source.",
        },
    },
}
