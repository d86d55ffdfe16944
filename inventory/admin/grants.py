"""Levels of access; given and taken back as on the cluster's page."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.forms import BaseFormSet
from django.http import HttpRequest

from inventory.admin.base import OperationAdmin, actor
from inventory.grants import give_level, take_level
from inventory.models import Grant


@admin.register(Grant)
class GrantAdmin(OperationAdmin):
    """Who may do what where."""

    fields = ("user", "group", "cluster", "level")
    list_display = ("user", "group", "cluster", "level", "granted_by_name", "granted_at")
    list_filter = ("cluster", "level")
    list_select_related = ("user", "group", "cluster")
    search_fields = ("user__username", "group__name")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Take a level back and give another one instead."""
        return False

    def write(
        self, request: HttpRequest, row: Any, form: Any, formsets: list[BaseFormSet], change: bool
    ) -> models.Model:
        """Give a level."""
        return give_level(**form.cleaned_data, actor=actor(request))

    def remove(self, request: HttpRequest, row: Grant) -> None:
        """Take a level back."""
        take_level(grant=row, actor=actor(request))
