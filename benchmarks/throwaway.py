"""Importing this sets Django up on a throwaway PostgreSQL, whatever DATABASE_URL says."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
os.environ.pop("DATABASE_URL", None)  # rows by the ten thousand belong in a database of our own

import django

django.setup()
