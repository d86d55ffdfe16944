"""Tests of starting, stopping and what the whole project shares."""
