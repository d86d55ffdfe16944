"""Addresses of the inventory pages."""

from django.urls import URLPattern

app_name = "inventory"
urlpatterns: list[URLPattern] = []
