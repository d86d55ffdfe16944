"""The forms that give a level of access."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group, User

from inventory.access_levels import AccessLevel
from inventory.models import Cluster
from voipadmin.forms import PageForm

LEVELS = (
    "Viewers look. Operators change machines and nodes, and run. Approvers answer for warnings, "
    "approve and skip steps. Administrators do all of it, keep logins and locks, and decide who "
    "may do what."
)


class PlaceForm(PageForm):
    """A level, in a cluster or in all of them."""

    cluster = forms.ModelChoiceField(
        Cluster.objects.all(), required=False, empty_label="All clusters, and what they share"
    )
    level = forms.ChoiceField(choices=AccessLevel.choices, help_text=LEVELS)


class GrantForm(PageForm):
    """A user or a group, and the level."""

    user = forms.ModelChoiceField(
        User.objects.filter(is_active=True).order_by("username"),
        required=False,
        empty_label="Choose a user",
    )
    group = forms.ModelChoiceField(
        Group.objects.order_by("name"),
        required=False,
        empty_label="or a group",
        help_text="Everybody in a group has what the group was given.",
    )
    level = forms.ChoiceField(choices=AccessLevel.choices, help_text=LEVELS)

    def clean(self) -> dict[str, Any] | None:
        """Ask for one holder."""
        data = super().clean()
        if bool(self.cleaned_data.get("user")) == bool(self.cleaned_data.get("group")):
            self.add_error("user", "Choose a user or a group, not both.")
        return data
