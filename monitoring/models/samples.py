"""Samples: wide rows in partitions by day, made by raw SQL and written by COPY (ingest.py)."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Sample(models.Model):
    """What one visit measured of one subject: integers in the resolution of its layout.

    No foreign keys: a row is 12 bytes a value with its index, and a removed host keeps its past.
    """

    pk = models.CompositePrimaryKey("subject_id", "layout", "at")
    at = models.DateTimeField()
    subject_id = models.IntegerField()
    layout = models.SmallIntegerField()
    values = ArrayField(models.IntegerField(null=True))

    class Meta:
        """Leave the table to the migration: Django knows no partitions."""

        managed = False
        db_table = "monitoring_sample"

    def __str__(self) -> str:
        """Return whose sample it is and when it was taken."""
        return f"{self.layout}/{self.subject_id} at {self.at:%Y-%m-%d %H:%M:%S}"


class IngestCounter(models.Model):
    """How many samples were not stored, by reason; nothing is dropped without a count."""

    reason = models.CharField(max_length=20, primary_key=True)
    count = models.PositiveBigIntegerField(default=0)
    last_at = models.DateTimeField(auto_now=True)

    class Meta:
        """Name the order."""

        ordering = ("reason",)

    def __str__(self) -> str:
        """Return reason and count."""
        return f"{self.reason}: {self.count}"
