"""What exists and what is allowed."""
