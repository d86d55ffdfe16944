"""Commands that belong to the project, not to one app."""
