"""Addresses of the monitoring pages."""

from django.urls import URLPattern

app_name = "monitoring"
urlpatterns: list[URLPattern] = []
