"""What allauth asks of the portal: nobody signs up, secrets are encrypted, changes are logged."""

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.contrib.auth.models import User
from django.http import HttpRequest

from inventory.crypto import decrypt, encrypt
from inventory.history import record_change
from voipadmin.accounts.factors import FACTORS, must_have_factor

logger = logging.getLogger(__name__)
# Said by the page that one comes to.
SILENT = frozenset({"account/messages/logged_in.txt", "account/messages/logged_out.txt"})
# What allauth would write a mail about, and what the audit says of it.
LOGGED = {
    "mfa/email/totp_activated": "Set an authenticator app up",
    "mfa/email/totp_deactivated": "Take the authenticator app away",
    "mfa/email/webauthn_added": "Add a security key",
    "mfa/email/webauthn_removed": "Remove a security key",
    "mfa/email/recovery_codes_generated": "Make new recovery codes",
    "account/email/password_changed": "Change the password",
    "account/email/password_set": "Set a password",
    "socialaccount/email/account_connected": "Connect a single sign-on",
    "socialaccount/email/account_disconnected": "Disconnect a single sign-on",
}


class AccountAdapter(DefaultAccountAdapter):
    """Passwords: users are made by administrators."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Let nobody sign up."""
        return False

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: Any = None,
        *args: Any,
        **more: Any,
    ) -> None:
        """Say what the next page does not show."""
        if message_template not in SILENT:
            super().add_message(request, level, message_template, *args, **more)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Write a failed sign-in to the log, never the password."""
        name = str(credentials.get("username", ""))[:150]
        logger.warning("Sign-in of %r from %s failed.", name, self.get_client_ip(request))

    def send_notification_mail(
        self, template_prefix: str, user: Any, *args: Any, **more: Any
    ) -> None:
        """Append what happened to an account to the audit; mails are not sent."""
        record_account(user, LOGGED.get(template_prefix, template_prefix), actor=user)


class SecondFactorAdapter(DefaultMFAAdapter):
    """Second factors."""

    def encrypt(self, text: str) -> str:
        """Store nothing that a copy of the database could sign in with."""
        return encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Read what was stored."""
        return decrypt(encrypted_text)

    def can_delete_authenticator(self, authenticator: Any) -> bool:
        """Keep the last factor of who must have one."""
        others = type(authenticator).objects.filter(user=authenticator.user, type__in=FACTORS)
        return others.exclude(pk=authenticator.pk).exists() or not must_have_factor(
            authenticator.user
        )


class SingleSignOnAdapter(DefaultSocialAccountAdapter):
    """OpenID Connect: who comes from there is known, and may nothing until it is granted."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Know whoever the provider knows."""
        return True

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        """Write a new user, and that there is one."""
        user: User = super().save_user(request, sociallogin, form)
        record_account(user, "Come from single sign-on for the first time", actor=user)
        return user


def record_account(user: User, what: str, *, actor: User | None, **pictures: Any) -> None:
    """Append to the audit what happened to an account."""
    record_change(
        actor=actor,
        cluster=None,
        operation="ChangeAccount",
        subject=f"user:{user.get_username()}",
        summary=f"{what}: {user.get_username()}",
        **{"before": None, "after": None, **pictures},
    )
