"""Logins and bastions; secrets are taken and never shown."""

from typing import Any

import django_filters

from inventory.api.base import ClusterPartFilter, RowViewSet
from inventory.api.host_keys import HostKeyActions
from inventory.logins import save_bastion, save_credential
from inventory.models import Bastion, Credential
from inventory.serializers.logins import BastionSerializer, CredentialSerializer
from inventory.states import CredentialKind


class CredentialFilter(ClusterPartFilter):
    """Choose by kind, name and user."""

    name = django_filters.CharFilter()
    kind = django_filters.ChoiceFilter(choices=CredentialKind.choices)
    user = django_filters.CharFilter("user__username", label="Name of the user.")


class CredentialViewSet(RowViewSet):
    """Logins, the shared ones and the sender's own; their secrets never leave."""

    queryset = Credential.objects.select_related("cluster", "user")
    serializer_class = CredentialSerializer
    filterset_class = CredentialFilter
    ordering_fields = ("name",)

    def get_queryset(self) -> Any:
        """Leave out what belongs to others."""
        rows: Any = super().get_queryset()
        return rows.visible_to(self.actor)

    def add(self, serializer: Any) -> Credential:
        """Write a new login."""
        return save_credential(Credential(**serializer.validated_data), actor=self.actor)

    def change(self, serializer: Any) -> Credential:
        """Write a changed login."""
        for name, value in serializer.validated_data.items():
            setattr(serializer.instance, name, value)
        return save_credential(serializer.instance, actor=self.actor)


class BastionFilter(django_filters.FilterSet):
    """Choose by name."""

    name = django_filters.CharFilter()


class BastionViewSet(HostKeyActions, RowViewSet):
    """Hosts that lead to others."""

    queryset = Bastion.objects.select_related("credential", "via")
    serializer_class = BastionSerializer
    filterset_class = BastionFilter
    ordering_fields = ("name",)
    verbs = HostKeyActions.host_key_verbs

    def add(self, serializer: Any) -> Bastion:
        """Write a new bastion."""
        return save_bastion(Bastion(**serializer.validated_data), actor=self.actor)

    def change(self, serializer: Any) -> Bastion:
        """Write a changed bastion."""
        for name, value in serializer.validated_data.items():
            setattr(serializer.instance, name, value)
        return save_bastion(serializer.instance, actor=self.actor)
