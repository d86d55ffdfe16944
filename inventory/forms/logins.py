"""How the portal logs in to a container: a stored login, or a new one that is never shown again."""

from typing import Any, cast

from django import forms
from django.contrib.auth.models import User
from django.core.validators import RegexValidator
from django.db.models import Q, QuerySet

from inventory.logins import key_fault, may_use_shared_logins
from inventory.models import Cluster, Credential
from inventory.states import CredentialKind
from voipadmin.forms import PageForm


class SecretTextarea(forms.Textarea):
    """A text that is typed in and never sent back."""

    def format_value(self, value: Any) -> str:
        """Show nothing."""
        return ""


class NewLoginField(forms.CharField):
    """A field that a new login needs and a stored one does not: never called optional."""

    is_conditional = True


class NewPasswordField(NewLoginField):
    """A password or passphrase: taken as typed, never filled in or shown again."""

    def __init__(self, **kwargs: Any) -> None:
        hidden = forms.PasswordInput(attrs={"autocomplete": "new-password"})
        super().__init__(required=False, strip=False, widget=hidden, **kwargs)


class NewKeyField(NewLoginField):
    """A private key that is pasted, never shown again."""

    def __init__(self, **kwargs: Any) -> None:
        area = SecretTextarea(attrs={"rows": 6, "spellcheck": "false", "autocomplete": "off"})
        super().__init__(required=False, widget=area, **kwargs)


class LoginForm(PageForm):
    """Choose a stored login, or paste a private key or a password."""

    STORED, KEY, PASSWORD = "stored", "key", "password"

    method = forms.ChoiceField(
        label="Log in with",
        choices=(
            (STORED, "A stored login"),
            (KEY, "A new private key"),
            (PASSWORD, "A new password"),
        ),
        initial=STORED,
    )
    credential = forms.ModelChoiceField(
        Credential.objects.none(),
        required=False,
        label="Stored login",
        empty_label="None yet",
        help_text="Without a login the portal can neither install nor watch the machine.",
    )
    login_name = NewLoginField(
        required=False,
        max_length=100,
        label="Name of the login",
        help_text="To find it again, such as Berlin root key.",
    )
    username = NewLoginField(
        required=False,
        initial="root",
        label="User on the machine",
        validators=[
            RegexValidator(r"^[a-z_][a-z0-9_.-]{0,31}$", "A login name, such as root or deploy.")
        ],
    )
    sudo = forms.BooleanField(
        required=False,
        label="Become root through sudo",
        help_text="For users other than root.",
    )
    private_key = NewKeyField(
        help_text="OpenSSH or PEM format. Stored encrypted, never shown again.",
    )
    passphrase = NewPasswordField(
        label="Its passphrase",
        help_text="Where the key has one. Stored encrypted, never shown again.",
    )
    password = NewPasswordField(
        help_text="Stored encrypted, never shown again.",
    )
    sudo_password = NewPasswordField(
        label="Password for sudo",
        help_text="Where sudo asks for one that is not the login's. Stored encrypted.",
    )

    def __init__(
        self, *args: Any, cluster: Cluster | None, user: User, held: int | None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs | {"initial": {"credential": held}})
        self.cluster = cluster
        field = cast("forms.ModelChoiceField", self.fields["credential"])
        field.queryset = _logins(cluster, user, held)

    def clean_private_key(self) -> str:
        """Tidy what was pasted; another method needs no key."""
        is_key = self.data.get(self.add_prefix("method")) == self.KEY
        return pasted_key(self.cleaned_data["private_key"]) if is_key else ""

    def clean(self) -> dict[str, Any]:
        """Ask for what a new login needs."""
        super().clean()
        data = self.cleaned_data
        if data.get("method") in (None, self.STORED):
            return data
        is_key = data["method"] == self.KEY
        for name, words in (
            ("login_name", "Give the login a name."),
            ("username", "Say which user logs in."),
            ("private_key", "Paste the private key.")
            if is_key
            else ("password", "Type the password."),
        ):
            if not data.get(name) and name not in self.errors:
                self.add_error(name, words)
        if is_key and data.get("private_key"):
            add_key_fault(self, data["private_key"], data.get("passphrase", ""), "private_key")
        if Credential.objects.filter(name=data.get("login_name")).exists():
            self.add_error("login_name", "A login of this name is stored already.")
        return data

    def new_credential(self) -> Credential | None:
        """Return the login to store, None when a stored one was chosen."""
        data = self.cleaned_data
        if data["method"] == self.STORED:
            return None
        is_key = data["method"] == self.KEY
        return Credential(
            name=data["login_name"],
            cluster=self.cluster,
            kind=CredentialKind.KEY if is_key else CredentialKind.PASSWORD,
            username=data["username"],
            secret=data["private_key"] if is_key else data["password"],
            passphrase=data["passphrase"] if is_key else None,
            sudo=data["sudo"],
            sudo_password=data["sudo_password"],
        )


def _logins(cluster: Cluster | None, user: User, held: int | None) -> QuerySet[Credential]:
    """Return what may be chosen: shared logins, and the one held already."""
    shared = Q(cluster=None) if may_use_shared_logins(user) else Q(pk=None)
    own = Q(cluster=cluster) if cluster else Q(pk=None)
    return Credential.objects.filter(((shared | own) & Q(user=None)) | Q(pk=held))


def pasted_key(text: str) -> str:
    """Return a pasted key as files have it; nothing stays nothing."""
    tidy = text.replace("\r\n", "\n").strip()
    return f"{tidy}\n" if tidy else ""


def add_key_fault(form: forms.BaseForm, key: str, passphrase: str, field: str) -> None:
    """Say beside its field what is wrong with a private key, or with its passphrase."""
    if fault := key_fault(key, passphrase):
        place, words = fault
        form.add_error("passphrase" if place == "passphrase" else field, words)
