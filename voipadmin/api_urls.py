"""The addresses below /api/v1/: the routes of every app, the token, the OpenAPI document."""

from importlib import import_module
from importlib.util import find_spec

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import DefaultRouter

from voipadmin.accounts.tokens import TokenView

router = DefaultRouter()
router.include_format_suffixes = False
for app in ("inventory", "provisioning", "monitoring", "voipadmin.accounts"):
    if find_spec(f"{app}.api"):
        for prefix, viewset, basename in import_module(f"{app}.api").routes:
            router.register(prefix, viewset, basename)

app_name = "api"
urlpatterns = [
    path("", include(router.urls)),
    path("token/", TokenView.as_view(), name="token"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api:schema"), name="docs"),
]
