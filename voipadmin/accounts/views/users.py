"""Pages of users, for those who administer the portal: what each may, and where."""

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from inventory.forms.grants import PlaceForm
from inventory.grants import give_level, take_level
from inventory.models import Grant
from inventory.permits import portal_wide
from inventory.views.writing import Attempt, actor, request_id
from voipadmin.accounts import services
from voipadmin.accounts.factors import FACTORS
from voipadmin.accounts.models import SignInPolicy

PAGE_SIZE = 50


@require_safe
@portal_wide("auth.view_user")
def user_list(request: HttpRequest) -> HttpResponse:
    """List users; ?q= searches their names."""
    wanted = request.GET.get("q", "").strip()
    factors = Authenticator.objects.filter(user=OuterRef("pk"), type__in=FACTORS)
    users = User.objects.filter(
        Q(username__icontains=wanted) | Q(email__icontains=wanted)
    ).annotate(levels=Count("grants"), has_factor=Exists(factors))
    page = Paginator(users.order_by("username"), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page": page, "q": wanted, "policy": SignInPolicy.current()}
    return render(request, "accounts/user_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@portal_wide("auth.view_user", "inventory.add_grant")
def user_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what a user may, and give a level in a cluster or in all."""
    user = get_object_or_404(User, pk=pk)
    form = PlaceForm(request.POST or None)
    attempt = Attempt(request, form, None)
    is_valid = request.method == "POST" and form.is_valid()
    if is_valid and (
        grant := attempt.write(
            lambda: give_level(
                user=user, actor=actor(request), request_id=request_id(request), **form.cleaned_data
            )
        )
    ):
        messages.success(request, f"{grant.holder} is {grant.get_level_display().lower()} now.")
        return redirect("user-detail", pk=pk)
    context = {
        "person": user,
        "form": form,
        "grants": Grant.objects.held_by(user).select_related("user", "group", "cluster"),
        "factors": Authenticator.objects.filter(user=user, type__in=FACTORS),
    }
    return render(request, "accounts/user_detail.html", context, status=attempt.status)


@require_POST
@portal_wide("auth.view_user", "inventory.delete_grant")
def grant_take(request: HttpRequest, pk: int, grant: int) -> HttpResponse:
    """Take a level back from a user."""
    row = get_object_or_404(Grant.objects.select_related("cluster", "user"), user=pk, pk=grant)
    take_level(grant=row, actor=actor(request), request_id=request_id(request))
    messages.success(request, "The level is taken back.")
    return redirect("user-detail", pk=pk)


@require_POST
@portal_wide("auth.change_user")
def forget_factors(request: HttpRequest, pk: int) -> HttpResponse:
    """Let somebody who has lost the second factor sign in with the password again."""
    user = get_object_or_404(User, pk=pk)
    services.forget_factors(user=user, actor=actor(request))
    messages.success(
        request, f"{user} signs in with the password alone, until a new factor is set."
    )
    return redirect("user-detail", pk=pk)
