"""The page of the audit, and its export."""

import csv
import json
from collections.abc import Iterator
from typing import Any

from django.core.paginator import Paginator
from django.core.serializers.json import DjangoJSONEncoder
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from inventory.permits import anywhere
from voipadmin.accounts.audit import COLUMNS, Audit, Entry, Wanted
from voipadmin.accounts.forms import AuditForm

PAGE_SIZE = 50
TYPES = {"csv": "text/csv", "json": "application/json"}
# A spreadsheet would take a text that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@require_safe
@anywhere("inventory.view_change")
def audit_page(request: HttpRequest) -> HttpResponse:
    """Show who did what, the newest first, with filters."""
    form = AuditForm(request.GET or None, user=request.user)
    is_good = not form.is_bound or form.is_valid()
    wanted = form.wanted() if form.is_bound and is_good else Wanted()
    entries: Any = Audit(request.user, wanted)
    page = Paginator(entries, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"form": form, "page": page, "exports": tuple(TYPES)}
    return render(request, "accounts/audit.html", context, status=200 if is_good else 400)


@require_safe
@anywhere("inventory.view_change")
def audit_export(request: HttpRequest, form: str) -> HttpResponse | StreamingHttpResponse:
    """Send all of what the page's filters leave, as CSV or JSON."""
    if form not in TYPES:
        raise Http404
    asked = AuditForm(request.GET, user=request.user)
    if not asked.is_valid():
        return HttpResponse("The filters are wrong.\n", status=400, content_type="text/plain")
    entries = Audit(request.user, asked.wanted()).all()
    text = _csv(entries) if form == "csv" else _json(entries)
    response = StreamingHttpResponse(text, content_type=f"{TYPES[form]}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="audit.{form}"'
    return response


class _Line:
    """Hands a written line back."""

    def write(self, line: str) -> str:
        """Return the line."""
        return line


def _csv(entries: Iterator[Entry]) -> Iterator[str]:
    """Yield a table, a line at a time."""
    writer = csv.writer(_Line())
    yield writer.writerow(COLUMNS)
    for entry in entries:
        yield writer.writerow([_cell(value) for value in entry.as_json().values()])


def _json(entries: Iterator[Entry]) -> Iterator[str]:
    """Yield a list, an entry at a time."""
    yield "["
    for number, entry in enumerate(entries):
        yield (",\n" if number else "\n") + json.dumps(entry.as_json(), cls=DjangoJSONEncoder)
    yield "\n]\n"


def _cell(value: object) -> str:
    """Write a value that no spreadsheet takes for a formula."""
    if isinstance(value, (dict, list)):
        return json.dumps(value, cls=DjangoJSONEncoder)
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
