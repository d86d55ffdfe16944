"""Tests of the engine, against a real SSH server."""
