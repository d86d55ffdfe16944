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
    reason = forms.CharField(
        max_length=500,
        label="Why it has another key",
        help_text="Such as: reinstalled today by me, ticket 4711. It is kept with both keys.",
    )
    name = forms.CharField(
        label="Its name",
        help_text="Type it: from now on the machine with the new key is trusted in its place.",
    )

    def __init__(self, *args: Any, subject: str, name: str, is_change: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.subject, self.called = subject, name
        if not is_change:
            del self.fields["name"], self.fields["reason"]

    def clean_presented(self) -> str:
        """Refuse a key that was not shown by this page a moment ago."""
        try:
            subject, key = signing.loads(self.cleaned_data["presented"], salt=SALT, max_age=VALID_S)
        except signing.BadSignature:
            raise forms.ValidationError("This fingerprint is too old: fetch it again.") from None
        if subject != self.subject:
            raise forms.ValidationError("This is another machine's fingerprint: fetch it again.")
        return str(key)

    def clean_name(self) -> str:
        """Refuse any other name."""
        if self.cleaned_data["name"] != self.called:
            raise forms.ValidationError(f"Type {self.called} to trust the new key.")
        return self.called


def sign(subject: str, key: str) -> str:
    """Return the key as the page carries it to its confirmation."""
    return signing.dumps([subject, key], salt=SALT)
