"""A cluster goes by a pinned revision of its platform's facts until somebody changes it."""

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from inventory.models import Cluster
from inventory.operations import ChangeError, ChangeRevision, Refused, perform
from inventory.platform_sync import effective_platform, sync_platforms
from inventory.platforms.schema import Platform
from tests.factories import make_database_cluster, make_user, platform_data

pytestmark = pytest.mark.django_db


def revised(cluster: Cluster, *, minimum: int = 3, maximum: int | None = None) -> Platform:
    """Let the vendor change its mind about the number of database nodes."""
    data = platform_data("ring2all")
    roles = tuple(
        role.model_copy(
            update={
                "counts": role.counts.model_copy(update={"minimum": minimum, "maximum": maximum})
            }
        )
        if role.key == "database"
        else role
        for role in data.roles
    )
    changed = data.model_copy(update={"roles": roles})
    sync_platforms(platforms=[changed])
    return effective_platform(cluster.platform.revisions.latest())


def test_a_new_revision_changes_no_cluster_by_itself(signed_in: Client) -> None:
    cluster = make_database_cluster("alpha")
    revised(cluster, minimum=5)

    edit = signed_in.get(reverse("inventory:cluster-edit", args=["alpha"])).content.decode()
    page = signed_in.get(reverse("inventory:cluster-revision", args=["alpha"])).content.decode()

    assert "see what revision 2 would find" in edit
    assert "Database has 3 of at least 5 nodes" in page
    cluster.refresh_from_db()
    assert cluster.revision.number == 1


def test_a_cluster_goes_by_the_newest_revision_when_somebody_says_so(signed_in: Client) -> None:
    cluster = make_database_cluster("alpha")
    revised(cluster, minimum=5)

    signed_in.post(reverse("inventory:cluster-revision", args=["alpha"]))

    cluster.refresh_from_db()
    assert cluster.revision.number == 2
    change = cluster.changes.get(operation="ChangeRevision")
    assert [picture and picture["revision"] for picture in (change.before, change.after)] == [1, 2]


def test_a_revision_that_forbids_what_is_there_is_refused(signed_in: Client) -> None:
    cluster = make_database_cluster("alpha")
    platform = revised(cluster, maximum=2, minimum=1)

    with pytest.raises(Refused, match="at most 2"):
        perform(ChangeRevision(2, platform), cluster=cluster, actor=None)
    answer = signed_in.post(reverse("inventory:cluster-revision", args=["alpha"]))

    assert answer.status_code == 409
    cluster.refresh_from_db()
    assert cluster.revision.number == 1


def test_a_revision_without_a_role_in_use_is_refused() -> None:
    cluster = make_database_cluster("alpha")
    data = platform_data("ring2all")
    poorer = data.model_copy(
        update={"roles": tuple(role for role in data.roles if role.key != "database")}
    )

    with pytest.raises(ChangeError, match="has no role database"):
        perform(ChangeRevision(2, poorer), cluster=cluster, actor=None)


def test_the_api_changes_the_revision() -> None:
    cluster = make_database_cluster("alpha")
    revised(cluster, minimum=5)
    api = APIClient()
    api.force_authenticate(make_user(superuser=True))

    unknown = api.post("/api/v1/clusters/alpha/revision/", {"number": 9}, format="json")
    done = api.post("/api/v1/clusters/alpha/revision/", {"number": 2}, format="json")

    assert unknown.status_code == 400
    assert done.status_code == 200, done.content
    assert "R113" in [finding["rule"] for finding in done.json()]
