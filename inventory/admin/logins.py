"""Logins, bastions, generated secrets and certificates."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.forms import BaseFormSet
from django.http import HttpRequest

from inventory.admin.access import ReadOnlyAdmin
from inventory.admin.base import OperationForm, RowAdmin, actor
from inventory.forms.logins import SecretTextarea
from inventory.logins import key_fault, save_bastion, save_credential
from inventory.models import Bastion, Certificate, Credential, Secret
from inventory.states import CredentialKind

HIDDEN = ("secret", "passphrase", "sudo_password")
KEPT = "Stored encrypted, never shown again. Empty: stays as it is."


class CredentialForm(OperationForm):
    """A login; its secrets are typed in and never shown."""

    secret = forms.CharField(
        required=False,
        strip=False,
        widget=SecretTextarea(attrs={"rows": 6, "spellcheck": "false", "autocomplete": "off"}),
        help_text=f"Private key, or a password. {KEPT}",
    )
    passphrase = forms.CharField(
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=f"What opens the private key. {KEPT}",
    )
    sudo_password = forms.CharField(
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=f"What sudo asks for, where it is not the login's password. {KEPT}",
    )

    class Meta:
        model = Credential
        fields = (
            "name",
            "cluster",
            "kind",
            "username",
            "secret",
            "passphrase",
            "sudo",
            "sudo_password",
        )

    def clean(self) -> dict[str, Any]:
        """Ask for a secret once; open a private key before it is stored."""
        data = super().clean() or self.cleaned_data
        typed = data.get("secret", "").replace("\r\n", "\n")
        data["secret"] = typed or self.instance.secret
        # Another key has another passphrase, or none.
        held = None if typed else self.instance.passphrase
        data["passphrase"] = data.get("passphrase") or held
        data["sudo_password"] = data.get("sudo_password") or self.instance.sudo_password
        if not data["secret"]:
            self.add_error("secret", "Type the password or paste the private key.")
        elif data.get("kind") == CredentialKind.KEY:
            if fault := key_fault(data["secret"], data["passphrase"]):
                self.add_error(*fault)
        else:
            data["passphrase"] = None
        return data


@admin.register(Credential)
class CredentialAdmin(RowAdmin):
    """Shared logins; a user's own are on the user's page alone, and no secret ever leaves."""

    form = CredentialForm
    list_display = ("name", "kind", "username", "fingerprint", "cluster", "sudo")
    list_filter = ("kind", "cluster")
    list_select_related = ("cluster",)
    search_fields = ("name", "username", "fingerprint")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Credential]:
        """Leave out what belongs to somebody."""
        rows: models.QuerySet[Credential] = super().get_queryset(request)
        return rows.filter(user=None)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show no secret to whoever may only look, either."""
        may = self.has_change_permission(request, obj) or obj is None
        names = CredentialForm.Meta.fields
        return names if may else tuple(name for name in names if name not in HIDDEN)

    def write(
        self, request: HttpRequest, row: Any, form: Any, formsets: list[BaseFormSet], change: bool
    ) -> models.Model:
        """Write a login with its key's fingerprint."""
        return save_credential(row, actor=actor(request))


class BastionForm(OperationForm):
    """A host that leads to others."""

    class Meta:
        model = Bastion
        fields = ("name", "host", "port", "credential", "via")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if field := self.fields.get("credential"):
            field.queryset = Credential.objects.shared()  # type: ignore[attr-defined]


@admin.register(Bastion)
class BastionAdmin(RowAdmin):
    """Hosts that lead to others; their host keys are confirmed on their own page."""

    form = BastionForm
    list_display = ("name", "host", "port", "credential", "via", "host_key_confirmed_at")
    list_select_related = ("credential", "via")
    search_fields = ("name", "host")

    def write(
        self, request: HttpRequest, row: Any, form: Any, formsets: list[BaseFormSet], change: bool
    ) -> models.Model:
        """Write a bastion."""
        return save_bastion(row, actor=actor(request))


@admin.register(Secret)
class SecretAdmin(ReadOnlyAdmin):
    """Which passwords were generated; their values never leave."""

    list_display = ("cluster", "key", "created_at")
    list_filter = ("cluster",)
    list_select_related = ("cluster",)
    fields = ("cluster", "key", "created_at")


@admin.register(Certificate)
class CertificateAdmin(ReadOnlyAdmin):
    """Which certificates there are; their keys never leave. They are changed on their own page."""

    list_display = ("cluster", "kind", "name", "expires_at")
    list_filter = ("kind", "cluster")
    list_select_related = ("cluster",)
    fields = ("cluster", "kind", "name", "certificate", "expires_at", "created_at")
