"""What provisioning does again and again: the function, and every how many minutes."""

SCHEDULES = {"provisioning: keep house": ("provisioning.tasks.keep_house", 60)}
