"""Pages of bastions."""

from django.contrib import messages
from django.db.models import ProtectedError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from inventory.forms.credentials import BastionForm
from inventory.logins import save_bastion
from inventory.models import Bastion
from inventory.permits import portal_wide
from inventory.services import delete_row
from inventory.views.writing import Attempt, actor
from voipadmin.problems import still_needed


@require_http_methods(["GET", "HEAD", "POST"])
@portal_wide("inventory.add_bastion")
def bastion_create(request: HttpRequest) -> HttpResponse:
    """Describe a bastion; its host key is confirmed next."""
    return _form_page(request, Bastion())


@require_http_methods(["GET", "HEAD", "POST"])
@portal_wide("inventory.change_bastion")
def bastion_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a bastion."""
    return _form_page(request, get_object_or_404(Bastion, pk=pk))


@require_POST
@portal_wide("inventory.delete_bastion")
def bastion_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a bastion that leads nowhere any more."""
    row = get_object_or_404(Bastion, pk=pk)
    name = row.name
    try:
        delete_row(row, actor=actor(request))
    except ProtectedError as error:
        messages.error(request, still_needed(error))
    else:
        messages.success(request, f"The bastion {name} is deleted.")
    return redirect("inventory:login-list")


def _form_page(request: HttpRequest, row: Bastion) -> HttpResponse:
    """Show the form of a bastion, or write what it says."""
    name = row.name
    form = BastionForm(request.POST or None, instance=row)
    attempt = Attempt(request, form, None)
    is_valid = request.method == "POST" and form.is_valid()
    if is_valid and (saved := attempt.write(lambda: save_bastion(row, actor=actor(request)))):
        row = saved
        messages.success(request, f"The bastion {row.name} is stored.")
        if row.host_key:
            return redirect("inventory:login-list")
        return redirect("inventory:bastion-host-key", pk=row.pk)
    context = {"form": form, "name": name, "pk": row.pk if name else None}
    return render(request, "inventory/bastion_form.html", context, status=attempt.status)
