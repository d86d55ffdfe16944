"""Mounts: the line in /etc/fstab and the mounted file system."""

from typing import Annotated

from pydantic import StringConstraints

from provisioning.compile.base import (
    Rendered,
    Scripts,
    Spec,
    check_script,
    quote,
    script,
    verify_script,
)

Field = Annotated[str, StringConstraints(pattern=r"^\S+$"), Rendered]
RIGHT = """
awk -v line="$line" -v path="$path" '
    $1 !~ /^#/ && $2 == path { n++; if ($0 == line) same = 1 } END { exit !(n == 1 && same) }
' /etc/fstab
mountpoint -q "$path"
"""
APPLY = """
mkdir -p "$path"
temporary=$(mktemp /etc/.voipadmin.XXXXXX)
trap 'rm -f "$temporary"' EXIT
touch /etc/fstab
awk -v path="$path" '$1 ~ /^#/ || $2 != path' /etc/fstab > "$temporary"
printf '%s\\n' "$line" >> "$temporary"
chmod 0644 "$temporary"
mv -f "$temporary" /etc/fstab
systemctl daemon-reload
mountpoint -q "$path" && exit 0
# By systemd: a file system in user space is served by a process, which would end with the step.
unit=$(systemd-escape --path --suffix=mount "$path")
systemctl reset-failed "$unit" 2>/dev/null || true
systemctl start "$unit" || { journalctl -o cat -n 5 -u "$unit" >&2; exit 1; }
"""
PREVIEW = """
[ -d "$path" ] || echo "would make the directory $path"
if [ -e /etc/fstab ]; then
    awk -v path="$path" -v line="$line" '
        $1 !~ /^#/ && $2 == path && $0 != line { print "-" $0 }' /etc/fstab
fi
grep -qxF "$line" /etc/fstab 2>/dev/null || printf '+%s\\n' "$line"
mountpoint -q "$path" || echo "would mount $path"
"""


class MountSpec(Spec):
    """A file system that is mounted now and at every boot."""

    device: Field
    path: Annotated[str, StringConstraints(pattern=r"^/\S*$"), Rendered]
    type: Field
    options: Field = "defaults"


def compile_mount(spec: MountSpec) -> Scripts:
    """Own the one line of /etc/fstab that has this path; mount what is not mounted."""
    line = f"{spec.device} {spec.path} {spec.type} {spec.options} 0 0"
    names = f"path={quote(spec.path)}\nline={quote(line)}"
    return Scripts(
        probe=check_script(f"{names}\n{RIGHT}"),
        apply=script(names, APPLY),
        verify=verify_script(f"{names}\n{RIGHT}", f"{spec.path} is not mounted as it should be."),
        preview=script(names, "echo /etc/fstab:", PREVIEW),
    )
