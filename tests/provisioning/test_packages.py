"""Packages of both families: what would be installed, and with dnf also that it is.

apt is real, with lists of our own; `dnf` and `rpm` stand in for a machine of the other family.
"""

import subprocess
from pathlib import Path

import pytest

from provisioning.compile.packages import PackagesSpec, compile_packages
from tests.provisioning.scripts import carry_out, make_programs, preview, seen

CONTROL = """\
Package: {name}
Version: {version}
Architecture: all
Maintainer: Nobody <nobody@localhost>
Description: nothing
{more}
"""
RPM = '[ "$1" = -q ] && shift; for name in "$@"; do [ -e "$STEP_DIR/rpm-$name" ] || exit 1; done'
DNF = """
case "$*" in
    "-q -C list --available known")
        printf 'Available Packages\\nknown.x86_64  1:2.0-1.el9  base\\n' ;;
    "-q -C list "*) echo 'Error: No matching Packages to list' >&2; exit 1 ;;
    "install -y -q --setopt=install_weak_deps=False "*)
        shift 4
        for name in "$@"; do touch "$STEP_DIR/rpm-$name"; done ;;
    *) echo "dnf was called with: $*" >&2; exit 2 ;;
esac
"""


@pytest.fixture
def red_hat(tmp_path: Path) -> Path:
    """Stand-ins for a machine that has dnf and rpm, and no apt."""
    return make_programs(tmp_path / "bin", rpm=RPM, dnf=DNF)


@pytest.fixture
def apt(tmp_path: Path) -> dict[str, str]:
    """An environment in which the real apt knows two packages and keeps its state with us."""
    for folder in ("repository", "lists/partial", "cache/archives/partial", "etc/parts"):
        (tmp_path / "apt" / folder).mkdir(parents=True)
    root = tmp_path / "apt"
    packages = (("voipadmin-demo", "1.2-3", "Depends: voipadmin-part"), ("voipadmin-part", "4", ""))
    texts = [
        CONTROL.format(name=name, version=version, more=more).rstrip()
        + f"\nFilename: ./{name}.deb\nSize: 1\nSHA256: {'0' * 64}\n"
        for name, version, more in packages
    ]
    (root / "repository" / "Packages").write_text("\n".join(texts))
    (root / "status").touch()
    (root / "sources.list").write_text(f"deb [trusted=yes] file:{root}/repository ./\n")
    (root / "apt.conf").write_text(
        f'Dir::State "{root}";\nDir::State::lists "{root}/lists";\n'
        f'Dir::State::status "{root}/status";\nDir::Cache "{root}/cache";\n'
        f'Dir::Etc::sourcelist "{root}/sources.list";\nDir::Etc::sourceparts "{root}/etc/parts";\n'
        'APT::Sandbox::User "";\n'
    )
    environment = {"APT_CONFIG": str(root / "apt.conf"), "PATH": "/usr/bin:/bin"}
    subprocess.run(["apt-get", "update", "-q"], env=environment, check=True, capture_output=True)
    return environment


def test_apt_says_what_would_be_installed_with_everything_it_needs(
    tmp_path: Path, apt: dict[str, str]
) -> None:
    before = seen(tmp_path / "apt")

    said = preview(
        compile_packages(PackagesSpec(apt=("voipadmin-demo",))), tmp_path, environment=apt
    )

    assert said.splitlines() == [
        "would install voipadmin-part 4",
        "would install voipadmin-demo 1.2-3",
    ]
    assert seen(tmp_path / "apt") == before


def test_apt_names_the_package_that_nobody_has(tmp_path: Path, apt: dict[str, str]) -> None:
    scripts = compile_packages(PackagesSpec(apt=("voipadmin-demo", "voipadmin-nowhere")))

    assert preview(scripts, tmp_path, environment=apt).splitlines() == [
        "E: Unable to locate package voipadmin-nowhere",
        "would install voipadmin-demo 1.2-3",
        "would install voipadmin-nowhere (no candidate known)",
    ]


def test_dnf_installs_what_is_missing_once(tmp_path: Path, red_hat: Path) -> None:
    scripts = compile_packages(PackagesSpec(apt=("other",), dnf=("known", "more")))

    outcomes = [carry_out(scripts, tmp_path, programs=red_hat) for _ in range(2)]

    assert outcomes == ["changed", "ok"]
    assert sorted(path.name for path in (tmp_path / "step").glob("rpm-*")) == [
        "rpm-known",
        "rpm-more",
    ]


def test_dnf_says_what_would_be_installed(tmp_path: Path, red_hat: Path) -> None:
    scripts = compile_packages(PackagesSpec(dnf=("known", "nowhere", "there")))
    (tmp_path / "step").mkdir()
    (tmp_path / "step" / "rpm-there").touch()
    before = seen(tmp_path / "bin")

    assert preview(scripts, tmp_path, programs=red_hat).splitlines() == [
        "would install known 1:2.0-1.el9",
        "would install nowhere (no candidate known)",
    ]
    assert seen(tmp_path / "bin") == before


def test_packages_of_the_other_family_only_are_nothing_to_do(tmp_path: Path, red_hat: Path) -> None:
    scripts = compile_packages(PackagesSpec(apt=("other",)))

    assert carry_out(scripts, tmp_path, programs=red_hat) == "ok"
    assert preview(scripts, tmp_path, programs=red_hat) == ""


def test_a_machine_with_neither_family_says_so(tmp_path: Path) -> None:
    bare = make_programs(tmp_path / "bin")

    outcome = carry_out(compile_packages(PackagesSpec(dnf=("known",))), tmp_path, programs=bare)

    assert outcome == "failed:apply"
