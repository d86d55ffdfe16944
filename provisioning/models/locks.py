"""Locks: a container, and what a cluster has once, is worked on by one run at a time."""

from django.db import models

from provisioning.models.runs import Run


class ContainerLock(models.Model):
    """A run works on a container; the row is there for as long, and says who."""

    container = models.OneToOneField(
        "inventory.Container", on_delete=models.CASCADE, related_name="run_lock"
    )
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="locks")
    reason = models.CharField(max_length=200)
    acquired_at = models.DateTimeField(auto_now_add=True)

    cluster_path = "run__cluster"

    class Meta:
        """Name the order."""

        ordering = ("container",)

    def __str__(self) -> str:
        """Return who holds what."""
        return f"{self.container} is held by {self.run}"


class SingletonLock(models.Model):
    """A run does what may be done once at a time in a cluster, such as forming its database."""

    cluster = models.ForeignKey(
        "inventory.Cluster", on_delete=models.CASCADE, related_name="singleton_locks"
    )
    key = models.CharField(max_length=100)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="singleton_locks")
    acquired_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Name the invariant."""

        ordering = ("cluster", "key")
        constraints = (
            models.UniqueConstraint(
                fields=("cluster", "key"),
                name="singleton_lock_is_single",
                violation_error_message="Another run holds this lock of the cluster.",
            ),
        )

    def __str__(self) -> str:
        """Return who holds what."""
        return f"{self.key} of {self.cluster} is held by {self.run}"
