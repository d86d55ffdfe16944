"""Pages of plans, runs and steps."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from inventory.access import visible
from inventory.board import finding_rows
from inventory.locks import decisions
from inventory.models import Cluster
from inventory.operations import Refused
from inventory.snapshot import load_topology
from provisioning import services
from provisioning.changes import Seen
from provisioning.export import export_response
from provisioning.failures import failure
from provisioning.hints import known_causes
from provisioning.log import Scope
from provisioning.models import Run, Step
from provisioning.panels import log_context, run_changes, run_context
from provisioning.permits import on_run
from provisioning.preview import preview_run, stage_previews
from provisioning.services.holding import held_by, is_stale, latest_preflight
from provisioning.states import RETRYABLE, InvalidTransition, RunStatus

# A step may be left out while its run waits for it, or after the run has ended.
SKIPPABLE = {RunStatus.WAITING, *RETRYABLE}

may_see = on_run("inventory.view_cluster")
may_run = on_run("inventory.provision_cluster")


@require_safe
@may_see
def plan_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what a run would do, and what stands in its way."""
    cluster = cluster_or_404(slug)
    preview = preview_run(cluster=cluster)
    topology = load_topology(cluster)
    looked = latest_preflight(cluster)
    context = {
        "cluster": cluster,
        "preview": preview,
        "preflight": looked,
        "preflight_is_stale": looked is not None and is_stale(looked),
        "held_by": held_by(looked, preview.plan),
        "stages": stage_previews(preview.plan),
        "in_the_way": finding_rows(preview.findings, topology.platform, topology),
        "decisions": decisions(topology),
    }
    return render(request, "provisioning/plan.html", context)


@require_safe
@may_see
def run_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List a cluster's runs, the newest first."""
    cluster = cluster_or_404(slug)
    context = {"cluster": cluster, "title": f"Runs on {cluster}"}
    runs = Run.objects.filter(cluster=cluster)
    return render(request, "provisioning/run_list.html", context | _filtered(request, runs))


@require_safe
@may_see
def run_list_all(request: HttpRequest) -> HttpResponse:
    """List the runs of all clusters that one may see, the newest first."""
    runs = visible(Run.objects.all(), acting(request), "inventory.view_cluster")
    context = {"cluster": None, "title": "Runs"}
    return render(request, "provisioning/run_list.html", context | _filtered(request, runs))


@require_POST
@may_run
def run_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Freeze the plan as a run and start it."""
    cluster = cluster_or_404(slug)
    actor = acting(request)
    try:
        run = services.request_run(
            cluster=cluster, actor=actor, proceed_reason=request.POST.get("proceed_reason", "")
        )
        services.start_run(run=run, actor=actor)
    except Refused as refused:
        for finding in refused.findings:
            messages.error(request, f"{finding.rule}: {finding.message}")
        return redirect("provisioning:plan", slug=slug)
    return redirect(run)


@require_safe
@may_see
def run_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show a run with its stages and log; htmx gets what has changed since it last asked."""
    run = _run(pk)
    if request.htmx:  # type: ignore[attr-defined]
        changes = run_changes(run, Seen.read(request.GET))
        if changes is None:
            return HttpResponse(status=204)
        return render(request, "provisioning/_changes.html", changes)
    context = run_context(run, opened=request.GET.get("stage", ""))
    return render(request, "provisioning/run.html", context | log_context(Scope(run)))


@require_POST
@may_run
def run_look(request: HttpRequest, slug: str) -> HttpResponse:
    """Start a dry run."""
    try:
        run = services.request_dry_run(cluster=cluster_or_404(slug), actor=acting(request))
    except Refused as refused:
        for finding in refused.findings:
            messages.error(request, f"{finding.rule}: {finding.message}")
        return redirect("provisioning:plan", slug=slug)
    return redirect(run)


@require_safe
@may_see
def run_export(request: HttpRequest, pk: UUID) -> StreamingHttpResponse:
    """Send all that is kept of a run as JSON."""
    return export_response(_run(pk))


@require_POST
@may_run
def run_cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Stop a run and what it has started on the hosts."""
    return _act(request, pk, services.cancel_run, "The run is being cancelled.")


@require_POST
@may_run
def run_retry(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Do what is not done yet."""
    return _act(request, pk, services.retry_run, "The run goes on with what is not done.")


@require_safe
@may_see
def step_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show a step: its scripts, files, attempts and lines."""
    steps = Step.objects.select_related("run__cluster", "container", "node")
    step = get_object_or_404(steps, pk=pk)
    context = {
        "step": step,
        "run": step.run,
        "cluster": step.run.cluster,
        "attempts": step.attempts.order_by("-number"),
        "failure": failure(step) if step.is_bad else None,
        "may_skip": step.run.status in SKIPPABLE and not step.is_done,
    }
    context |= log_context(Scope(step.run, step.pk))
    return render(request, "provisioning/step.html", context)


@require_POST
@may_see
def step_confirm(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a person's evidence for a manual step, or an approver's yes."""
    step = _answerable(request, pk)
    return _act_on_step(request, step, services.confirm_step, "evidence", "The step goes on.")


@require_POST
@may_see
def step_refuse(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Say no to a step that waits."""
    step = _answerable(request, pk)
    return _act_on_step(request, step, services.refuse_step, "reason", "The step is refused.")


@require_POST
@on_run("provisioning.skip_step")
def step_skip(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Leave a step out that is not done."""
    step = get_object_or_404(Step, pk=pk)
    return _act_on_step(request, step, services.skip_step, "reason", "The step is skipped.")


@require_POST
@on_run("provisioning.retry_from_step")
def step_retry_from(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Carry an ended run on from this step."""
    step = get_object_or_404(Step, pk=pk)
    return _act_on_step(request, step, services.retry_from, "reason", "The run goes on from here.")


def _answerable(request: HttpRequest, pk: UUID) -> Step:
    """Return a step that this person may answer."""
    step = get_object_or_404(Step, pk=pk)
    needed = "provisioning.approve_step" if step.approval else "inventory.provision_cluster"
    if not request.user.has_perm(needed, step):
        raise PermissionDenied
    return step


def _act_on_step(
    request: HttpRequest, step: Step, service: Callable[..., object], field: str, done: str
) -> HttpResponse:
    """Call a service on a step with what was written in a field, and say how it went."""
    try:
        service(step=step, actor=acting(request), **{field: request.POST.get(field, "")})
    except Refused as refused:
        messages.error(request, " ".join(finding.message for finding in refused.findings))
        return redirect("provisioning:step-detail", pk=step.pk)
    except InvalidTransition as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)
    return redirect(step.run)


@require_safe
def hint_list(request: HttpRequest) -> HttpResponse:
    """Show the table of known causes."""
    return render(request, "provisioning/hint_list.html", {"causes": known_causes()})


def _filtered(request: HttpRequest, runs: QuerySet[Run]) -> dict[str, object]:
    """Return a page of runs with ?status= and of ?user=, and what may be chosen."""
    status, user = (request.GET.get(name, "").replace("\x00", "") for name in ("status", "user"))
    names = runs.order_by("requested_by_name").values_list("requested_by_name", flat=True)
    chosen = {"status": status, "requested_by_name": user}
    fitting = runs.filter(**{name: value for name, value in chosen.items() if value})
    pages = Paginator(fitting.select_related("cluster"), 25)
    return {
        "page": pages.get_page(request.GET.get("page")),
        "statuses": RunStatus.choices,
        "status": status,
        "users": names.distinct(),
        "chosen_user": user,
    }


def _act(request: HttpRequest, pk: UUID, service: Callable[..., object], done: str) -> HttpResponse:
    """Call a service on a run and say how it went."""
    run = _run(pk)
    try:
        service(run=run, actor=acting(request))
    except (InvalidTransition, Refused) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)
    return redirect(run)


def acting(request: HttpRequest) -> User:
    """Return who is signed in; the permission decorators let nobody else in."""
    if not isinstance(request.user, User):
        raise TypeError("This page is for signed-in users.")
    return request.user


def cluster_or_404(slug: str) -> Cluster:
    """Return a cluster or 404."""
    rows = Cluster.objects.select_related("platform", "release", "revision__platform")
    return get_object_or_404(rows, slug=slug)


def _run(pk: UUID) -> Run:
    """Return a run or 404."""
    return get_object_or_404(Run.objects.select_related("cluster"), pk=pk)
