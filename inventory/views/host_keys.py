"""The page on which a host key is fetched, compared and trusted: a container's or a bastion's."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from inventory.forms.host_keys import HostKeyForm, sign
from inventory.host_keys import REPIN, note_shown_host_key, pin_host_key
from inventory.models import Bastion, Container
from inventory.permits import on, portal_wide
from inventory.ssh import HostKey, HostKeyUnknown, SSHError, shown_host_key
from inventory.views.containers import container_of
from inventory.views.writing import actor

CONFIRM = "confirm"
Row = Container | Bastion


@dataclass
class Comparison:
    """The pinned key, the one the machine shows, and whether they differ."""

    address: str
    port: int
    pinned: HostKey | None
    presented: HostKey | None = None
    problem: str = ""

    @property
    def is_change(self) -> bool:
        """Tell whether the machine shows another key than the trusted one."""
        return bool(self.pinned and self.presented and self.pinned != self.presented)

    @property
    def is_same(self) -> bool:
        """Tell whether the machine shows the trusted key."""
        return bool(self.pinned and self.pinned == self.presented)


@require_http_methods(["GET", "HEAD", "POST"])
@on(Container, "inventory.change_container")
def container_host_key(request: HttpRequest, pk: int) -> HttpResponse:
    """Fetch a container's host key (POST), show its fingerprint, trust it when confirmed."""
    return _host_key_page(request, container_of(pk))


@require_http_methods(["GET", "HEAD", "POST"])
@portal_wide("inventory.change_bastion")
def bastion_host_key(request: HttpRequest, pk: int) -> HttpResponse:
    """Fetch a bastion's host key (POST), show its fingerprint, trust it when confirmed."""
    rows = Bastion.objects.select_related("credential", "via__credential")
    return _host_key_page(request, get_object_or_404(rows, pk=pk))


def _host_key_page(request: HttpRequest, row: Row) -> HttpResponse:
    """Show where things stand, fetch, or confirm."""
    comparison = _comparison(row)
    if request.method == "POST" and request.POST.get("action") == CONFIRM:
        return _confirm(request, row, comparison)
    if request.method == "POST":
        _fetch(row, comparison)
    form = None
    may = not comparison.is_change or request.user.has_perm(REPIN, row)
    if comparison.presented and not comparison.is_same and may:
        form = _form(row, comparison, None)
    status = 409 if comparison.is_change else 502 if comparison.problem else 200
    return _page(request, row, comparison, form, status)


def _confirm(request: HttpRequest, row: Row, comparison: Comparison) -> HttpResponse:
    """Trust the key that was shown; another one than the pinned one, only by who may."""
    form = _form(row, comparison, request)
    if form.is_valid():
        key = form.cleaned_data["presented"]
        reason = form.cleaned_data.get("reason", "")
        pin_host_key(row=row, host_key=key, actor=actor(request), reason=reason)
        messages.success(request, f"The host key of {row.name} is trusted.")
        return redirect(row)
    shown = form.cleaned_data.get("presented")
    comparison.presented = HostKey.parse(shown) if shown else None
    return _page(request, row, comparison, form, 400)


def _form(row: Row, comparison: Comparison, request: HttpRequest | None) -> HostKeyForm:
    """Make the confirmation; a key in place of a trusted one needs name and reason too."""
    key = str(comparison.presented) if comparison.presented else ""
    return HostKeyForm(
        request.POST if request else None,
        subject=subject_of(row),
        name=row.name,
        is_change=comparison.pinned is not None,
        initial={"presented": sign(subject_of(row), key)},
    )


def _page(
    request: HttpRequest, row: Row, comparison: Comparison, form: HostKeyForm | None, status: int
) -> HttpResponse:
    """Show where things stand."""
    context = {
        "row": row,
        "container": row if isinstance(row, Container) else None,
        "comparison": comparison,
        "form": form,
        "may_repin": request.user.has_perm(REPIN, row),
    }
    return render(request, "inventory/host_key.html", context, status=status)


def subject_of(row: Row) -> str:
    """Name a row as the change log does, by its key."""
    return f"{row._meta.model_name}:{row.pk}"


def _comparison(row: Row) -> Comparison:
    """Read what is trusted and where to ask."""
    if isinstance(row, Bastion):
        return Comparison(row.host, row.port, _pinned(row))
    kind = row.ssh_network
    address = next((a for a in row.addresses.all() if a.network.kind == kind), None)
    return Comparison(str(address.ip) if address else "", row.ssh_port, _pinned(row))


def _pinned(row: Row) -> HostKey | None:
    """Return the trusted key, if it can be read."""
    try:
        return HostKey.parse(row.host_key) if row.host_key else None
    except HostKeyUnknown:
        return None


def _fetch(row: Row, comparison: Comparison) -> None:
    """Ask the machine for its key."""
    try:
        comparison.presented = shown_host_key(row)
    except SSHError as error:
        comparison.problem = str(error)
        return
    if isinstance(row, Container) and comparison.pinned:
        shown = comparison.presented.fingerprint if comparison.is_change else ""
        note_shown_host_key(row.pk, shown)
