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
    assert {"database", "load-balancer"} <= set(load_runbooks("ring2all"))


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


STEP = "components.app.steps.folder"
HANDLER = """
    handlers:
      - key: tell
        title: Tell
        command: {run: "true"}
"""


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ("when: 1", f"{STEP}.when: is an expression"),
        ("when: '{{ x }}'", f"{STEP}.when: is an expression, so that it is written"),
        ("when: a b", f"{STEP}.when: is no expression: chunk after expression"),
        ("loop: {a: 1}", f"{STEP}.loop: is an expression"),
        ("only_if: ''", f"{STEP}.only_if: String should match pattern"),
        ("register: Name", f"{STEP}.register: String should match pattern"),
        ("register: name", f"{STEP}.register: a step of the kind directory has nothing to"),
        ("notify: [nobody]", f"{STEP}.notify.0: nobody is no handler of app"),
        ("singleton: 'a b'", f"{STEP}.singleton: String should match pattern"),
        ("serial: maybe", f"{STEP}.serial: Input should be a valid boolean"),
        ("timeout_s: 0", f"{STEP}.timeout_s: Input should be greater than or equal to 1"),
        ("only_if: '{% if %}'", f"{STEP}.only_if: is no template: Expected an expression"),
        ("only_if: '{% include \"a.j2\" %}'", f"{STEP}.only_if: there is no file a.j2"),
    ],
)
def test_every_field_of_a_step_is_checked_with_its_line(
    tmp_path: Path, fields: str, fault: str
) -> None:
    write(tmp_path, RUNBOOK.replace("        directory:", f"        {fields}\n        directory:"))

    assert faults(tmp_path)[0].startswith(f"web.yaml:11: {fault}")


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ("tolerance: -1", "tolerance: is a number of nodes, or a share"),
        ("tolerance: 120%", "tolerance: is a number of nodes, or a share"),
        ("tolerance: [1]", "tolerance: is a number of nodes, or a share"),
        ("quorum: most", "quorum: is majority, all or a number of machines"),
        ("handlers: [{key: a, title: A}]", "handlers.a: is exactly one of"),
        (
            "handlers: [{key: a, title: A, service: {name: a.service, action: stop}}]",
            "handlers.a.service.action: Input should be 'restart' or 'reload'",
        ),
        (
            "handlers: [{key: a, title: A, service: {name: a.service}}]",
            "handlers.a: no step of the component notifies this handler",
        ),
    ],
)
def test_every_field_of_a_component_is_checked_with_its_line(
    tmp_path: Path, fields: str, fault: str
) -> None:
    write(tmp_path, RUNBOOK.replace("    steps:", f"    {fields}\n    steps:"))

    assert faults(tmp_path)[0].startswith(f"web.yaml:8: components.app.{fault}")


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ("approval: x", ".approval: Input should be a valid boolean"),
        ("answer_within_s: 5", ".answer_within_s: Input should be greater than or equal to 60"),
    ],
)
def test_every_field_of_a_manual_step_is_checked_with_its_line(
    tmp_path: Path, fields: str, fault: str
) -> None:
    manual = f"manual:\n          instructions: Do it\n          {fields}"
    write(tmp_path, RUNBOOK.replace("directory:\n          path: /srv/web", manual))

    assert faults(tmp_path)[0].startswith(f"web.yaml:13: {STEP}.manual{fault}")


def test_an_approval_is_a_word_and_no_evidence(tmp_path: Path) -> None:
    manual = "manual: {instructions: Well, approval: true, evidence: 'true'}"
    write(tmp_path, RUNBOOK.replace("directory:\n          path: /srv/web", manual))

    assert "an approval, which needs a person and no evidence" in faults(tmp_path)[0]


def test_a_key_that_is_used_twice_is_refused_where_it_is_used_again(tmp_path: Path) -> None:
    handler = "components.app.handlers.folder"
    again = RUNBOOK.partition("    steps:\n")[2]
    write(tmp_path, RUNBOOK + again + HANDLER.replace("key: tell", "key: folder"))

    assert faults(tmp_path) == [
        f"web.yaml:13: {STEP}.key: there is more than one step of app with the key folder",
        f"web.yaml:19: {handler}: no step of the component notifies this handler",
        f"web.yaml:19: {handler}.key: is the key of a step of app, too",
    ]


def test_a_step_with_a_loop_registers_nothing(tmp_path: Path) -> None:
    step = "command: {run: a, unless: b}\n        loop: [1, 2]\n        register: it"
    write(tmp_path, RUNBOOK.replace("directory:\n          path: /srv/web", step))

    assert faults(tmp_path)[0].startswith("web.yaml:13: components.app.steps.folder.register")


def test_fields_that_are_templates_are_checked_once_they_are_rendered(tmp_path: Path) -> None:
    write(tmp_path, RUNBOOK.replace("path: /srv/web", "path: '{{ parameters.folder }}'"))

    assert list(load_runbooks("demo", directories=[tmp_path])) == ["web"]


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


def test_a_template_that_includes_what_is_not_there_is_refused(tmp_path: Path) -> None:
    write(tmp_path, RUNBOOK)
    write(tmp_path, '{% include "web/other.j2" %}', "a.j2")

    assert faults(tmp_path) == ["a.j2: there is no file web/other.j2"]
