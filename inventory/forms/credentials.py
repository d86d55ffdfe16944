"""Forms of stored logins and of bastions; no secret is ever sent back."""

from typing import Any, cast

from django import forms
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from inventory.access import visible
from inventory.forms.logins import NewKeyField, NewPasswordField, add_key_fault, pasted_key
from inventory.models import Bastion, Cluster, Credential
from inventory.states import CredentialKind
from voipadmin.forms import PageModelForm

KEPT = "Stored encrypted, never shown again."
STAYS = "Empty: the stored one stays."


class CredentialForm(PageModelForm):
    """A stored login, shared or a user's own; secrets left empty stay as they are."""

    private_key = NewKeyField(
        help_text="Ed25519, ECDSA or RSA of 2048 bits or more; OpenSSH or PEM format.",
    )
    passphrase = NewPasswordField(
        help_text="Where the key has one; it has to open it.",
    )
    password = NewPasswordField()
    sudo_password = NewPasswordField(
        label="Password for sudo",
        help_text="Where sudo asks for one that is not the login's.",
    )

    class Meta:
        model = Credential
        fields = ("name", "cluster", "username", "kind", "sudo")
        labels = {
            "kind": "Log in with",
            "username": "User on the machine",
            "sudo": "Become root through sudo",
        }
        help_texts = {
            "name": "To find it again, such as Berlin root key.",
            "sudo": "For users other than root.",
        }

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offer_clusters(user)
        for name in ("private_key", "passphrase", "password", "sudo_password"):
            words = STAYS if self.instance.pk else KEPT
            self.fields[name].help_text = f"{self.fields[name].help_text} {words}".strip()

    def _offer_clusters(self, user: User) -> None:
        """Offer the clusters that the user may store this login for."""
        field = cast("forms.ModelChoiceField", self.fields["cluster"])
        asked = "view_cluster" if self.instance.user_id else "add_credential"
        field.queryset = visible(Cluster.objects.all(), user, f"inventory.{asked}")
        field.empty_label = "Any cluster"

    def clean(self) -> dict[str, Any]:
        """Ask for what is not stored yet; the passphrase has to open the key."""
        data = super().clean() or self.cleaned_data
        if data.get("kind") == CredentialKind.KEY:
            self._clean_key(data)
        elif data.get("kind") == CredentialKind.PASSWORD:
            self._clean_password(data)
        return data

    def _clean_key(self, data: dict[str, Any]) -> None:
        """Take a new key with its passphrase, or a new passphrase for the stored key."""
        pasted = pasted_key(data["private_key"])
        held = self.instance if self._was == CredentialKind.KEY else None
        key = pasted or (held.secret if held else "")
        if not key:
            self.add_error("private_key", "Paste the private key.")
            return
        passphrase = data["passphrase"] or (held.passphrase if held and not pasted else None)
        add_key_fault(self, key, passphrase or "", "private_key")
        self._secrets = key, passphrase or None

    def _clean_password(self, data: dict[str, Any]) -> None:
        """Take a new password, or keep the stored one."""
        stored = self.instance.secret if self._was == CredentialKind.PASSWORD else ""
        if not (password := data["password"] or stored):
            self.add_error("password", "Type the password.")
        self._secrets = password, None

    @property
    def _was(self) -> str:
        """Return the kind of what is stored."""
        return str(self.initial.get("kind", "")) if self.instance.pk else ""

    def credential(self) -> Credential:
        """Return the login to store."""
        row: Credential = self.instance
        row.secret, row.passphrase = self._secrets
        row.sudo_password = self.cleaned_data["sudo_password"] or row.sudo_password
        return row

    def _get_validation_exclusions(self) -> set[str]:
        """Leave to the service what it fills in."""
        inherited: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return inherited | {"passphrase", "secret"}


class BastionForm(PageModelForm):
    """A host that leads to others."""

    class Meta:
        model = Bastion
        fields = ("name", "host", "port", "credential", "via")
        labels = {"credential": "Login", "host": "Address"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        logins = cast("forms.ModelChoiceField", self.fields["credential"])
        logins.queryset = _shared(self.instance)
        before = cast("forms.ModelChoiceField", self.fields["via"])
        before.queryset = Bastion.objects.exclude(pk=self.instance.pk)
        before.empty_label = "Directly"


def _shared(bastion: Bastion) -> QuerySet[Credential]:
    """Return the logins that a bastion can have."""
    return Credential.objects.filter(Q(user=None) | Q(pk=bastion.credential_id))
