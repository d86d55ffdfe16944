"""Confirm a host key that the portal has just fetched."""

from typing import Any

from django import forms
from django.core import signing

from voipadmin.forms import PageForm

SALT = "inventory.host-key"
VALID_S = 15 * 60


class HostKeyForm(PageForm):
    """The fetched key, signed so that only what was shown is pinned."""

    presented = forms.CharField(widget=forms.HiddenInput)
    confirm = forms.BooleanField(
        label="I compared this fingerprint with the one on the machine's console",
        error_messages={"required": "Compare the fingerprint first, then tick this."},
    )
    name = forms.CharField(
        label="Container's name",
        help_text="Type it: from now on the machine with the new key is trusted in its place.",
    )

    def __init__(self, *args: Any, pk: int, container: str, is_change: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pk, self.container = pk, container
        if not is_change:
            del self.fields["name"]

    def clean_presented(self) -> str:
        """Refuse a key that was not shown by this page a moment ago."""
        try:
            pk, key = signing.loads(self.cleaned_data["presented"], salt=SALT, max_age=VALID_S)
        except signing.BadSignature:
            raise forms.ValidationError("This fingerprint is too old: fetch it again.") from None
        if pk != self.pk:
            raise forms.ValidationError("This is another container's fingerprint: fetch it again.")
        return str(key)

    def clean_name(self) -> str:
        """Refuse any other name."""
        if self.cleaned_data["name"] != self.container:
            raise forms.ValidationError(f"Type {self.container} to trust the new key.")
        return self.container


def sign(pk: int, key: str) -> str:
    """Return the key as the page carries it to its confirmation."""
    return signing.dumps([pk, key], salt=SALT)
