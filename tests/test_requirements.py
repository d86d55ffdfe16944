"""Every requirement has a home and a test, and the page that says so is up to date."""

from tests.requirements import PAGE, page, rows


def test_every_requirement_lives_somewhere_and_is_tested() -> None:
    assert [row.fault for row in rows() if row.fault] == []


def test_the_page_of_requirements_is_up_to_date() -> None:
    """Write it anew with `python -m tests.requirements`."""
    assert PAGE.read_text() == page()
