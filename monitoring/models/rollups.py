"""Hours and days made of samples, and what has to be made again.

Arrays are in the order of the layout, integers in its metrics' resolutions. Percentiles are nearest
rank, so they are values that were measured and come out the same however often they are computed.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models


def per_metric(field: type[models.Field]) -> ArrayField:
    """Make a column with a value for each metric of the layout."""
    return ArrayField(field(null=True))


class RollupMark(models.Model):
    """Up to where hours are closed: what arrives for an earlier hour makes it dirty."""

    closed_until = models.DateTimeField()

    def __str__(self) -> str:
        """Return the time."""
        return f"closed until {self.closed_until}"


class DirtyHour(models.Model):
    """An hour to compute (again), of one subject or, with zeros, of all of them."""

    pk = models.CompositePrimaryKey("hour", "layout", "subject_id")
    hour = models.DateTimeField()
    layout = models.SmallIntegerField(default=0)
    subject_id = models.IntegerField(default=0)
    marked_at = models.DateTimeField()

    def __str__(self) -> str:
        """Return the hour."""
        return f"{self.hour:%Y-%m-%d %H}:00 {self.layout}/{self.subject_id}"


class DirtyDay(models.Model):
    """A local day of a cluster to compute (again) once it is over."""

    pk = models.CompositePrimaryKey("cluster_id", "day")
    cluster_id = models.BigIntegerField()
    day = models.DateField()
    marked_at = models.DateTimeField()

    def __str__(self) -> str:
        """Return cluster and day."""
        return f"{self.cluster_id} on {self.day}"


class Pooled(models.Model):
    """What any rollup says of the samples in it."""

    layout = models.SmallIntegerField()
    counts = per_metric(models.IntegerField)
    totals = per_metric(models.BigIntegerField)
    p50 = per_metric(models.IntegerField)
    p95 = per_metric(models.IntegerField)
    maximum = per_metric(models.IntegerField)

    class Meta:
        """Only a base."""

        abstract = True


class SubjectHour(Pooled):
    """An hour of one subject."""

    pk = models.CompositePrimaryKey("subject_id", "layout", "hour")
    subject_id = models.IntegerField()
    hour = models.DateTimeField()

    def __str__(self) -> str:
        """Return subject and hour."""
        return f"{self.layout}/{self.subject_id} {self.hour:%Y-%m-%d %H}:00"


class SubjectDay(Pooled):
    """A day of one subject, in its cluster's zone."""

    pk = models.CompositePrimaryKey("subject_id", "layout", "day")
    subject_id = models.IntegerField()
    day = models.DateField()

    def __str__(self) -> str:
        """Return subject and day."""
        return f"{self.layout}/{self.subject_id} {self.day}"


class RoleHour(Pooled):
    """An hour of all nodes that a cluster's role had at each sample's time, pooled."""

    pk = models.CompositePrimaryKey("cluster_id", "role_id", "layout", "hour")
    cluster_id = models.BigIntegerField()
    role_id = models.BigIntegerField()
    hour = models.DateTimeField()
    seen_nodes = models.IntegerField()

    def __str__(self) -> str:
        """Return role and hour."""
        return f"{self.cluster_id}/{self.role_id} {self.hour:%Y-%m-%d %H}:00"


class RoleDay(Pooled):
    """A local day of a role: pooled, and apart from it the five-minute sums over its nodes.

    A slot counts only when every expected node was seen in it: an incomplete sum would look low.
    """

    pk = models.CompositePrimaryKey("cluster_id", "role_id", "layout", "day")
    cluster_id = models.BigIntegerField()
    role_id = models.BigIntegerField()
    day = models.DateField()
    sum_p95 = per_metric(models.BigIntegerField)
    sum_maximum = per_metric(models.BigIntegerField)
    complete_slots = per_metric(models.IntegerField)
    expected_slots = models.IntegerField()
    expected_nodes = models.IntegerField()
    seen_nodes = models.IntegerField()

    def __str__(self) -> str:
        """Return role and day."""
        return f"{self.cluster_id}/{self.role_id} {self.day}"
