"""What we do to clusters: runbooks, plans and durable runs."""
