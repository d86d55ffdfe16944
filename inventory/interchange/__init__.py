"""Containers, nodes and whole clusters as CSV and YAML: written, read, compared and taken in."""
