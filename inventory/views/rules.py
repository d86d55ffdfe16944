"""Pages of rules: what each says, on whose word, and where it applies now."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from inventory.access import visible
from inventory.board import BLOCKS_WORDS, document_title
from inventory.host_checks import HOST_CHECKS
from inventory.models import Cluster, Waiver
from inventory.models import Platform as PlatformRow
from inventory.permits import anywhere
from inventory.platform_sync import effective_platform
from inventory.rules import RULES, Rule, findings
from inventory.rules.figures import figures
from inventory.snapshot import load_topologies
from inventory.topology import Topology
from inventory.waivers import is_lock

# What a rule looks at, in words.
SCOPES = {
    "cluster": "the cluster as a whole",
    "role": "all nodes of a role",
    "node": "each node and its machine",
    "container": "each machine and what runs on it",
    "change": "changes, before and after",
}


@require_safe
@anywhere("inventory.view_cluster")
def rule_list(request: HttpRequest) -> HttpResponse:
    """List every rule; ?q= searches titles, keys and numbers."""
    wanted = request.GET.get("q", "").strip().lower()
    rules = [rule for rule in _in_order() if wanted in _text(rule)]
    context = {"rules": rules, "q": wanted, "checks": HOST_CHECKS}
    return render(request, "inventory/rule_list.html", context)


@require_safe
@anywhere("inventory.view_cluster")
def rule_detail(request: HttpRequest, key: str) -> HttpResponse:
    """Show one rule: sentence, sources, parameters, where it applies, who overrode it."""
    rule = RULES.get(key)
    if rule is None:
        raise Http404
    known = Cluster.objects.select_related("platform", "release", "revision__platform")
    clusters = visible(known, request.user)
    topologies = load_topologies(clusters)
    newest = PlatformRow.objects.filter(retired_at=None, revisions__isnull=False).distinct()
    platforms = {row.key: effective_platform(row.revisions.latest()) for row in newest}
    found = [
        (cluster, count) for cluster in clusters if (count := _count(topologies[cluster.pk], key))
    ]
    waivers = Waiver.objects.filter(rule=key, revoked_at=None, expires_at__gt=timezone.now())
    waivers = waivers.filter(cluster__in=clusters)
    context = {
        "rule": rule,
        "numbers": sorted(rule.requirements, key=_number),
        "sources": [
            (source, document_title(source.document, None)[0])
            for source in (rule.source, *rule.also)
        ],
        "blocks": BLOCKS_WORDS[rule.blocks],
        "scope": SCOPES[rule.scope],
        "is_lock": is_lock(key),
        "has_fix": bool(rule.fixes),
        "figures": [
            (platform, rows)
            for platform in platforms.values()
            if (rows := list(figures(rule, platform)))
        ],
        "clusters": found,
        "waivers": waivers.select_related("cluster"),
    }
    return render(request, "inventory/rule_detail.html", context)


def _count(topology: Topology, key: str) -> int:
    """Count what a rule finds in a cluster now."""
    return sum(finding.key == key for finding in findings(topology))


def _in_order() -> list[Rule[Any]]:
    """Return the rules by number, requirements first."""
    return sorted(RULES.values(), key=lambda rule: (_number(rule.requirement), rule.key))


def _number(requirement: str) -> tuple[int, int]:
    """Sort R2 before R10, and R before K, S and V."""
    return "RKSV".index(requirement[0]), int(requirement[1:])


def _text(rule: Rule[Any]) -> str:
    """Return what a search looks through."""
    return " ".join((rule.key, rule.title, *rule.requirements, rule.words)).lower()
