"""Addresses of the provisioning pages."""

from django.urls import URLPattern, path

from provisioning import installation_views, log_views, operations_views, preflight_views, views

app_name = "provisioning"
urlpatterns: list[URLPattern] = [
    path("clusters/<slug:slug>/plan/", views.plan_page, name="plan"),
    path("clusters/<slug:slug>/preflight/", preflight_views.preflight_page, name="preflight"),
    path(
        "clusters/<slug:slug>/preflight/start/",
        preflight_views.preflight_start,
        name="preflight-start",
    ),
    path(
        "clusters/<slug:slug>/preflight/json/",
        preflight_views.preflight_json,
        name="preflight-json",
    ),
    path(
        "clusters/<slug:slug>/preflight/adopt/",
        preflight_views.preflight_adopt,
        name="preflight-adopt",
    ),
    path(
        "clusters/<slug:slug>/preflight/mend/",
        preflight_views.preflight_mend,
        name="preflight-mend",
    ),
    path(
        "clusters/<slug:slug>/installation/",
        installation_views.installation_page,
        name="installation",
    ),
    path(
        "clusters/<slug:slug>/installation/run/",
        installation_views.installation_run,
        name="installation-run",
    ),
    path("clusters/<slug:slug>/runs/", views.run_list, name="run-list"),
    path("clusters/<slug:slug>/runs/start/", views.run_create, name="run-create"),
    path("clusters/<slug:slug>/runs/look/", views.run_look, name="run-look"),
    path("runs/", views.run_list_all, name="run-list-all"),
    path("runs/<uuid:pk>/", views.run_detail, name="run-detail"),
    path("runs/<uuid:pk>/lines/", log_views.run_lines, name="run-lines"),
    path("runs/<uuid:pk>/lines/find/", log_views.run_find, name="run-find"),
    path("runs/<uuid:pk>/log/", log_views.run_log, name="run-log"),
    path("operations/", operations_views.operations_page, name="operations"),
    path("runs/hints/", views.hint_list, name="hint-list"),
    path("runs/<uuid:pk>/differences/", log_views.run_differences, name="run-differences"),
    path("runs/<uuid:pk>/export/", views.run_export, name="run-export"),
    path("runs/<uuid:pk>/cancel/", views.run_cancel, name="run-cancel"),
    path("runs/<uuid:pk>/retry/", views.run_retry, name="run-retry"),
    path("steps/<uuid:pk>/", views.step_detail, name="step-detail"),
    path("steps/<uuid:pk>/confirm/", views.step_confirm, name="step-confirm"),
    path("steps/<uuid:pk>/refuse/", views.step_refuse, name="step-refuse"),
    path("steps/<uuid:pk>/skip/", views.step_skip, name="step-skip"),
    path("steps/<uuid:pk>/retry-from/", views.step_retry_from, name="step-retry-from"),
]
