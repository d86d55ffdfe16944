"""Where every address leads."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("inventory.urls")),
    path("", include("provisioning.urls")),
    path("", include("monitoring.urls")),
    path("admin/", admin.site.urls),
]
