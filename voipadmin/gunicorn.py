"""How gunicorn serves voipadmin; the supervisor passes the listening socket."""

import gc
import os

from django.urls import get_resolver
from gunicorn.arbiter import Arbiter

workers = int(os.environ.get("VOIPADMIN_WEB_WORKERS", "1"))
threads = int(os.environ.get("VOIPADMIN_WEB_THREADS", "6"))
worker_class = "gthread"
worker_tmp_dir = "/dev/shm"  # noqa: S108 - gunicorn's heartbeat must not wait for a disk
preload_app = True
control_socket_disable = True
loglevel = "warning"
graceful_timeout = 10
timeout = 60


def when_ready(server: Arbiter) -> None:
    """Load all pages' code and keep it shared with the worker: no collection may touch it."""
    get_resolver()._populate()
    gc.collect()
    gc.freeze()
