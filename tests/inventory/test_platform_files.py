"""Faults in a platform's file name file, line and field; a third platform is only a file."""

import json
import re
from pathlib import Path

import pytest

from inventory.platforms.errors import FileFault, PlatformError
from inventory.platforms.loading import BUILTIN, content, content_hash, from_content, load_platform
from inventory.platforms.loading import load_all as load_all_platforms
from inventory.platforms.marked_yaml import load_marked

TINY = Path(__file__).parent / "tiny_platform.yaml"


def write(folder: Path, text: str, name: str = "tiny.yaml") -> Path:
    """Write a platform's file."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def changed(folder: Path, *changes: tuple[str, str]) -> Path:
    """Write the tiny platform with some of its text replaced."""
    text = TINY.read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return write(folder, text)


def faults_of(path: Path) -> list[FileFault]:
    """Return what loading a file complains about."""
    with pytest.raises(PlatformError) as refused:
        load_platform(path)
    return refused.value.faults


def line_of(path: Path, text: str) -> int:
    """Return the line that a text first occurs in."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_a_third_platform_is_only_a_file() -> None:
    platform = load_platform(TINY)

    assert [role.key for role in platform.roles] == ["store", "switch"]
    assert platform.role("switch").counts.maximum == 9
    assert platform.release("2.0").operating_systems[0].matches(os_id="debian", version="12")


def test_platforms_of_several_folders_come_together(tmp_path: Path) -> None:
    write(tmp_path, TINY.read_text(encoding="utf-8"))

    keys = [platform.key for platform in load_all_platforms((BUILTIN, tmp_path))]

    assert keys == ["ring2all", "tiny", "voipnow"]


def test_a_later_folder_replaces_a_whole_platform(tmp_path: Path) -> None:
    text = (BUILTIN / "ring2all.yaml").read_text(encoding="utf-8")
    write(tmp_path, text.replace("name: Ring2All\nvendor", "name: Ours\nvendor", 1))

    by_key = {platform.key: platform for platform in load_all_platforms((BUILTIN, tmp_path))}

    assert by_key["ring2all"].name == "Ours"


def test_one_folder_holds_a_platform_once(tmp_path: Path) -> None:
    text = TINY.read_text(encoding="utf-8")
    write(tmp_path, text, "a.yaml")
    write(tmp_path, text, "b.yaml")

    with pytest.raises(PlatformError, match=r"b\.yaml: key: tiny is in a\.yaml too"):
        load_all_platforms((tmp_path,))


def test_a_folder_that_is_missing_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match="nowhere: is not a folder"):
        load_all_platforms((tmp_path / "nowhere",))


def test_a_fault_names_file_line_and_field(tmp_path: Path) -> None:
    path = changed(tmp_path, ("layer: voice", "layer: voices"))

    (fault,) = faults_of(path)

    assert fault.file == str(path)
    assert fault.line == line_of(path, "layer: voices")
    assert fault.field == "roles.switch.layer"
    assert str(fault) == (
        f"{path}:{fault.line}: roles.switch.layer: voices is not a layer of this platform"
    )


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    path = changed(
        tmp_path,
        ("private: required", "private: perhaps"),
        ("maximum: 9", "maximum: 0"),
        ("depends_on: [store]", "depends_on: [shop]"),
        ("purpose: Signalling", "purpos: Signalling"),
    )

    fields = {fault.field for fault in faults_of(path)}

    assert fields == {
        "roles.store.networks.private",
        "roles.switch.counts.maximum",
        "roles.switch.depends_on.0",
        "ports.sip.purpos",
        "ports.sip.purpose",
    }


@pytest.mark.parametrize(
    ("old", "new", "field", "message"),
    [
        ("maximum: 9", "maximum: 9\n      unlimited: true", "unlimited", "beside a maximum"),
        ("maximum: 9", "maximum: -1", "maximum", "greater than or equal to 0"),
        ("maximum: 9", "maximum: nine", "maximum", "valid integer"),
        ("- key: switch", "- key: store", "roles.store.key", "store is used twice"),
        ("depends_on: [store]", "depends_on: [switch]", "depends_on", "goes in a circle"),
        ("install_step: 2", "install_step: 1", "install_step", "does not list switch"),
        ("from: [external]", "from: [outside]", "from.0", "neither a role nor"),
        ('ports: "5060"', 'ports: "5060-99"', "ports", "not a range of ports"),
        ('ports: "5060"', 'ports: "70000"', "ports", "not a range of ports"),
        ('    ports: "5060"\n', "", "ports", "tcp has ports"),
        ("document: manual, text: A port", "document: S8, text: A port", "supplement_reason", "is"),
        (
            "document: manual, text: A port",
            "document: leaflet, text: A port",
            "document",
            "leaflet",
        ),
        ("default: 20", "default: 10", "parameters.wait_s.default", "below the minimum"),
        ("default: 20", "default: soon", "parameters.wait_s.default", "not of type integer"),
        ("schema: 1", "schema: 2", "schema", "Input should be 1"),
        ('key: "2.0"', "key: 2.0", "releases.0.key", "valid string"),
        (
            "current: true",
            "unavailable: [{role: fax, reason: Gone, source: {document: manual, text: Gone.}}]",
            "releases.2.0.unavailable.0.role",
            "fax is not a role",
        ),
        ("roles: [switch]", "roles: [switch, store]", "install_order.2.roles.1", "in step 1"),
    ],
)
def test_a_broken_file_says_what_is_wrong(
    tmp_path: Path, old: str, new: str, field: str, message: str
) -> None:
    path = changed(tmp_path, (old, new))

    faults = faults_of(path)

    assert any(fault.field.endswith(field) and message in fault.message for fault in faults), faults
    assert all(fault.line > 0 for fault in faults)


def test_a_key_given_twice_is_not_dropped_silently(tmp_path: Path) -> None:
    path = changed(tmp_path, ("short: sw", "short: sw\n    short: sx"))

    (fault,) = faults_of(path)

    assert fault.field == "roles.switch.short"
    assert "given twice" in fault.message


def test_what_is_no_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    (fault,) = faults_of(write(tmp_path, "schema: 1\nkey: [\nname: x: y\n"))

    assert fault.line >= 2
    assert "is not YAML" in fault.message


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words\n", "&a [*a]\n"])
def test_what_is_no_platform_is_refused(tmp_path: Path, text: str) -> None:
    assert faults_of(write(tmp_path, text))


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path / "absent.yaml")

    assert "cannot be read" in fault.message


def test_words_stay_words() -> None:
    text = TINY.read_text(encoding="utf-8")

    assert re.search(r"removable: no$", text, re.MULTILINE)
    assert load_platform(TINY).role("store").counts.removable == "no"


@pytest.mark.parametrize("key", ["ring2all", "voipnow"])
def test_content_makes_the_same_platform_again(key: str) -> None:
    platform = load_platform(BUILTIN / f"{key}.yaml")

    again = from_content(content(platform))

    assert again == platform
    assert content_hash(content(again)) == content_hash(content(platform))


def test_the_hash_does_not_depend_on_the_order_of_fields(tmp_path: Path) -> None:
    data = load_marked(TINY.read_text(encoding="utf-8")).data
    path = write(tmp_path, json.dumps(data, sort_keys=True))

    hashes = {content_hash(content(load_platform(p))) for p in (TINY, path)}

    assert len(hashes) == 1
