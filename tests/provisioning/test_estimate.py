"""What is left of a run: stages one after the other, containers side by side, serial in turn."""

from provisioning.estimate import Durations, Estimate, Work, estimate, spell

KNOWN = Durations(by_step={("a", "command"): 10, ("b", "command"): 30}, by_kind={"file": 2})


def work(key: str = "a", container: str = "one", stage: int = 0, **fields: object) -> Work:
    """Make a step."""
    return Work(stage, container, key, **({"kind": "command"} | fields))  # type: ignore[arg-type]


def test_containers_work_side_by_side_and_the_longest_counts() -> None:
    works = [work("a", "one"), work("b", "one"), work("a", "two")]

    assert estimate(works, KNOWN).seconds == 40


def test_stages_follow_each_other() -> None:
    works = [work("a", "one"), work("b", "two"), work("a", "one", stage=1)]

    assert estimate(works, KNOWN).seconds == 40


def test_a_serial_step_is_done_by_one_container_after_the_other() -> None:
    works = [work("b", name, serial=True) for name in ("one", "two", "three")]

    assert estimate(works, KNOWN).seconds == 90


def test_a_serial_step_waits_without_keeping_others_from_working() -> None:
    works = [work("b", "one", serial=True), work("a", "two"), work("b", "two", serial=True)]

    assert estimate(works, KNOWN).seconds == 60


def test_what_has_passed_of_a_running_step_is_not_left() -> None:
    assert estimate([work("b", elapsed_s=12)], KNOWN).seconds == 18
    assert estimate([work("b", elapsed_s=99)], KNOWN).seconds == 0


def test_a_step_that_is_new_takes_as_long_as_others_of_its_kind() -> None:
    assert estimate([work("new", kind="file")], KNOWN).seconds == 2


def test_it_says_what_it_does_not_know() -> None:
    never = estimate([work("x"), work("y")], Durations())
    partly = estimate([work("x"), work("b"), work("m", by_hand=True)], KNOWN)

    assert never.words == "No earlier run tells how long this takes."
    assert partly.words == (
        "At least 30 s left, without 1 step never done before and 1 step by hand."
    )
    assert estimate([work("b")], KNOWN).words == "About 30 s left."
    assert Estimate(0).words == ""


def test_times_are_as_exact_as_an_estimate_is() -> None:
    assert [spell(s) for s in (0, 32, 100, 3000, 9000)] == [
        "5 s",
        "30 s",
        "2 min",
        "50 min",
        "2.5 h",
    ]
