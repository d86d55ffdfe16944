"""Addresses of the inventory pages."""

from django.urls import URLPattern, path
from django.views.generic import RedirectView

from inventory.views import (
    addresses,
    clusters,
    containers,
    findings,
    firewalls,
    host_keys,
    impact,
    interchange,
    networks,
    nodes,
    rules,
    waivers,
)

app_name = "inventory"
urlpatterns: list[URLPattern] = [
    path("", RedirectView.as_view(pattern_name="inventory:cluster-list"), name="home"),
    path("clusters/", clusters.cluster_list, name="cluster-list"),
    path("clusters/new/", clusters.cluster_create, name="cluster-create"),
    path("clusters/example/", clusters.example_create, name="example-create"),
    path("clusters/import/", interchange.cluster_import_new, name="cluster-import-new"),
    path("clusters/<slug:slug>/", clusters.cluster_detail, name="cluster-detail"),
    path("clusters/<slug:slug>/edit/", clusters.cluster_edit, name="cluster-edit"),
    path("clusters/<slug:slug>/findings/", findings.finding_list, name="finding-list"),
    path("clusters/<slug:slug>/fix/", findings.finding_fix, name="finding-fix"),
    path("clusters/<slug:slug>/revision/", clusters.cluster_revision, name="cluster-revision"),
    path("clusters/<slug:slug>/impact/", impact.impact_page, name="impact"),
    path("clusters/<slug:slug>/impact.csv", impact.impact_csv, name="impact-csv"),
    path("clusters/<slug:slug>/waivers/", waivers.waiver_list, name="waiver-list"),
    path("clusters/<slug:slug>/waivers/new/", waivers.waiver_create, name="waiver-create"),
    path(
        "clusters/<slug:slug>/waivers/<int:pk>/revoke/",
        waivers.waiver_revoke,
        name="waiver-revoke",
    ),
    path("clusters/<slug:slug>/import/", interchange.cluster_import, name="cluster-import"),
    path(
        "clusters/<slug:slug>/export/<slug:what>.<slug:form>",
        interchange.cluster_export,
        name="cluster-export",
    ),
    path("clusters/<slug:slug>/addresses/", addresses.address_page, name="address-plan"),
    path("clusters/<slug:slug>/nodes/new/", nodes.node_create, name="node-create"),
    path("rules/", rules.rule_list, name="rule-list"),
    path("rules/<slug:key>/", rules.rule_detail, name="rule-detail"),
    path("networks/", networks.network_list, name="network-list"),
    path("networks/new/", networks.network_create, name="network-create"),
    path("networks/<int:pk>/edit/", networks.network_edit, name="network-edit"),
    path("containers/", containers.container_list, name="container-list"),
    path("containers/new/", containers.container_create, name="container-create"),
    path("containers/import/", interchange.pool_import, name="pool-import"),
    path("containers/export/containers.<slug:form>", interchange.pool_export, name="pool-export"),
    path("containers/<int:pk>/", containers.container_detail, name="container-detail"),
    path("containers/<int:pk>/firewall/", firewalls.container_firewall, name="container-firewall"),
    path(
        "containers/<int:pk>/firewall.<slug:suffix>",
        firewalls.container_firewall_text,
        name="container-firewall-text",
    ),
    path("containers/<int:pk>/edit/", containers.container_edit, name="container-edit"),
    path("containers/<int:pk>/host-key/", host_keys.container_host_key, name="container-host-key"),
    path("containers/<int:pk>/adopt/", containers.container_adopt, name="container-adopt"),
    path("containers/<int:pk>/release/", containers.container_release, name="container-release"),
    path("nodes/<int:pk>/", nodes.node_detail, name="node-detail"),
    path("nodes/<int:pk>/edit/", nodes.node_edit, name="node-edit"),
    path("nodes/<int:pk>/move/", nodes.node_move, name="node-move"),
    path("nodes/<int:pk>/remove/", nodes.node_remove, name="node-remove"),
]
