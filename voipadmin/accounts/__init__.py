"""Signing in, second factors, users, and the audit of what they did; above all other apps."""
