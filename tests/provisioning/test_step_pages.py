"""What people decide on a step's page, what a dry run's page shows, and the list of runs."""

import pytest
from django.test import Client
from django.urls import reverse

from inventory.access_levels import AccessLevel
from inventory.models import Grant
from provisioning.differences import kind_of
from provisioning.models import Run, Step
from provisioning.states import RunKind, RunStatus, StepStatus
from tests.factories import make_user
from tests.provisioning.runs import (
    let_end,
    let_run,
    make_planned_run,
    make_ready_cluster,
    write_lines,
)

pytestmark = pytest.mark.django_db
LOOK = ("inventory.view_cluster",)


@pytest.fixture
def approver(client: Client) -> Client:
    """Sign in somebody who may leave steps out and choose where a run goes on."""
    permissions = (*LOOK, "provisioning.skip_step", "provisioning.retry_from_step")
    client.force_login(make_user("april", permissions=permissions))
    return client


@pytest.fixture
def viewer() -> Client:
    """Sign in somebody who may only look."""
    client = Client()
    client.force_login(make_user("viktor", permissions=LOOK))
    return client


@pytest.fixture
def run() -> Run:
    """Make a run that is going on."""
    run = make_planned_run(make_ready_cluster(), make_user("anna"))
    let_run(run)
    return run


def second(run: Run) -> Step:
    """Return the step that runs, or failed."""
    return run.steps.order_by("position")[1]


def page(client: Client, name: str, *args: object, **query: str) -> str:
    """Get a page's text."""
    answer = client.get(reverse(f"provisioning:{name}", args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_failed_step_is_skipped_with_a_reason(approver: Client, run: Run) -> None:
    let_end(run, RunStatus.FAILED)
    step = second(run)
    assert "Skip this step" in page(approver, "step-detail", step.pk)

    approver.post(
        reverse("provisioning:step-skip", args=[step.pk]), {"reason": "done by hand before"}
    )

    step.refresh_from_db()
    assert step.status == StepStatus.SKIPPED
    assert "done by hand before" in page(approver, "step-detail", step.pk)


def test_a_failed_run_goes_on_from_a_step(approver: Client, run: Run) -> None:
    let_end(run, RunStatus.FAILED)
    step = second(run)
    assert "Retry from here" in page(approver, "step-detail", step.pk)

    approver.post(reverse("provisioning:step-retry-from", args=[step.pk]), {"reason": "mended"})

    run.refresh_from_db()
    assert run.status == RunStatus.QUEUED


def test_without_a_reason_nothing_is_skipped(approver: Client, run: Run) -> None:
    let_end(run, RunStatus.FAILED)
    address = reverse("provisioning:step-skip", args=[second(run).pk])

    answer = approver.post(address, {"reason": " "}, follow=True)

    assert "Say why this step may be left out." in answer.content.decode()
    assert second(run).status == StepStatus.FAILED


def test_who_may_not_decide_is_offered_nothing(viewer: Client, run: Run) -> None:
    let_end(run, RunStatus.FAILED)

    text = page(viewer, "step-detail", second(run).pk)

    assert "Skip this step" not in text
    assert "Retry from here" not in text


def test_a_step_that_runs_cannot_be_skipped(approver: Client, run: Run) -> None:
    assert "Skip this step" not in page(approver, "step-detail", second(run).pk)


def test_a_step_that_waits_asks_only_who_may_answer(viewer: Client, run: Run) -> None:
    Step.objects.filter(pk=second(run).pk).update(status=StepStatus.WAITING, manual="Look at it.")
    operator = Client()
    operator.force_login(make_user("olga", permissions=(*LOOK, "inventory.provision_cluster")))

    assert "It is done" in page(operator, "step-detail", second(run).pk)
    assert "Refuse" in page(operator, "step-detail", second(run).pk)
    assert "It is done" not in page(viewer, "step-detail", second(run).pk)

    Step.objects.filter(pk=second(run).pk).update(approval=True)
    assert "Evidence" not in page(operator, "step-detail", second(run).pk)


def test_a_dry_run_shows_what_would_change_line_by_line(viewer: Client, run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(kind=RunKind.DRY)
    said = ("==> probe", "==> preview", "--- /etc/x (now)", "@@ -1 +1 @@", "-old <b>", "+new")
    write_lines(second(run), *said)
    Step.objects.filter(pk=second(run).pk).update(status=StepStatus.CHANGED)

    text = page(viewer, "run-differences", run.pk)

    assert '<span class="line-removed">-old &lt;b&gt;</span>' in text
    assert '<span class="line-added">+new</span>' in text
    assert "==&gt;" not in text
    assert reverse("provisioning:run-differences", args=[run.pk]) in page(
        viewer, "run-detail", run.pk
    )


def test_a_dry_run_without_findings_says_so(viewer: Client, run: Run) -> None:
    run.steps.update(status=StepStatus.OK)
    let_end(run, RunStatus.SUCCEEDED)

    assert "Nothing would change." in page(viewer, "run-differences", run.pk)


def test_all_runs_are_listed_for_who_may_see_their_clusters(run: Run) -> None:
    other = make_planned_run(make_ready_cluster("beta"), make_user("bert"))
    reader = make_user("rita")
    Grant.objects.create(user=reader, cluster=other.cluster, level=AccessLevel.VIEWER)
    client = Client()
    client.force_login(reader)

    text = page(client, "run-list-all")

    assert str(other.pk)[:8] in text
    assert str(run.pk)[:8] not in text
    assert "anna" not in text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("+++ /etc/x", "file"),
        ("+x", "added"),
        ("-x", "removed"),
        ("@@ -1 @@", "place"),
        ("", "said"),
    ],
)
def test_a_line_of_a_difference_is_known_by_its_begin(text: str, kind: str) -> None:
    assert kind_of(text) == kind


def test_the_list_is_filtered_by_status_and_user(viewer: Client, run: Run) -> None:
    other = make_planned_run(run.cluster, make_user("bert"))
    names = {str(made.pk)[:8]: made for made in (run, other)}

    def shown(**query: str) -> list[Run]:
        text = page(viewer, "run-list", run.cluster.slug, **query)
        return [made for name, made in names.items() if f">{name}</a>" in text]

    assert shown() == [run, other]
    assert shown(status="running") == [run]
    assert shown(user="bert") == [other]
    assert shown(status="nonsense") == []
