"""Tests of provisioning: runbooks, plans, runs."""
