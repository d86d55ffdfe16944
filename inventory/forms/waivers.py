"""The form in which somebody answers for a finding."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone

from inventory.waivers import LONGEST
from voipadmin.forms import PageForm


class WaiverForm(PageForm):
    """Why a finding may be so, and until when; for a lock also the cluster's name."""

    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept in the cluster's history with your name.",
    )
    expires_at = forms.DateTimeField(
        label="Until",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=f"The finding returns then. At most {LONGEST.days} days from now, in UTC.",
    )
    confirm = forms.CharField(
        label="Cluster's name", help_text="Type it: what you override can do lasting harm."
    )

    def __init__(self, *args: Any, is_lock: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["expires_at"] = timezone.now() + timedelta(days=1 if is_lock else 90)
        if not is_lock:
            del self.fields["confirm"]
