"""Runbooks read from folders: what is wrong with one is said with file, line and field."""

from pathlib import Path

import pytest

from provisioning.runbook.load import BUILTIN, RunbookError, load_runbooks

RUNBOOK = """\
schema: 1
platform: demo
role: web
title: Web
components:
  - key: app
    title: Application
    steps:
      - key: folder
        title: Make a folder
        directory:
          path: /srv/web
"""


def write(folder: Path, text: str, name: str = "web.yaml") -> Path:
    """Write a runbook of the platform `demo`; return its path."""
    path = folder / "demo" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def faults(folder: Path) -> list[str]:
    """Return what is wrong with the runbooks of a folder."""
    with pytest.raises(RunbookError) as error:
        load_runbooks("demo", directories=[folder])
    return [str(fault).removeprefix(f"{folder}/demo/") for fault in error.value.faults]


def test_our_own_runbooks_load() -> None:
    platforms = sorted(path.name for path in BUILTIN.iterdir())

    assert platforms == ["ring2all"]
    assert sorted(load_runbooks("ring2all")) == ["database"]


def test_a_platform_without_runbooks_has_none() -> None:
    assert load_runbooks("voipnow") == {}


def test_every_fault_names_file_line_and_field(tmp_path: Path) -> None:
    text = RUNBOOK.replace("path: /srv/web", "path: srv\n          colour: red")
    write(tmp_path, text)

    assert faults(tmp_path) == [
        (
            "web.yaml:12: components.app.steps.folder.directory.path: "
            "String should match pattern '^/[^\\n]*$'"
        ),
        "web.yaml:13: components.app.steps.folder.directory.colour: Extra inputs are not permitted",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("schema: 1", "schema: 2", "Input should be 1"),
        ("role: web", "role: database", "is not web, as the file is named"),
        ("platform: demo", "platform: other", "is not demo, as the folder is"),
        ("title: Application", "title: A\n    depends_on: [x]", "which is no component"),
        ("title: Application", "title: A\n    depends_on: [app]", "depend on each other"),
        ("directory:\n          path: /srv/web", "serial: true", "is exactly one of"),
        ("        directory:", "        manual: {instructions: x}\n        directory:", "exactly"),
        ("schema: 1", "schema: [", "is not YAML"),
        (
            "directory:\n          path: /srv/web",
            "file: {path: /a, template: a.j2}",
            "no file a.j2",
        ),
    ],
)
def test_a_runbook_that_makes_no_sense_is_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    write(tmp_path, RUNBOOK.replace(old, new))

    assert any(message in fault for fault in faults(tmp_path))


def test_a_template_that_is_none_is_refused_with_its_line(tmp_path: Path) -> None:
    step = "file: {path: /a, template: web/a.j2}"
    write(tmp_path, RUNBOOK.replace("directory:\n          path: /srv/web", step))
    (tmp_path / "demo/web").mkdir()
    (tmp_path / "demo/web/a.j2").write_text("one\n{% if %}\n")

    assert faults(tmp_path)[0].startswith("web/a.j2:2: is no template: ")


def test_the_hash_follows_the_content_of_every_file(tmp_path: Path) -> None:
    write(tmp_path, RUNBOOK)
    before = load_runbooks("demo", directories=[tmp_path])["web"].hash

    again = load_runbooks("demo", directories=[tmp_path])["web"].hash
    write(tmp_path, "x", "snippet.j2")
    after = load_runbooks("demo", directories=[tmp_path])["web"].hash

    assert before == again
    assert before != after


def test_a_later_folder_overrides_whole_files(tmp_path: Path) -> None:
    mine = tmp_path / "ring2all/database"
    mine.mkdir(parents=True)
    (mine / "pgpass.j2").write_text("mine")

    ours = load_runbooks("ring2all")["database"]
    changed = load_runbooks("ring2all", directories=[tmp_path])["database"]

    assert changed.files["database/pgpass.j2"] == "mine"
    assert changed.files["database/etcd.j2"] == ours.files["database/etcd.j2"]
    assert changed.hash != ours.hash
