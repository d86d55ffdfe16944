"""The page on which a second factor is required."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from inventory.permits import portal_wide
from inventory.views.writing import actor
from voipadmin.accounts.forms import PolicyForm
from voipadmin.accounts.models import SignInPolicy
from voipadmin.accounts.services import set_policy


@require_http_methods(["GET", "HEAD", "POST"])
@portal_wide("accounts.change_signinpolicy")
def policy_page(request: HttpRequest) -> HttpResponse:
    """Show and set who must have a second factor."""
    form = PolicyForm(request.POST or None, instance=SignInPolicy.current())
    if request.method == "POST" and form.is_valid():
        set_policy(second_factor=form.cleaned_data["second_factor"], actor=actor(request))
        messages.success(request, "Saved. It holds from the next click on.")
        return redirect("sign-in-policy")
    status = 400 if form.errors else 200
    return render(request, "accounts/policy.html", {"form": form}, status=status)
