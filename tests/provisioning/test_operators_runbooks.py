"""An operator's own folder extends our runbooks, or replaces whole files of them."""

from pathlib import Path

import pytest

from provisioning.runbook.load import RunbookError, load_runbooks
from tests.provisioning.test_runbook_loading import RUNBOOK, write


def test_a_folder_adds_roles_and_files_to_ours(tmp_path: Path) -> None:
    mine = tmp_path / "ring2all"
    (mine / "web").mkdir(parents=True)
    template = "file: {path: /etc/hosts, template: web/hosts.j2}"
    text = RUNBOOK.replace("demo", "ring2all").replace("role: web", "role: fax")
    text = text.replace("directory:\n          path: /srv/web", template)
    (mine / "fax.yaml").write_text(text)
    (mine / "web/hosts.j2").write_text('{% include "common/hosts.j2" %}')

    ours, loaded = (load_runbooks("ring2all", directories=d) for d in ([], [tmp_path]))

    assert set(loaded) - set(ours) == {"fax"}
    assert loaded["database"].spec == ours["database"].spec


def test_a_folder_replaces_a_runbook_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "ring2all").mkdir()
    text = RUNBOOK.replace("demo", "ring2all").replace("role: web", "role: database")
    (tmp_path / "ring2all/database.yaml").write_text(text)

    loaded = load_runbooks("ring2all", directories=[tmp_path])["database"]

    assert [component.key for component in loaded.spec.components] == ["app"]


def test_of_several_folders_the_last_one_counts(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        write(folder, RUNBOOK.replace("title: Web", f"title: {folder.name}"))

    assert load_runbooks("demo", directories=folders)["web"].spec.title == "two"
    assert load_runbooks("demo", directories=folders[::-1])["web"].spec.title == "one"


def test_a_fault_in_a_folder_names_its_file_and_not_ours(tmp_path: Path) -> None:
    mine = tmp_path / "ring2all/database"
    mine.mkdir(parents=True)
    (mine / "etcd.j2").write_text("one\n{% end %}\n")

    with pytest.raises(RunbookError) as error:
        load_runbooks("ring2all", directories=[tmp_path])

    assert [(fault.file, fault.line) for fault in error.value.faults] == [(f"{mine}/etcd.j2", 2)]


def test_a_later_folder_overrides_whole_files(tmp_path: Path) -> None:
    mine = tmp_path / "ring2all/database"
    mine.mkdir(parents=True)
    (mine / "pgpass.j2").write_text("mine")

    ours = load_runbooks("ring2all")["database"]
    changed = load_runbooks("ring2all", directories=[tmp_path])["database"]

    assert changed.files["database/pgpass.j2"] == "mine"
    assert changed.files["database/etcd.j2"] == ours.files["database/etcd.j2"]
    assert changed.hash != ours.hash
