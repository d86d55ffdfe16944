"""The page on which a container's host key is fetched, compared and trusted."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from inventory.forms.host_keys import HostKeyForm, sign
from inventory.models import Container
from inventory.permits import on
from inventory.services import pin_host_key
from inventory.ssh import HostKey, HostKeyUnknown, SSHError, fetch_host_key
from inventory.views.containers import container_of
from inventory.views.writing import actor

CONFIRM = "confirm"


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
    """Fetch a host key (POST), show its fingerprint, trust it when the user confirms."""
    container = container_of(pk)
    comparison = _comparison(container)
    if request.method == "POST" and request.POST.get("action") == CONFIRM:
        return _confirm(request, container, comparison)
    if request.method == "POST":
        _fetch(comparison)
    form = None
    if comparison.presented and not comparison.is_same:
        form = _form(container, comparison, None)
    status = 409 if comparison.is_change else 502 if comparison.problem else 200
    return _page(request, container, comparison, form, status)


def _confirm(request: HttpRequest, container: Container, comparison: Comparison) -> HttpResponse:
    """Trust the key that was shown."""
    form = _form(container, comparison, request)
    if form.is_valid():
        key = form.cleaned_data["presented"]
        pin_host_key(container=container, host_key=key, actor=actor(request))
        messages.success(request, f"The host key of {container.name} is trusted.")
        return redirect(container)
    shown = form.cleaned_data.get("presented")
    comparison.presented = HostKey.parse(shown) if shown else None
    return _page(request, container, comparison, form, 400)


def _form(container: Container, comparison: Comparison, request: HttpRequest | None) -> HostKeyForm:
    """Make the confirmation; a key in place of a trusted one needs the container's name too."""
    key = str(comparison.presented) if comparison.presented else ""
    return HostKeyForm(
        request.POST if request else None,
        pk=container.pk,
        container=container.name,
        is_change=comparison.pinned is not None,
        initial={"presented": sign(container.pk, key)},
    )


def _page(
    request: HttpRequest,
    container: Container,
    comparison: Comparison,
    form: HostKeyForm | None,
    status: int,
) -> HttpResponse:
    """Show where things stand."""
    context = {"container": container, "comparison": comparison, "form": form}
    return render(request, "inventory/container_host_key.html", context, status=status)


def _comparison(container: Container) -> Comparison:
    """Read what is trusted and where to ask."""
    kind = container.ssh_network
    address = next((a for a in container.addresses.all() if a.network.kind == kind), None)
    return Comparison(str(address.ip) if address else "", container.ssh_port, _pinned(container))


def _pinned(container: Container) -> HostKey | None:
    """Return the trusted key, if it can be read."""
    try:
        return HostKey.parse(container.host_key) if container.host_key else None
    except HostKeyUnknown:
        return None


def _fetch(comparison: Comparison) -> None:
    """Ask the machine for its key."""
    if not comparison.address:
        comparison.problem = "The container has no address to log in to: add one first."
        return
    try:
        comparison.presented = fetch_host_key(comparison.address, comparison.port)
    except SSHError as error:
        comparison.problem = str(error)
