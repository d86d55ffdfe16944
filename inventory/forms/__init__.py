"""Forms of the inventory pages; they make operations, `operations.perform` writes."""
