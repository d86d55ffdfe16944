"""Packages, by whichever of apt and dnf the host has."""

from typing import Annotated

from pydantic import StringConstraints, model_validator

from provisioning.compile.base import (
    Rendered,
    Scripts,
    Spec,
    check_script,
    quote,
    script,
    verify_script,
)
from provisioning.compile.packages_preview import APT, DNF

Package = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9+._:-]*$"), Rendered]

INSTALL_APT = """
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l
options='-o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0'
# Installs nothing; it waits for whoever holds the lock, as dpkg itself does not.
apt-get $options install -y -q || dpkg --configure -a --force-confdef --force-confold
apt-get $options update -q || echo 'apt-get update failed; going on with the lists at hand' >&2
apt-get $options -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \\
    install -y -q --no-install-recommends
"""
INSTALL_DNF = "dnf install -y -q --setopt=install_weak_deps=False"


class PackagesSpec(Spec):
    """Names of packages for each package manager."""

    apt: tuple[Package, ...] = ()
    dnf: tuple[Package, ...] = ()

    @model_validator(mode="after")
    def some(self) -> "PackagesSpec":
        """Refuse a step without any package."""
        if not (self.apt or self.dnf):
            raise ValueError("names packages for apt, dnf or both")
        return self


def compile_packages(spec: PackagesSpec) -> Scripts:
    """Install what is missing; never upgrade what is there, never replace a changed setting."""
    installed = _by_manager(_installed_apt(spec.apt), _installed_rpm(spec.dnf))
    return Scripts(
        probe=check_script(installed),
        apply=script(_by_manager(_install_apt(spec.apt), _install_dnf(spec.dnf))),
        verify=verify_script(installed, "Not all packages are installed."),
        preview=script(_by_manager(_preview(APT, spec.apt), _preview(DNF, spec.dnf))),
    )


def _by_manager(apt: str, dnf: str) -> str:
    """Return a script that does what fits the host's package manager."""
    none = "echo 'This host has neither apt nor dnf.' >&2\n    exit 1"
    return (
        f"if command -v apt-get >/dev/null; then\n{apt}\n"
        f"elif command -v dnf >/dev/null; then\n{dnf}\nelse\n    {none}\nfi"
    )


def _names(packages: tuple[str, ...]) -> str:
    """Return the packages as words of the shell."""
    return " ".join(quote(name) for name in packages)


def _installed_apt(packages: tuple[str, ...]) -> str:
    """Return a condition: dpkg knows all as installed (an unknown name is not)."""
    return f"""for name in {_names(packages)}; do
    [ "$(dpkg-query -W -f='${{db:Status-Status}}' "$name" 2>/dev/null)" = installed ]
done"""


def _installed_rpm(packages: tuple[str, ...]) -> str:
    """Return a condition: rpm has all."""
    return f"rpm -q {_names(packages)} >/dev/null" if packages else "true"


def _install_apt(packages: tuple[str, ...]) -> str:
    """Return the commands that install with apt; a half-finished dpkg is finished first."""
    return f"{INSTALL_APT.strip()} {_names(packages)}" if packages else "true"


def _install_dnf(packages: tuple[str, ...]) -> str:
    """Return the command that installs with dnf."""
    return f"{INSTALL_DNF} {_names(packages)}" if packages else "true"


def _preview(template: str, packages: tuple[str, ...]) -> str:
    """Return the commands that say what would be installed."""
    return template.format(names=_names(packages)) if packages else "true"
