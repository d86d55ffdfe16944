"""Pages of import and export: choose a file, look at what it would change, import it."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from inventory.access import POOL
from inventory.board import finding_rows
from inventory.forms.interchange import ImportForm, packed
from inventory.interchange.export import FORMATS, NoSuchExport, export_file
from inventory.interchange.faults import Faulty
from inventory.interchange.importing import Outcome, RefusedImport, Stale, run_import
from inventory.models import Cluster
from inventory.permits import anywhere, on_cluster, portal_wide
from inventory.views.clusters import cluster_of
from inventory.views.writing import actor, request_id

# A page has to be read: the API has all of it.
SHOWN_STEPS = 200
SHOWN_FAULTS = 500
SHOWN_FINDINGS = 50
VIEWS = {
    "containers": ("inventory.view_container",),
    "nodes": ("inventory.view_node",),
    "cluster": ("inventory.view_cluster", "inventory.view_container", "inventory.view_node"),
}
ACTIONS = (("added", "Added"), ("changed", "Changed"), ("removed", "Removed"))


@require_safe
@on_cluster("inventory.view_cluster")
def cluster_export(request: HttpRequest, slug: str, what: str, form: str) -> HttpResponse:
    """Download a cluster, its containers or its nodes."""
    return _download(request, cluster_of(slug), what, form, f"{slug}-{what}")


@require_safe
@anywhere("inventory.view_container")
def pool_export(request: HttpRequest, form: str) -> HttpResponse:
    """Download the free pool's containers."""
    return _download(request, None, "containers", form, "free-containers")


def _download(
    request: HttpRequest, cluster: Cluster | None, what: str, form: str, name: str
) -> HttpResponse:
    """Answer with a file."""
    if not request.user.has_perms(VIEWS.get(what, ()), cluster or POOL):
        raise PermissionDenied
    try:
        text = export_file(cluster, what=what, form=form)
    except NoSuchExport as error:
        raise Http404(str(error)) from None
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return HttpResponse(text, content_type=f"{FORMATS[form]}; charset=utf-8", headers=headers)


@require_http_methods(["GET", "HEAD", "POST"])
@on_cluster(*VIEWS["cluster"])
def cluster_import(request: HttpRequest, slug: str) -> HttpResponse:
    """Export a cluster, or take a file into it."""
    cluster = cluster_of(slug)
    return _page(request, cluster, ("containers", "nodes", "cluster"), cluster.get_absolute_url())


@require_http_methods(["GET", "HEAD", "POST"])
@portal_wide("inventory.add_cluster", *VIEWS["cluster"])
def cluster_import_new(request: HttpRequest) -> HttpResponse:
    """Make a cluster from a file, or change the one that it is about."""
    return _page(request, None, ("cluster",), reverse("inventory:cluster-list"))


@require_http_methods(["GET", "HEAD", "POST"])
@anywhere("inventory.view_container")
def pool_import(request: HttpRequest) -> HttpResponse:
    """Export the free pool, or take containers into it."""
    address = reverse("inventory:container-list") + "?pool=free"
    return _page(request, None, ("containers",), address, is_pool=True)


def _page(
    request: HttpRequest,
    cluster: Cluster | None,
    contents: tuple[str, ...],
    address: str,
    *,
    is_pool: bool = False,
) -> HttpResponse:
    """Show the form, then what its file would change, then carry that out."""
    form = ImportForm(request.POST or None, request.FILES or None, contents=contents)
    context: dict[str, Any] = {
        "form": form,
        "cluster": cluster,
        "is_pool": is_pool,
        "address": address,
        "faults": (),
        "outcome": None,
        "is_stale": False,
        "was_refused": False,
    }
    if request.method != "POST" or not form.is_valid():
        status = 400 if request.method == "POST" else 200
        return render(request, "inventory/import.html", context, status=status)
    expected = form.cleaned_data["expected"]
    status = 200
    try:
        outcome = run_import(
            form.upload(),
            cluster=cluster,
            is_pool=is_pool,
            actor=actor(request),
            dry_run=not expected,
            expected=expected,
            request_id=request_id(request),
        )
        if expected:
            messages.success(request, f"Imported: {_counted(outcome)}.")
            return redirect(outcome.cluster or address)
    except Faulty as error:
        context["faults"], status = error.faults, 400
        context |= {"shown_faults": error.faults[:SHOWN_FAULTS]}
        return render(request, "inventory/import.html", context, status=status)
    except PermissionDenied as error:
        form.add_error(None, str(error))
        return render(request, "inventory/import.html", context, status=403)
    except RefusedImport as error:
        outcome, context["was_refused"], status = error.outcome, True, 409
    except Stale as error:
        outcome, context["is_stale"], status = error.outcome, True, 409
    context |= _shown(form, outcome)
    return render(request, "inventory/import.html", context, status=status)


def _shown(form: ImportForm, outcome: Outcome) -> dict[str, Any]:
    """Return what the page shows of a plan, and the form that carries it out."""
    rows = finding_rows(outcome.findings[:SHOWN_FINDINGS], outcome.platform)
    steps = outcome.steps
    data = form.cleaned_data
    carried = packed(data["data"])
    return {
        "outcome": outcome,
        "counted": _counted(outcome),
        "groups": [
            (title, [s for s in steps if s.action == action][:SHOWN_STEPS], outcome.count(action))
            for action, title in ACTIONS
            if outcome.count(action)
        ],
        "findings": [(row, outcome.rows.get(row.finding.subject)) for row in rows],
        "more_findings": max(0, len(outcome.findings) - SHOWN_FINDINGS),
        "refusing": sum(1 for finding in outcome.findings if finding.refuses_save),
        "file_name": data["name"],
        "hidden": {
            "packed": carried,
            "name": data["name"],
            "what": data["what"],
            "remove_missing": "on" if data["remove_missing"] else "",
            "expected": outcome.digest,
        },
        "is_carried": bool(carried),
    }


def _counted(outcome: Outcome) -> str:
    """Say how much is added, changed, removed and left."""
    counts = [f"{outcome.count(action)} {action}" for action, _ in ACTIONS]
    return ", ".join([*counts, f"{sum(outcome.unchanged.values())} unchanged"])
