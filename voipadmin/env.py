"""What settings read from the environment and the data folder; imports nothing of the project."""

import json
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured


def flag(name: str) -> bool:
    """Tell whether an environment variable switches something on."""
    return os.environ.get(name, "").lower() in {"1", "true", "yes", "on"}


def mapping(name: str) -> dict[str, Any]:
    """Read an environment variable that holds a JSON object; empty when it is not set."""
    try:
        value = json.loads(os.environ.get(name) or "{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ImproperlyConfigured(f'{name} must be a JSON object such as {{"lease_s": 20}}.')
    return value


def database(data_dir: Path) -> dict[str, Any]:
    """Choose the database: DATABASE_URL, then libpq's PG* variables, then the embedded one."""
    if url := os.environ.get("DATABASE_URL"):
        config: dict[str, Any] = dict(dj_database_url.parse(url))
    elif os.environ.get("PGHOST") or os.environ.get("PGSERVICE") or os.environ.get("PGDATABASE"):
        config = {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ.get("PGHOST", ""),
            "PORT": os.environ.get("PGPORT", ""),
            "NAME": os.environ.get("PGDATABASE", "voipadmin"),
            "USER": os.environ.get("PGUSER", ""),
            "PASSWORD": os.environ.get("PGPASSWORD", ""),
        }
    else:
        config = {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": str(embedded_socket_dir(data_dir)),
            "NAME": "voipadmin",
            "USER": "voipadmin",
        }
    config["CONN_MAX_AGE"] = 60
    config["CONN_HEALTH_CHECKS"] = True
    # The server-side cursor of one transaction is gone in the next behind pgbouncer.
    config["DISABLE_SERVER_SIDE_CURSORS"] = True
    # A database machine that is gone must be noticed: the kernel's own patience is two hours.
    config["OPTIONS"] = {
        "connect_timeout": 10,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 60_000,
    } | config.get("OPTIONS", {})
    return config


def single_sign_on() -> dict[str, Any]:
    """Return the OpenID Connect provider that VOIPADMIN_OIDC_* name, as allauth takes it."""
    url = os.environ.get("VOIPADMIN_OIDC_URL")
    if not url:
        return {"APPS": []}
    app = {
        "provider_id": "oidc",
        "name": os.environ.get("VOIPADMIN_OIDC_NAME", "single sign-on"),
        "client_id": os.environ.get("VOIPADMIN_OIDC_CLIENT_ID", ""),
        "secret": os.environ.get("VOIPADMIN_OIDC_CLIENT_SECRET", ""),
        "settings": {"server_url": url},
    }
    return {"APPS": [app], "OAUTH_PKCE_ENABLED": True}


def embedded_socket_dir(data_dir: Path) -> Path:
    """Say where the embedded PostgreSQL of this data folder listens."""
    pointer = data_dir / "postgres.socket-dir"
    return Path(pointer.read_text().strip()) if pointer.exists() else data_dir / "postgres"


def secret_key(data_dir: Path) -> str:
    """Return Django's signing key: from the environment, or made once below the data folder."""
    if key := os.environ.get("VOIPADMIN_SECRET_KEY"):
        return key
    path = data_dir / "django-secret-key"
    if not path.exists():
        make_secret_file(path, secrets.token_urlsafe(50))
    return path.read_text()


def make_secret_file(path: Path, content: str) -> None:
    """Write a 0600 file that is complete whenever it exists; of two writers the first wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(new, path)
    new.unlink()
