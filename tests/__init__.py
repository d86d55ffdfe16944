"""Tests: a folder per app, a file per behaviour."""
