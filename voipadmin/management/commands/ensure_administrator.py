"""Make the first administrator."""

import os
import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import transaction


class Command(BaseCommand):
    """Make the user `admin` when nobody administers yet; a generated password is shown once."""

    help = "Make the user admin, unless there is an administrator already."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        """Do nothing when an administrator exists, whatever the environment says."""
        users = get_user_model().objects
        if users.filter(is_superuser=True).exists():
            return
        given = os.environ.get("VOIPADMIN_ADMIN_PASSWORD")
        password = given or secrets.token_urlsafe(12)
        users.create_superuser(username="admin", password=password)
        said = "the password from VOIPADMIN_ADMIN_PASSWORD" if given else f"password {password}"
        self.stdout.write(f"\nThe first administrator: user admin, {said}\n\n")
