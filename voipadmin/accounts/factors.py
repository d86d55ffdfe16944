"""Second factors: who has one, who lacks one that the portal asks for, and codes for tokens."""

from typing import Any

from allauth.mfa.base.internal.flows import check_rate_limit
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from inventory.access import levels
from inventory.access_levels import AccessLevel
from voipadmin.accounts.models import Requirement, SignInPolicy

LACKING = (
    "This portal asks for a second factor: sign in on its pages and set one up, then ask for a "
    "token with a code."
)
# A recovery code alone is no factor to sign in with day by day.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def has_factor(user: User) -> bool:
    """Tell whether a user has set a second factor up."""
    return bool(Authenticator.objects.filter(user=user, type__in=FACTORS).exists())


def must_have_factor(user: User) -> bool:
    """Tell whether the portal asks this user for a second factor."""
    wanted = SignInPolicy.current().second_factor
    if wanted == Requirement.ADMINISTRATORS:
        return is_administrator(user)
    return wanted == Requirement.EVERYBODY


def lacks_factor(user: User) -> bool:
    """Tell whether a user has to set a second factor up before anything else."""
    return must_have_factor(user) and not has_factor(user)


def is_administrator(user: User) -> bool:
    """Tell whether a user administers the portal or any cluster."""
    held = {level for of_cluster in levels(user).values() for level in of_cluster}
    return user.is_superuser or user.is_staff or AccessLevel.ADMINISTRATOR in held


def is_right_code(user: User, code: str) -> bool:
    """Tell whether a code is right, once; after some wrong ones no code is, for a time."""
    try:
        clear: Any = check_rate_limit(user)
    except ValidationError:
        return False
    for row in Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.WEBAUTHN):
        if row.wrap().validate_code(code):
            clear()
            return True
    return False
