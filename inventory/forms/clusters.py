"""Forms of clusters and networks."""

from typing import Any, cast

from django import forms
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from inventory.access import visible
from inventory.logins import may_use_shared_logins
from inventory.models import Cluster, Credential, Network, Release
from inventory.states import ClusterKind, ClusterState
from voipadmin.forms import PageModelForm

RESERVED_SLUGS = frozenset({"new", "example", "import"})


class ReleaseField(forms.ModelChoiceField):
    """A release, named with its platform."""

    def label_from_instance(self, obj: Release) -> str:
        """Return platform and release."""
        return f"{obj.platform.name}: {obj.name}"


class ClusterForm(PageModelForm):
    """What a cluster is, apart from its machines and nodes."""

    release = ReleaseField(
        queryset=Release.objects.none(),
        label="Platform and release",
        help_text="Roles, rules and installation order come from the vendor's documents for it.",
    )

    confirm = forms.CharField(
        required=False,
        label="Cluster's name, to decommission it",
        help_text="Only for the state Decommissioned: its locks end, and its nodes may go.",
    )

    class Meta:
        model = Cluster
        fields = (
            "name",
            "slug",
            "release",
            "kind",
            "infrastructure",
            "time_zone",
            "country",
            "availability_guarantee",
            "state",
            "credential",
            "bastion",
            "networks",
        )
        labels = {"slug": "Short key", "credential": "Login for its containers"}
        help_texts = {
            "name": "As you call it, such as Berlin production.",
            "slug": "Lower-case letters, digits and hyphens; used in addresses of pages.",
            "kind": "A single node does everything on one machine; a distributed system runs on "
            "multiple nodes (R9).",
            "infrastructure": "Physical machines of your own, or an IaaS provider's (R1).",
            "state": "Live is the lock point: from then on numbers of nodes that never change, and "
            "nodes that are never removed, are locked (R82, R86).",
            "time_zone": "Such as Europe/Berlin; days and busy hours are counted in it.",
            "networks": "Both public (routable) and private (non-routable) networks are required "
            "for the infrastructure (R14).",
        }
        widgets = {"networks": forms.CheckboxSelectMultiple}

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("ReleaseField", self.fields["release"]).queryset = self._releases()
        logins = cast("forms.ModelChoiceField", self.fields["credential"])
        logins.queryset = self._logins(user)
        if not self.instance.pk:
            self.fields["kind"].initial = ClusterKind.DISTRIBUTED
            del self.fields["state"]  # a cluster begins with its planning
            del self.fields["confirm"]
        networks = visible(Network.objects.all(), user)
        cast("forms.ModelMultipleChoiceField", self.fields["networks"]).queryset = networks
        if not networks.exists():
            del self.fields["networks"]

    def _releases(self) -> QuerySet[Release]:
        """Return what can be chosen: any current release, later only those of the platform."""
        releases = Release.objects.select_related("platform").filter(
            retired_at=None, platform__retired_at=None
        )
        if self.instance.pk:
            return releases.filter(platform=self.instance.platform)
        return releases

    def _logins(self, user: User) -> QuerySet[Credential]:
        """Return what can be chosen for machines without a login of their own."""
        usable = Q(cluster=self.instance.pk, cluster__isnull=False)
        if may_use_shared_logins(user):
            usable |= Q(cluster=None)
        held = Q(pk=self.instance.credential_id)
        return Credential.objects.filter((usable & Q(user=None)) | held)

    def clean_slug(self) -> str:
        """Refuse keys that pages need for themselves."""
        slug: str = self.cleaned_data["slug"]
        if slug in RESERVED_SLUGS:
            raise forms.ValidationError(f"{slug} is an address of the portal: choose another key.")
        return slug

    def clean(self) -> dict[str, Any] | None:
        """Ask for the typed name before a cluster is given up (K16)."""
        data = super().clean()
        was, state = self.initial.get("state"), self.cleaned_data.get("state")
        is_given_up = state == ClusterState.DECOMMISSIONED != was
        name = self.initial.get("name")
        if is_given_up and self.cleaned_data.get("confirm") != name:
            self.add_error("confirm", f"Type {name} to decommission it.")
        return data

    def _get_validation_exclusions(self) -> set[str]:
        """Leave out what follows from the release."""
        inherited: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return inherited | {"platform", "revision"}


class NetworkForm(PageModelForm):
    """A private or public network."""

    class Meta:
        model = Network
        fields = ("name", "kind", "cidr", "gateway", "location")
        labels = {"cidr": "Address range"}
        help_texts = {
            "name": "Such as berlin-private.",
            "kind": "Private: not routable from outside. Public: customers reach it.",
            "cidr": "In CIDR notation, such as 192.168.10.0/24. Plan the private network for "
            "expansion (R50).",
            "gateway": "The router's address in the range, which no container may have; empty when "
            "it is not known.",
            "location": "Where it is; empty when it spans several places.",
        }
