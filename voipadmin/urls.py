"""Where every address leads."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from voipadmin.forms import LoginForm
from voipadmin.health import healthz

# Here, not at start: a collector has no pages and shall not hold their code in memory.
admin.autodiscover()

urlpatterns = [
    path("", include("inventory.urls")),
    path("", include("provisioning.urls")),
    path("", include("monitoring.urls")),
    path(
        "login/",
        LoginView.as_view(authentication_form=LoginForm, redirect_authenticated_user=True),
        name="login",
    ),
    path("healthz", healthz, name="healthz"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("api/v1/", include("voipadmin.api_urls")),
    path("admin/", admin.site.urls),
]
