"""What a dry run says of files: the difference, never a secret, and nothing has changed."""

import grp
import os
import pwd
from dataclasses import replace
from pathlib import Path

import pytest

from provisioning.compile.base import Scripts
from provisioning.compile.directory import DirectorySpec, compile_directory
from provisioning.compile.file import FileSpec, compile_file
from provisioning.steps import reveal
from tests.provisioning.scripts import preview, seen

OWNER = pwd.getpwuid(os.getuid()).pw_name
GROUP = grp.getgrgid(os.getgid()).gr_name


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A file on the machine that does not exist yet."""
    (tmp_path / "etc").mkdir()
    return tmp_path / "etc" / "a file"


def looked(target: Path, content: str, *, secret: str = "", **fields: str) -> list[str]:
    """Return the lines of a file's preview, which must have left everything as it was."""
    spec = FileSpec(path=str(target), content=content, owner=OWNER, group=GROUP, **fields)
    if target.exists():
        target.chmod(0o644)
    before = seen(target.parent)
    said = preview(revealed(compile_file(spec), secret), target.parent.parent)

    assert seen(target.parent) == before
    return said.splitlines()


def revealed(scripts: Scripts, secret: str) -> Scripts:
    """Return the scripts with the files that are sent, secrets in them."""
    return replace(
        scripts, files={n: reveal(text, lambda _: secret) for n, text in scripts.files.items()}
    )


def test_a_new_file_is_all_additions(target: Path) -> None:
    assert looked(target, "one\ntwo\n", mode="0600") == [
        f"new file {target} (0600, {OWNER}:{GROUP})",
        f"--- {target} (now)",
        f"+++ {target} (then)",
        "@@ -0,0 +1,2 @@",
        "+one",
        "+two",
    ]


def test_a_changed_file_is_a_unified_diff_and_its_mode(target: Path) -> None:
    target.write_text("one\ntwo\nthree\n")

    assert looked(target, "one\n2\nthree\n", mode="0600") == [
        f"mode of {target}: 0644 -> 0600",
        f"--- {target} (now)",
        f"+++ {target} (then)",
        "@@ -1,3 +1,3 @@",
        " one",
        "-two",
        "+2",
        " three",
    ]


def test_a_file_that_is_right_has_no_difference(target: Path) -> None:
    target.write_text("one\n")

    assert looked(target, "one\n") == []


def test_a_block_shows_only_its_own_lines_as_changed(target: Path) -> None:
    target.write_text("127.0.0.1 localhost\n")

    assert looked(target, "10.0.0.1 one\n", block="demo")[-5:] == [
        "@@ -1 +1,4 @@",
        " 127.0.0.1 localhost",
        "+# >>> demo (managed, do not edit)",
        "+10.0.0.1 one",
        "+# <<< demo",
    ]


def test_a_block_of_a_new_file_can_be_previewed(target: Path) -> None:
    assert looked(target, "10.0.0.1 one\n", block="demo")[-2:] == ["+10.0.0.1 one", "+# <<< demo"]


def test_what_stood_where_a_secret_will_stand_is_never_shown(target: Path) -> None:
    target.write_text("user app\nbefore-me 0ld-s3cret\nport 1\n" + "\n" * 9 + "size 1\n")
    content = "user app\nentry ⟦secret:db⟧ of the portal\nport 2\n" + "\n" * 9 + "size 2\n"

    lines = looked(target, content, secret="n3w-s3cret")

    assert lines[2:] == [
        "@@ -1,6 +1,6 @@",
        " user app",
        "-•••",
        "-•••",
        "+entry ••• of the portal",
        "+port 2",
        *(" ",) * 3,
        "@@ -10,4 +10,4 @@",
        *(" ",) * 3,
        "-size 1",
        "+size 2",
    ]


def test_an_unchanged_line_with_a_secret_is_masked_too(target: Path) -> None:
    target.write_text("entry s3cret\nport 1\n")

    lines = looked(target, "entry ⟦secret:db⟧\nport 2\n", secret="s3cret")

    assert lines[-3:] == [" entry •••", "-port 1", "+port 2"]


def test_a_value_that_a_step_found_out_is_no_secret(target: Path) -> None:
    target.write_text("id old\n")

    lines = looked(target, "id ⟦value:pg-1/id⟧\n")

    assert lines[-2:] == ["-id old", "+id ⟦value:pg-1/id⟧"]


def test_a_secret_of_several_lines_hides_the_whole_file(target: Path) -> None:
    target.write_text("old\n")

    lines = looked(target, "head\n⟦secret:key⟧\n", secret="BEGIN\nbody\nEND")

    assert lines[-5:] == ["-•••", *("+•••",) * 4]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("password = hunter2", "password = •••"),
        ("  db_passwd: 'hunter2'", "  db_passwd: •••"),
        ('{"api_key": "hunter2"}', '{"api_key": •••'),
        ("AUTH_TOKEN=hunter2", "AUTH_TOKEN=•••"),
        ("client-secret: hunter2", "client-secret: •••"),
        ("requirepassword hunter2", "requirepassword •••"),
        ("conninfo = 'host=a password=hunter2 port=1'", "conninfo = 'host=a password=•••"),
        ("url = amqp://app:hunter2@queue/", "url = amqp://•••@queue/"),
        ("monkey business", "monkey business"),
    ],
)
def test_values_of_names_like_those_of_secrets_are_masked_on_both_sides(
    target: Path, line: str, shown: str
) -> None:
    target.write_text(f"{line}\n")
    assert looked(target, "other\n")[-2:] == [f"-{shown}", "+other"]

    target.write_text("other\n")
    assert looked(target, f"{line}\n")[-2:] == ["-other", f"+{shown}"]


def test_the_body_of_a_private_key_is_masked_wherever_the_difference_begins(target: Path) -> None:
    body = [f"zebra{n}" for n in range(9)]
    begin, end = "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"
    target.write_text("\n".join((begin, *body, end, "after", "")))

    lines = looked(target, "\n".join((begin, *body[:-1], "other", end, "after", "")))

    assert "zebra" not in "".join(lines)
    assert lines[-7:] == [*(" •••",) * 3, "-•••", "+•••", f" {end}", " after"]


def test_a_directory_says_what_it_would_be(tmp_path: Path) -> None:
    spec = DirectorySpec(path=str(tmp_path / "new"), owner=OWNER, group=GROUP, mode="0700")
    scripts = compile_directory(spec)

    missing = preview(scripts, tmp_path)
    (tmp_path / "new").mkdir(mode=0o755)
    wrong = preview(scripts, tmp_path)

    assert missing == f"would make the directory {tmp_path}/new (0700, {OWNER}:{GROUP})\n"
    assert wrong == f"mode of {tmp_path}/new: 0755 -> 0700\n"
