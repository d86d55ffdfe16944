"""The portal's REST interface for a test: signed in as a person, asked in Python's data."""

import json
import time
import urllib.error
import urllib.request
from typing import Any

from tests.lab.portal import PASSWORD

ENDED = ("succeeded", "failed", "cancelled", "waiting")


class API:
    """One session of the administrator with a portal."""

    def __init__(self, url: str) -> None:
        """Sign in."""
        self.url, self._token = url, ""
        self._token = self.post("token/", username="admin", password=PASSWORD)["token"]

    def get(self, path: str) -> Any:
        """Return what an address answers, all pages of a list."""
        answer = self._json(path)
        if not isinstance(answer, dict) or "results" not in answer:
            return answer
        rows = list(answer["results"])
        while answer["next"]:
            answer = self._json(answer["next"].partition("/api/v1/")[2])
            rows += answer["results"]
        return rows

    def post(self, path: str, **data: Any) -> Any:
        """Create or act; fails with what the portal says against it."""
        return self._json(path, data)

    def patch(self, path: str, **data: Any) -> Any:
        """Change some fields."""
        return self._json(path, data, "PATCH")

    def provision(self, cluster: str, roles: tuple[str, ...] = (), limit_s: int = 1200) -> Any:
        """Press Provision, wait for the run's end, and return it as it is then."""
        run = self.post("runs/", cluster=cluster, roles=list(roles))
        deadline = time.monotonic() + limit_s
        while run["status"] not in ENDED:
            assert time.monotonic() < deadline, f"run {run['id']} is still {run['status']}"
            time.sleep(1)
            run = self.get(f"runs/{run['id']}/")
        return run

    def steps(self, run: Any) -> list[Any]:
        """Return the steps of a run."""
        rows: list[Any] = self.get(f"run-steps/?run={run['id']}&page_size=200")
        return rows

    def log(self, step: Any) -> str:
        """Return what the last attempt of a step printed."""
        attempts = self.get(f"run-attempts/?step={step['id']}")
        lines = self.get(f"run-lines/?attempt={attempts[-1]['id']}") if attempts else []
        return "\n".join(line["text"] for line in lines)

    def _json(self, path: str, data: Any = None, method: str | None = None) -> Any:
        """Send JSON and return JSON; a refusal is an AssertionError that quotes it."""
        body = None if data is None else json.dumps(data).encode()
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Token {self._token}"
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                said = answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.code} {error.read().decode()[:2000]}") from error
        return json.loads(said) if said else None
