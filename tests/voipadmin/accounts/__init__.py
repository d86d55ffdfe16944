"""Tests of signing in, users and the audit."""
