"""How long the engine waits for what, and where it works on the targets."""

from dataclasses import dataclass, replace
from typing import Self

from django.conf import settings

QUICKEST_POLL_S, POLL_EACH_S = 0.2, 0.01


@dataclass(frozen=True)
class Pace:
    """Times of the engine; settings.RUN_PACE overrides some, tests shorten them.

    `{container}` in `base` stands for the container's name: for containers of one machine.
    """

    lease_s: float = 20
    heartbeat_s: float = 2
    flush_s: float = 0.25
    poll_s: float = 0.5
    first_poll_s: float = 0.03
    drive_s: float = 600
    ring_again_s: float = 10
    connect_s: float = 10
    read_s: float = 15
    call_s: float = 30
    patience_s: float = 90
    base: str = "/var/lib/voipadmin"
    starter: str = "auto"

    def for_containers(self, count: int) -> Self:
        """Look at few containers more often: a look costs each host a process or two."""
        return replace(self, poll_s=min(self.poll_s, max(QUICKEST_POLL_S, count * POLL_EACH_S)))

    def first_look_s(self, last_s: float) -> float:
        """Return when to look at a step first, from what the last one on the host took."""
        return min(max(0.8 * last_s, self.first_poll_s), self.flush_s)

    @classmethod
    def from_settings(cls) -> Self:
        """Read the overrides."""
        ssh = {
            "connect_s": settings.SSH_CONNECT_TIMEOUT_S,
            "read_s": settings.SSH_READ_TIMEOUT_S,
            "call_s": settings.SSH_COMMAND_TIMEOUT_S,
        }
        return cls(**{**ssh, **getattr(settings, "RUN_PACE", {})})
