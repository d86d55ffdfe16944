"""What monitoring does again and again: the function, and every how many minutes."""

SCHEDULES = {
    "monitoring: roll up": ("monitoring.tasks.roll_up", 5),
    "monitoring: note silence": ("monitoring.tasks.note_silence", 5),
    "monitoring: keep house": ("monitoring.tasks.keep_house", 60),
}
