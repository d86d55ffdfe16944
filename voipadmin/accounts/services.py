"""What administrators do to accounts and to the sign-in policy; each is logged."""

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.db import transaction
from rest_framework.authtoken.models import Token

from inventory.access import permit
from inventory.history import record_change
from voipadmin.accounts.adapters import record_account
from voipadmin.accounts.models import Requirement, SignInPolicy
from voipadmin.constraints import full_clean


@transaction.atomic
def set_policy(*, second_factor: str, actor: User) -> SignInPolicy:
    """Say who must have a second factor; raises ValidationError for an unknown answer."""
    policy = SignInPolicy.current()
    permit(actor, "accounts.change_signinpolicy", None)
    before = policy.second_factor
    policy.second_factor = second_factor
    full_clean(policy)
    policy.save()
    record_change(
        actor=actor,
        cluster=None,
        operation="SetSignInPolicy",
        subject="policy:sign-in",
        summary=f"Ask for a second factor of: {Requirement(second_factor).label.lower()}",
        before={"second_factor": before},
        after={"second_factor": str(second_factor)},
    )
    return policy


@transaction.atomic
def forget_factors(*, user: User, actor: User) -> None:
    """Take a lost second factor away, with the token that was had for it."""
    permit(actor, "auth.change_user", None)
    Authenticator.objects.filter(user=user).delete()
    Token.objects.filter(user=user).delete()
    record_account(user, "Forget second factors and token", actor=actor)
