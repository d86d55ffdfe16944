"""Services of systemd: enabled or not, running or not, and restarted when their files changed.

What a service was last started with is recorded, as a stamp, only after it runs: a crash between
a changed file and the restart leaves an old stamp behind, and the next run restarts. The stamp
holds content and time of change of each file: an edit made and undone behind our back counts too.
"""

from typing import Literal

from provisioning.compile.base import (
    STATE_DIR,
    Path,
    Scripts,
    Spec,
    Unit,
    check_script,
    quote,
    script,
    verify_script,
)

# What the stamp says of a file, line by line; without any change an earlier step would make one.
BECAUSE = """
unchanged() {{
    grep -qxF -e "$(stat -c '%n %.Y' "$1")" "$stamp" && grep -qxF -e "$(sha256sum "$1")" "$stamp"
}} 2>/dev/null
because=
for file in {files}; do unchanged "$file" || because="$because $file"; done
if [ -n "$because" ]; then
    echo "would {action} $unit because of:$because"
else
    printf 'would {action} %s if one of these changes:' "$unit"
    printf ' %s' {files}
    echo
fi
"""


class ServiceSpec(Spec):
    """A unit; `on_change` says what happens to a running one when a file of `watch` changed."""

    name: Unit
    enabled: bool | None = True
    state: Literal["running", "stopped"] = "running"
    watch: tuple[Path, ...] = ()
    on_change: Literal["restart", "reload", "nothing"] = "restart"
    wait: bool = True


def compile_service(spec: ServiceSpec) -> Scripts:
    """Bring the unit into its state; record what it was started with."""
    steady = [*_enabled(spec), *_running(spec)]
    current = [] if spec.on_change == "nothing" else _current(spec)
    verified = steady if spec.wait else _enabled(spec)
    return Scripts(
        probe=check_script("\n".join((_names(spec), *steady, *current))),
        apply=script(_names(spec), _enable(spec), _change(spec)),
        verify=verify_script(
            "\n".join((_names(spec), *verified)), f"{spec.name} is not {spec.state}."
        ),
        preview=script(_names(spec), _preview(spec)),
        watches=spec.watch if current else (),
    )


def _names(spec: ServiceSpec) -> str:
    """Return the variables and the fingerprint function that all scripts of a service share."""
    files = " ".join(quote(path) for path in spec.watch)
    fingerprint = f"stat -c '%n %.Y' {files} && sha256sum {files}" if files else "true"
    return (
        f"unit={quote(spec.name)}\nstamp={quote(f'{STATE_DIR}/services/{spec.name}')}\n"
        f"fingerprint() {{ {fingerprint}; }}"
    )


def _enabled(spec: ServiceSpec) -> list[str]:
    """Return conditions: enabled as wanted."""
    if spec.enabled is None:
        return []
    test = 'systemctl is-enabled --quiet "$unit" 2>/dev/null'
    return [test if spec.enabled else f"if {test}; then exit 1; fi"]


def _running(spec: ServiceSpec) -> list[str]:
    """Return conditions: running as wanted."""
    test = 'systemctl is-active --quiet "$unit"'
    return [test if spec.state == "running" else f"if {test}; then exit 1; fi"]


def _current(spec: ServiceSpec) -> list[str]:
    """Return conditions: it was last started with the files as they are now."""
    if not spec.watch or spec.state == "stopped":
        return []
    return ['[ "$(fingerprint)" = "$(cat "$stamp" 2>/dev/null)" ]']


def _enable(spec: ServiceSpec) -> str:
    """Return the commands that enable or disable it."""
    if spec.enabled is None:
        return "systemctl daemon-reload"
    word = "enable" if spec.enabled else "disable"
    return f'systemctl daemon-reload\nsystemctl {word} --quiet "$unit"'


def _change(spec: ServiceSpec) -> str:
    """Return the commands that start, restart, reload or stop it, and then write the stamp."""
    if spec.state == "stopped":
        return 'systemctl stop "$unit"'
    block = "" if spec.wait else " --no-block"
    changed = "true"
    if spec.on_change != "nothing" and spec.watch:
        changed = (
            'if [ "$started" != "$(cat "$stamp" 2>/dev/null)" ]; then\n'
            f'        systemctl {spec.on_change}{block} "$unit"\n    fi'
        )
    written = (
        """mkdir -p "$(dirname "$stamp")"
printf '%s\\n' "$started" > "$stamp.new"
mv -f "$stamp.new" "$stamp"
"""
        if spec.watch
        else ""
    )
    # A running unit whose changes are left to a later step keeps its old stamp.
    keep = "exit 0" if spec.on_change == "nothing" else changed
    return f"""started=$(fingerprint)
systemctl reset-failed "$unit" 2>/dev/null || true
if systemctl is-active --quiet "$unit"; then
    {keep}
else
    systemctl start{block} "$unit"
fi
{written}"""


def _preview(spec: ServiceSpec) -> str:
    """Return commands that say what would happen to the unit, and because of which files."""
    parts = []
    for condition in _enabled(spec):
        word = "enable" if spec.enabled else "disable"
        parts.append(f'( {condition} ) || echo "would {word} $unit"')
    (running,) = _running(spec)
    if spec.state == "stopped":
        parts.append(f'( {running} ) || echo "would stop $unit"')
    elif spec.watch and spec.on_change != "nothing":
        parts.append(f'if ! ( {running} ); then\n    echo "would start $unit"\nelse')
        files = " ".join(quote(path) for path in spec.watch)
        parts.append(BECAUSE.format(files=files, action=spec.on_change))
        parts.append("fi")
    else:
        parts.append(f'( {running} ) || echo "would start $unit"')
    return "\n".join(parts)
