"""Pages of networks."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def network_list(request: HttpRequest, **_: object) -> HttpResponse:
    """Show a page that is being written."""
    return render(request, "base.html")


def network_create(request: HttpRequest, **_: object) -> HttpResponse:
    """Show a page that is being written."""
    return render(request, "base.html")
