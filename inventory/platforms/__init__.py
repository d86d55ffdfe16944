"""What the vendors document about their platforms, as data."""
