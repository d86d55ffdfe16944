"""Files: whole ones from a template or a text, or a marked block in a file of somebody else."""

from collections.abc import Mapping

from pydantic import model_validator

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
from provisioning.compile.difference import (
    MASKED,
    masked_file,
    preview_ownership,
    show_difference,
)

CONTENT = "content"
TEMPORARY = """
temporary=${target%/*}/.voipadmin.$$
trap 'rm -f "$temporary"' EXIT
"""
PUT_IN_PLACE = """
sync "$temporary" 2>/dev/null || sync
mv -f "$temporary" "$target"
trap - EXIT
if command -v restorecon >/dev/null; then restorecon "$target" || true; fi
"""
# Prints the target as it shall be: without the old block, with the new one at its end.
WITH_BLOCK = """
wanted() {
    awk -v first="$first" -v last="$last" '
        $0 == first { inside = 1 } !inside { print } $0 == last { inside = 0 }' "$target"
    printf '%s\\n' "$first"
    cat "$content"
    printf '%s\\n' "$last"
}
"""


class FileSpec(Spec):
    """A file; `template` names a file beside the runbook, `validate` is run with $FILE."""

    path: Path
    template: str | None = None
    content: str | None = None
    block: str | None = None
    owner: str = "root"
    group: str = "root"
    mode: Mode = "0644"
    check: str | None = None

    @model_validator(mode="after")
    def one_origin(self) -> "FileSpec":
        """Refuse a file with no content or two."""
        if (self.template is None) == (self.content is None):
            raise ValueError("has either a template or a content")
        return self


def compile_file(spec: FileSpec) -> Scripts:
    """Compare content, mode and owner; replace the file in one move."""
    text = spec.content or ""
    content = text if text.endswith("\n") or not text else text + "\n"
    files = {CONTENT: content, **masked_file(content)}
    if spec.block is not None:
        return _compile_block(spec, files)
    right = f'{_names(spec)}\ncmp -s "$content" "$target"\n{_ownership(spec)}'
    return Scripts(
        probe=check_script(right),
        apply=script(_names(spec), _install(spec, "content")),
        verify=verify_script(right, f"{spec.path} is not as it should be."),
        files=files,
        preview=_preview(spec, then="$content", shown=_masked(files)),
        targets={spec.path: CONTENT},
        writes=(spec.path,),
    )


def _compile_block(spec: FileSpec, files: dict[str, str]) -> Scripts:
    """Own only the lines between two markers; everything else in the file stays."""
    names = _names(spec) + (
        f"\nfirst={quote(f'# >>> {spec.block} (managed, do not edit)')}"
        f"\nlast={quote(f'# <<< {spec.block}')}"
    )
    right = f'{names}\n{WITH_BLOCK}\nwanted | cmp -s - "$target"'
    masked = _masked(files)
    made = 'made="$STEP_DIR/files/made"\n[ -e "$target" ] || : > "$target"\nwanted > "$made"'
    return Scripts(
        probe=check_script(f'{names}\n[ -e "$target" ]\n{right}'),
        apply=script(names, WITH_BLOCK, made, _install(spec, "made")),
        verify=verify_script(right, f"The block in {spec.path} is not as it should be."),
        preview=_preview(
            spec,
            *(names, WITH_BLOCK, "target=$was", 'wanted >"$STEP_DIR/files/then"'),
            *([f'content="{masked}"', 'wanted >"$STEP_DIR/files/shown"'] if masked else []),
            then="$STEP_DIR/files/then",
            shown="$STEP_DIR/files/shown" if masked else "",
        ),
        files=files,
        writes=(spec.path,),
    )


def _names(spec: FileSpec) -> str:
    """Return the two variables that every script of a file begins with."""
    return f'target={quote(spec.path)}\ncontent="$STEP_DIR/files/{CONTENT}"'


def _ownership(spec: FileSpec) -> str:
    """Return the condition on owner and mode."""
    return ownership(spec.path, owner=spec.owner, group=spec.group, mode=spec.mode)


def _masked(files: Mapping[str, str]) -> str:
    """Return the path of the content without secrets; empty where it has none."""
    return f"$STEP_DIR/files/{MASKED}" if MASKED in files else ""


def _preview(spec: FileSpec, *parts: str, then: str, shown: str) -> str:
    """Say how mode, owner and content would change; in between, `parts` make what is compared."""
    new = quote(f"({spec.mode}, {spec.owner}:{spec.group})")
    return script(
        _names(spec),
        show_difference(spec.path),
        f'was=$target\n[ -e "$was" ] || {{ was=/dev/null; echo "new file $target" {new}; }}',
        preview_ownership(owner=spec.owner, group=spec.group, mode=spec.mode),
        *parts,
        f'show_difference "$was" "{then}" "{shown}"',
    )


def _install(spec: FileSpec, origin: str) -> str:
    """Return the commands that put what a variable names beside the target, then in its place."""
    who = f"-o {quote(spec.owner)} -g {quote(spec.group)} -m {spec.mode}"
    check = f'FILE="$temporary"\n{spec.check}' if spec.check else ""
    # It takes away what is there and follows no link: nobody can be waiting at that name.
    return f'{TEMPORARY}install {who} "${origin}" "$temporary"\n{check}\n{PUT_IN_PLACE}'
