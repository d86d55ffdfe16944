"""Runbooks: how a role is installed, as data (`provisioning/runbooks/`), and what reads them."""
