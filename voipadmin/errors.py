"""Errors that every part of the project may raise."""


class SetupError(Exception):
    """One clear sentence for the person who started voipadmin; shown without a trace."""
