"""Where every address leads."""

from django.contrib import admin
from django.urls import include, path

from voipadmin.health import healthz

# Here, not at start: a collector has no pages and shall not hold their code in memory.
admin.autodiscover()

urlpatterns = [
    path("", include("inventory.urls")),
    path("", include("provisioning.urls")),
    path("", include("monitoring.urls")),
    path("", include("voipadmin.accounts.urls")),
    path("healthz", healthz, name="healthz"),
    path("api/v1/", include("voipadmin.api_urls")),
    path("admin/", admin.site.urls),
]
