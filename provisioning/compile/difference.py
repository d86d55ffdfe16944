"""What would change in a file, as a unified diff without secrets; changes nothing itself.

New secrets of the portal are masked by the portal. What a file on the machine holds the portal has
never seen, so that it is masked there: all removed lines beside an added line with a secret, and
the value wherever a name looks like that of a secret.
"""

from pathlib import Path

from provisioning.compile.base import quote
from provisioning.steps import SECRET

MASK = "•••"
MASKED = "content.masked"
AWK = (Path(__file__).parent / "difference.awk").read_text()
# $1 the file as it is, $2 as it would be, $3 the latter with secrets masked, "" where it has none.
SHOW = f"""
show_difference() {{{{
    diff -u --label {{now}} --label {{then}} "$1" "$2" |
        MASK='{MASK}' WAS="$1" WILL="$2" SHOWN="$3" awk '{{awk}}'
}}}}
"""
OWNERSHIP = """
if [ -e "$target" ]; then
    owner={owner}
    had=$(stat -c '%a' "$target")
    [ "$had" = {bare} ] || echo "mode of $target: 0$had -> {mode}"
    had=$(stat -c '%U:%G' "$target")
    [ "$had" = "$owner" ] || echo "owner of $target: $had -> $owner"
fi
"""


def masked_file(content: str) -> dict[str, str]:
    """Return a file with masks in the place of secrets, where the content has any."""
    if not SECRET.search(content):
        return {}
    return {MASKED: SECRET.sub(MASK, content)}


def show_difference(path: str) -> str:
    """Return the shell function `show_difference` for a path."""
    return SHOW.format(now=quote(f"{path} (now)"), then=quote(f"{path} (then)"), awk=AWK)


def preview_ownership(*, owner: str, group: str, mode: str) -> str:
    """Return commands that say how mode and owner of an existing $target would change."""
    return OWNERSHIP.format(
        mode=mode, bare=mode.lstrip("0") or "0", owner=quote(f"{owner}:{group}")
    )
