"""What a run printed: pages of its log, search, download, and what a dry run found."""

from collections.abc import Iterator
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.text import slugify
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from provisioning import log
from provisioning.differences import CONTAINERS, changed_containers, differences
from provisioning.log import LogLine, Page, Scope
from provisioning.models import Run, Step
from provisioning.views import may_see

LONGEST_SEARCH = 200
# A bigint has at most nineteen digits.
LONGEST_KEY = 19


@require_safe
@never_cache
@may_see
def run_lines(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Return the lines ?after=, ?before= or ?around= a line, or the last ones; 204 for none.

    Headers say whether there are older and newer ones, and whether the run goes on.
    """
    scope = scope_of(request, pk)
    # Read before the lines: what is written before the status changes must be shown.
    goes_on = scope.run.is_active
    page = _page(request, scope)
    if page.lines:
        answer = render(request, "provisioning/_lines.html", {"lines": page.lines})
    else:
        answer = HttpResponse(status=204)
    answer["Log-Older"], answer["Log-Newer"] = str(int(page.older)), str(int(page.newer))
    answer["Log-Goes-On"] = str(int(goes_on))
    return answer


@require_safe
@never_cache
@may_see
def run_find(request: HttpRequest, pk: UUID) -> JsonResponse:
    """Find ?text= after ?start=, ?back=1 before it; without a text, the first error."""
    scope = scope_of(request, pk)
    text = request.GET.get("text", "").replace("\x00", "")[:LONGEST_SEARCH]
    if not text:
        return JsonResponse({"pk": log.first_error(scope)})
    found = log.find(scope, text, start=_number(request, "start") or 0, back="back" in request.GET)
    if found is None:
        return JsonResponse({"pk": None, "place": 0, "count": 0})
    return JsonResponse({"pk": found.pk, "place": found.place, "count": found.count})


@require_safe
@may_see
def run_log(request: HttpRequest, pk: UUID) -> StreamingHttpResponse:
    """Send the whole log, or a step's or container's, as text."""
    scope = scope_of(request, pk)
    response = StreamingHttpResponse(_text(scope), content_type="text/plain; charset=utf-8")
    part = f"-{str(scope.step)[:8]}" if scope.step else f"-{scope.container}"
    name = slugify(f"run-{str(pk)[:8]}{part}").rstrip("-")
    response["Content-Disposition"] = f'attachment; filename="{name}.log"'
    return response


@require_safe
@may_see
def run_differences(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show what a dry run found, ten containers a page."""
    run = get_object_or_404(Run.objects.select_related("cluster"), pk=pk)
    page = Paginator(changed_containers(run), CONTAINERS).get_page(request.GET.get("page"))
    context = {
        "run": run,
        "cluster": run.cluster,
        "page": page,
        "found": differences(run, page.object_list),
    }
    return render(request, "provisioning/differences.html", context)


def scope_of(request: HttpRequest, pk: UUID) -> Scope:
    """Return whose lines an address asks for: ?step= or ?container= of a run."""
    run = get_object_or_404(Run.objects.select_related("cluster"), pk=pk)
    step = None
    if "step" in request.GET:
        step = get_object_or_404(Step, pk=_uuid(request.GET["step"]), run=run).pk
    return Scope(run, step, request.GET.get("container", "").replace("\x00", ""))


def _page(request: HttpRequest, scope: Scope) -> Page:
    """Return the page that an address asks for."""
    for name, read in (("after", log.after), ("before", log.before), ("around", log.around)):
        if (place := _number(request, name)) is not None:
            return read(scope, place)
    return log.tail(scope)


def _number(request: HttpRequest, name: str) -> int | None:
    """Read a line's key; anything else counts as none."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < LONGEST_KEY else None


def _uuid(text: str) -> UUID | None:
    """Read a step's key; anything else is no step."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _text(scope: Scope) -> Iterator[str]:
    """Yield lines with time and place."""
    for line in log.whole(scope):
        yield f"{line.at:%Y-%m-%dT%H:%M:%SZ} {_where(line)} {line.text}\n"


def _where(line: LogLine) -> str:
    """Say where a line comes from."""
    again = f", attempt {line.attempt}" if line.attempt > 1 else ""
    return f"{line.container} [{line.title}{again}]"
