"""From a step of a runbook to shell scripts: one small module per kind."""
