"""Pages of users, of the sign-in policy, and of the audit."""
