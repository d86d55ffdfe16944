"""Directories with their owner and mode."""

from provisioning.compile.base import (
    Mode,
    Path,
    Scripts,
    Spec,
    check_script,
    ownership,
    quote,
    script,
    verify_script,
)
from provisioning.compile.difference import preview_ownership


class DirectorySpec(Spec):
    """A directory; parents that are missing are made with default owner and mode."""

    path: Path
    owner: str = "root"
    group: str = "root"
    mode: Mode = "0755"


def compile_directory(spec: DirectorySpec) -> Scripts:
    """Make the directory, or correct its owner and mode; never touch what is in it."""
    path = quote(spec.path)
    right = f"[ -d {path} ]\n" + ownership(
        spec.path, owner=spec.owner, group=spec.group, mode=spec.mode
    )
    return Scripts(
        probe=check_script(right),
        apply=script(
            f"mkdir -p {path}",
            f"chown {quote(f'{spec.owner}:{spec.group}')} {path}",
            f"chmod {spec.mode} {path}",
        ),
        verify=verify_script(right, f"{spec.path} is not as it should be."),
        preview=script(
            f"target={path}",
            f'[ -d "$target" ] || echo "would make the directory $target ({spec.mode}, "'
            f"{quote(f'{spec.owner}:{spec.group})')}",
            preview_ownership(owner=spec.owner, group=spec.group, mode=spec.mode),
        ),
    )
