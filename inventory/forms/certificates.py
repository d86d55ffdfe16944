"""The form that takes a certificate for the public side; its key is never shown again."""

from django import forms

from inventory.forms.logins import NewKeyField, pasted_key
from voipadmin.forms import PageForm


class CertificateForm(PageForm):
    """A certificate with its chain, and its key."""

    certificate = forms.CharField(
        label="Certificate and chain",
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text="PEM: first the own certificate, then the one that issued it, and so on.",
    )
    key = NewKeyField(
        label="Private key",
        help_text="PEM, without a passphrase. Stored encrypted, never shown again.",
    )

    def clean_certificate(self) -> str:
        """Tidy what was pasted."""
        return pasted_key(self.cleaned_data["certificate"])

    def clean_key(self) -> str:
        """Tidy what was pasted; there is no certificate without a key."""
        if not (key := pasted_key(self.cleaned_data["key"])):
            raise forms.ValidationError("Paste the private key.")
        return key
