"""Addresses of the monitoring pages."""

from django.urls import path

from monitoring import views

app_name = "monitoring"
urlpatterns = [
    path("containers/<int:pk>/metrics/", views.container_metrics, name="container-metrics"),
    path("containers/<int:pk>/state/", views.host_state, name="host-state"),
    path("nodes/<int:pk>/metrics/", views.node_metrics, name="node-metrics"),
    path("clusters/<slug:slug>/health/", views.cluster_health, name="cluster-health"),
    path("clusters/<slug:slug>/headroom/", views.headroom, name="headroom"),
    path("monitoring/collectors/", views.collectors, name="collectors"),
    path("monitoring/series/<int:layout>/<int:pk>/", views.series, name="series"),
]
