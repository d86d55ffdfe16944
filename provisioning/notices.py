"""Tells people by e-mail that a run waits for them, failed or is done."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.mail import send_mass_mail

from provisioning.models import Run, Step
from provisioning.states import RunStatus, StepStatus, WaitsFor


def send(run_id: UUID) -> int:
    """Write to whom it concerns; returns to how many. Run twice it writes twice, no more."""
    run = Run.objects.select_related("cluster", "requested_by").get(pk=run_id)
    people = {user.email: user for user in _concerned(run) if user.email}
    subject, body = f"[voipadmin] {_headline(run)}", _body(run)
    send_mass_mail(
        [(subject, body, settings.DEFAULT_FROM_EMAIL, [address]) for address in sorted(people)]
    )
    return len(people)


def _concerned(run: Run) -> list[User]:
    """Return who asked for a run, and who may answer the steps that wait."""
    people = [run.requested_by] if run.requested_by and run.requested_by.is_active else []
    asking = _asking(run)
    if not asking:
        return people
    needed = {_permission(step) for step in asking}
    others = get_user_model().objects.filter(is_active=True).exclude(email="")
    return people + [user for user in others if any(user.has_perm(p, run.cluster) for p in needed)]


def _asking(run: Run) -> list[Step]:
    """Return the steps that wait for a person."""
    if run.status != RunStatus.WAITING or run.waits_for != WaitsFor.PERSON:
        return []
    return list(run.steps.filter(status=StepStatus.WAITING))


def _permission(step: Step) -> str:
    """Return the permission that an answer needs."""
    return "provisioning.approve_step" if step.approval else "inventory.provision_cluster"


def _headline(run: Run) -> str:
    """Say in one line how a run stands."""
    return f"{run} {'waits for you' if _asking(run) else run.get_status_display().lower()}"


def _body(run: Run) -> str:
    """Say what is to be known and where to look."""
    lines = [f"{_headline(run)}.", "", run.reason]
    for step in _asking(run):
        until = f" (before {step.answer_by:%Y-%m-%d %H:%M} UTC)" if step.answer_by else ""
        lines += ["", f"{step}{until}:", step.manual]
    lines += ["", f"Requested by {run.requested_by_name}.", _address(run)]
    return "\n".join(lines)


def _address(run: Run) -> str:
    """Return where its page is, if the portal knows its own address."""
    return f"{settings.PORTAL_URL.rstrip('/')}{run.get_absolute_url()}"
