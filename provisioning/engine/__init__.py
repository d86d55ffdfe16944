"""Carries runs out: leases, the protocol with the targets, and the driver."""
