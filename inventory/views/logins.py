"""Pages of stored logins: the shared ones, and a user's own that nobody else sees."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, ProtectedError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from inventory.access import may_somewhere, visible
from inventory.forms.credentials import CredentialForm
from inventory.logins import save_credential
from inventory.models import Bastion, Cluster, Credential
from inventory.services import delete_row
from inventory.views.access import fingerprint_of
from inventory.views.writing import Attempt, actor
from voipadmin.problems import still_needed

VIEW = "inventory.view_credential"


@require_safe
@login_required
def login_list(request: HttpRequest) -> HttpResponse:
    """Show the user's own logins, the shared ones and the bastions, as far as they may be seen."""
    user = actor(request)
    rows = Credential.objects.select_related("cluster")
    bastions = Bastion.objects.select_related("credential", "via")
    seen = Prefetch("clusters", visible(Cluster.objects.all(), user))
    context = {
        "own": rows.filter(user=user),
        "shared": visible(rows.shared(), user) if may_somewhere(user, VIEW) else None,
        "may_add": may_somewhere(user, "inventory.add_credential"),
        "may_change": may_somewhere(user, "inventory.change_credential"),
        "bastions": [(row, fingerprint_of(row)) for row in bastions.prefetch_related(seen)]
        if may_somewhere(user, "inventory.view_bastion")
        else None,
    }
    return render(request, "inventory/login_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def login_create(request: HttpRequest) -> HttpResponse:
    """Store a login: a shared one, or with ?own=1 one of the user's own."""
    is_own = bool(request.GET.get("own"))
    if not is_own and not may_somewhere(request.user, "inventory.add_credential"):
        raise PermissionDenied
    return _form_page(request, Credential(user=actor(request) if is_own else None))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def login_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a login; its secrets stay unless they are typed anew."""
    return _form_page(request, _login_of(request, pk, "change"))


@require_POST
@login_required
def login_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a login that nothing needs."""
    row = _login_of(request, pk, "delete")
    name = row.name
    try:
        delete_row(row, actor=actor(request), cluster=row.cluster, is_own=row.user_id is not None)
    except ProtectedError as error:
        messages.error(request, still_needed(error))
    else:
        messages.success(request, f"The login {name} is deleted.")
    return redirect("inventory:login-list")


def _login_of(request: HttpRequest, pk: int, verb: str) -> Credential:
    """Return a login that the user may do that to, or 404 for somebody else's own."""
    user = actor(request)
    row: Credential = get_object_or_404(Credential.objects.visible_to(user), pk=pk)
    if row.user_id is None and not user.has_perm(VIEW, row):
        raise Http404
    if row.user_id is None and not user.has_perm(f"inventory.{verb}_credential", row):
        raise PermissionDenied
    return row


def _form_page(request: HttpRequest, row: Credential) -> HttpResponse:
    """Show the form of a login, or write what it says."""
    name = row.name
    form = CredentialForm(request.POST or None, instance=row, user=actor(request))
    attempt = Attempt(request, form, None)
    is_valid = request.method == "POST" and form.is_valid()
    if is_valid and (stored := attempt.write(lambda: _write(request, form))):
        messages.success(request, f"The login {stored.name} is stored.")
        return redirect("inventory:login-list")
    context: dict[str, Any] = {
        "form": form,
        "name": name,
        "pk": row.pk,
        "is_own": row.user_id is not None,
        "fingerprint": row.fingerprint,
    }
    return render(request, "inventory/login_form.html", context, status=attempt.status)


def _write(request: HttpRequest, form: CredentialForm) -> Credential:
    """Store what the form says."""
    return save_credential(form.credential(), actor=actor(request))
