"""Waiting until something answers; checks that a run ends with are waits, too."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from provisioning.compile.base import (
    FileName,
    Scripts,
    Spec,
    Words,
    check_script,
    first_line,
    say,
    script,
    verify_script,
)

Endpoints = Annotated[str, StringConstraints(pattern=r"\S")]
CHECK = "check.sh"
# bash alone can open a connection without any further package; it belongs to every host we know.
TRY_TCP = """
tried=
for endpoint in {endpoints}; do
    host=${{endpoint%:*}} port=${{endpoint##*:}}
    timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$host" "$port" 2>/dev/null \\
        || {{ echo "$endpoint does not answer"; exit 1; }}
    tried="$tried $endpoint"
done
echo "reached:$tried"
"""
TRY_HTTP = """
get='exec 3<>"/dev/tcp/$0/$1"; printf "GET %s HTTP/1.0\\r\\n\\r\\n" "$2" >&3; IFS= read -r -u 3 line
echo "$line"'
for url in {urls}; do
    rest=${{url#http://}}
    case $rest in */*) path=/${{rest#*/}} ;; *) path=/ ;; esac
    endpoint=${{rest%%/*}}
    case $endpoint in *:*) ;; *) endpoint=$endpoint:80 ;; esac
    answer=$(timeout 5 bash -c "$get" "${{endpoint%:*}}" "${{endpoint##*:}}" "$path" 2>/dev/null) \\
        || {{ echo "$url does not answer"; exit 1; }}
    case $answer in
        *" {status} "*) echo "$url: {status}" ;;
        *) echo "$url: $answer"; exit 1 ;;
    esac
done
"""
WAIT = """
deadline=$(($(date +%s) + {timeout_s}))
until said=$(sh -eu "$STEP_DIR/files/check.sh" 2>&1); do
    if [ "$(date +%s)" -ge "$deadline" ]; then
        printf '%s\\n' "$said" "Not so after {timeout_s} seconds." >&2
        exit 1
    fi
    sleep 1
done
printf '%s\\n' "$said"
"""


class WaitForSpec(Spec):
    """What must answer: `tcp` host:port and `http` addresses, separated by blanks, or a command."""

    tcp: Endpoints | None = None
    http: Endpoints | None = None
    status: int = 200
    command: Words | None = None
    timeout_s: int = Field(default=60, ge=1)
    files: Mapping[FileName, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def one_thing(self) -> "WaitForSpec":
        """Refuse to wait for nothing, or for two things at once."""
        if sum(thing is not None for thing in (self.tcp, self.http, self.command)) != 1:
            raise ValueError("waits for exactly one of tcp, http and command")
        return self


def compile_wait_for(spec: WaitForSpec) -> Scripts:
    """Look once; where that fails look again every second until the time is over."""
    look = f'sh -eu "$STEP_DIR/files/{CHECK}"'
    return Scripts(
        probe=check_script(look),
        apply=script(WAIT.format(timeout_s=spec.timeout_s)),
        verify=verify_script(f"{look} >/dev/null", "It answered, and then no longer."),
        preview=script(say(f"would wait up to {spec.timeout_s} s for: {_wanted(spec)}")),
        files={**spec.files, CHECK: script(_check(spec))},
    )


def _wanted(spec: WaitForSpec) -> str:
    """Return in a line what is waited for."""
    return first_line(spec.command or " ".join(f"{spec.tcp or spec.http}".split()))


def _check(spec: WaitForSpec) -> str:
    """Return the commands that succeed when everything answers."""
    if spec.tcp:
        return TRY_TCP.format(endpoints=spec.tcp)
    if spec.http:
        return TRY_HTTP.format(urls=spec.http, status=spec.status)
    return spec.command or ""
