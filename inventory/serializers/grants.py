"""Levels of access as JSON."""

from django.contrib.auth.models import Group, User
from rest_framework import serializers

from inventory.models import Grant
from inventory.serializers.fields import cluster_field, named
from voipadmin.serializers import StrictModelSerializer


class GrantSerializer(StrictModelSerializer):
    """A level of a user or a group, in a cluster or in all."""

    user = named(User.objects.filter(is_active=True), "username", required=False)
    group = named(Group.objects.all(), required=False)
    cluster = cluster_field(required=False)
    granted_by = serializers.CharField(source="granted_by_name", read_only=True)

    class Meta:
        model = Grant
        fields = ("id", "user", "group", "cluster", "level", "granted_by", "granted_at")
        read_only_fields = ("granted_at",)
