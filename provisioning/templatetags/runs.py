"""Times and steps as the pages of runs show them. `{% load runs %}`."""

from collections.abc import Iterable
from datetime import datetime

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from provisioning.board import Cell

register = template.Library()

MINUTE_S = 60


@register.filter
def took(begin: datetime, end: datetime) -> str:
    """Write how long something took."""
    return spell_time((end - begin).total_seconds())


@register.filter
def spelled(seconds: float) -> str:
    """Write a duration in seconds."""
    return spell_time(seconds)


@register.filter
def code(text: str) -> SafeString:
    """Show what stands between backticks as code."""
    plain, *rest = text.split("`")
    pairs = zip(rest[::2], rest[1::2], strict=True)
    return format_html("{}{}", plain, format_html_join("", "<code>{}</code>{}", pairs))


@register.simple_tag
def since(begin: datetime) -> SafeString:
    """Show for how long something has been going on; the browser lets it run."""
    words = spell_time((timezone.now() - begin).total_seconds())
    return format_html('<time data-since datetime="{}">{}</time>', begin.isoformat(), words)


@register.simple_tag
def moment(at: datetime) -> SafeString:
    """Show a time; the browser writes it in its reader's zone."""
    words = f"{at:%Y-%m-%d %H:%M:%S} UTC"
    return format_html('<time data-moment datetime="{}">{}</time>', at.isoformat(), words)


@register.simple_tag
def cells(steps: Iterable[Cell]) -> SafeString:
    """Show steps as small squares; symbol and word say how each stands, the colour only helps."""
    # A page may have thousands: a template for each would take seconds.
    address = reverse("provisioning:step-detail", args=["00000000-0000-0000-0000-000000000000"])
    before, after = address.split("00000000-0000-0000-0000-000000000000")
    return format_html_join(
        "",
        '<a class="cell cell-{}" href="{}{}{}" title="{}. {}: {}"></a>',
        (
            (step.status, before, step.pk, after, number, step.title, step.status)
            for number, step in enumerate(steps, 1)
        ),
    )


def spell_time(seconds: float) -> str:
    """Write a duration, such as 1:02:03 or 4:05."""
    minutes, rest = divmod(max(0, int(seconds)), MINUTE_S)
    hours, minutes = divmod(minutes, MINUTE_S)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
