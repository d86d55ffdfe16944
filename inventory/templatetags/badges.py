"""Badges: a state is a word and an icon, never a colour alone. `{% load badges %}` on any page."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from inventory.board import vendor_words

register = template.Library()

KINDS: dict[str, tuple[str, str]] = {
    # state or severity: (colour, icon)
    "active": ("success", "check-circle-fill"),
    "live": ("success", "check-circle-fill"),
    "running": ("success", "check-circle-fill"),
    "ok": ("success", "check-circle-fill"),
    "planned": ("neutral", "pencil"),
    "planning": ("neutral", "pencil"),
    "installing": ("info", "gear-fill"),
    "draining": ("warning", "hourglass-split"),
    "stopped": ("warning", "stop-circle-fill"),
    "failed": ("danger", "x-circle-fill"),
    "retired": ("neutral", "archive"),
    "decommissioned": ("neutral", "archive"),
    "error": ("danger", "x-octagon-fill"),
    "warning": ("warning", "exclamation-triangle-fill"),
    "info": ("info", "info-circle-fill"),
    "private": ("neutral", "lock-fill"),
    "public": ("info", "globe2"),
    "example": ("info", "easel"),
    "danger": ("danger", "x-circle-fill"),
    "success": ("success", "check-circle-fill"),
}


register.filter("vendor_words", vendor_words)


@register.filter
def percentage(share: float) -> str:
    """Write a share from 0 to 1 in per cent."""
    return f"{share * 100:.0f} %"


@register.simple_tag
def badge(kind: str, label: object = "") -> SafeString:
    """Show a state, severity or kind; without a label, its own word."""
    colour, icon = KINDS.get(kind, ("neutral", "dot"))
    return format_html(
        '<span class="badge badge-{}"><i class="bi bi-{}" aria-hidden="true"></i> {}</span>',
        colour,
        icon,
        label or str(kind).replace("_", " ").capitalize(),
    )
