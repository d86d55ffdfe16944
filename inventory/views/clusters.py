"""Pages of clusters."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def cluster_list(request: HttpRequest, **_: object) -> HttpResponse:
    """Show a page that is being written."""
    return render(request, "base.html")


def cluster_create(request: HttpRequest, **_: object) -> HttpResponse:
    """Show a page that is being written."""
    return render(request, "base.html")


def example_create(request: HttpRequest, **_: object) -> HttpResponse:
    """Show a page that is being written."""
    return render(request, "base.html")


def cluster_detail(request: HttpRequest, **_: object) -> HttpResponse:
    """Show a page that is being written."""
    return render(request, "base.html")


def cluster_edit(request: HttpRequest, **_: object) -> HttpResponse:
    """Show a page that is being written."""
    return render(request, "base.html")


def finding_fix(request: HttpRequest, **_: object) -> HttpResponse:
    """Show a page that is being written."""
    return render(request, "base.html")
