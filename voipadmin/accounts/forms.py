"""allauth's forms in the look of our pages, and those of users and policy."""

from typing import Any, cast

from allauth.account import forms as account
from allauth.mfa.base import forms as factor
from allauth.mfa.recovery_codes import forms as recovery
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from allauth.socialaccount import forms as social
from django import forms

from inventory.access import AnyUser, visible
from inventory.models import Cluster
from voipadmin.accounts.audit import Wanted, kinds
from voipadmin.accounts.models import SignInPolicy
from voipadmin.forms import PageBoundField, PageForm, PageModelForm


class DayInput(forms.DateInput):
    """The browser's own choice of a day."""

    input_type = "date"

    def __init__(self, attrs: Any = None, format: str = "%Y-%m-%d") -> None:  # noqa: A002 - Django's name
        super().__init__(attrs, format)


class PageLook:
    """Lets a form's fields look as on other pages."""

    bound_field_class = PageBoundField


class SignInForm(PageLook, account.LoginForm):
    """Name and password."""


class ConfirmForm(PageLook, account.ReauthenticateForm):
    """The password again, before something delicate."""


class PasswordForm(PageLook, account.ChangePasswordForm):
    """A new password."""


class FirstPasswordForm(PageLook, account.SetPasswordForm):
    """A password for who signs in elsewhere."""


class CodeForm(PageLook, factor.AuthenticateForm):
    """A code at sign-in."""


class ConfirmCodeForm(PageLook, factor.ReauthenticateForm):
    """A code again, before something delicate."""


class AppForm(PageLook, totp.ActivateTOTPForm):
    """The first code of an authenticator app."""


class NoAppForm(PageLook, totp.DeactivateTOTPForm):
    """Take the app away."""


class KeyForm(PageLook, webauthn.AddWebAuthnForm):
    """A new security key."""


class KeyNameForm(PageLook, webauthn.EditWebAuthnForm):
    """Another name for a key."""


class RecoveryForm(PageLook, recovery.GenerateRecoveryCodesForm):
    """New recovery codes."""


class SingleSignUpForm(PageLook, social.SignupForm):
    """What the provider did not tell."""


class PolicyForm(PageModelForm):
    """Who must have a second factor."""

    class Meta:
        model = SignInPolicy
        fields = ("second_factor",)
        widgets = {"second_factor": forms.RadioSelect}
        labels = {"second_factor": "Second factor required of"}


class AuditForm(PageForm):
    """What of the audit to show."""

    cluster = forms.ModelChoiceField(
        Cluster.objects.none(), required=False, to_field_name="slug", empty_label="Any cluster"
    )
    user = forms.CharField(required=False, max_length=150, label="Who")
    kind = forms.ChoiceField(required=False, label="Kind")
    since = forms.DateField(required=False, label="From", widget=DayInput)
    until = forms.DateField(required=False, label="Up to", widget=DayInput)
    text = forms.CharField(required=False, max_length=200, label="Text")

    def __init__(self, *args: Any, user: AnyUser, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        clusters = cast("forms.ModelChoiceField", self.fields["cluster"])
        clusters.queryset = visible(Cluster.objects.all(), user)
        names = [(kind, kind) for kind in kinds(user)]
        cast("forms.ChoiceField", self.fields["kind"]).choices = [("", "Any kind"), *names]

    def wanted(self) -> Wanted:
        """Return what is asked for."""
        return Wanted(**self.cleaned_data)
