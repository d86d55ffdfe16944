"""The project: settings, addresses, start-up, and leaves that all apps use."""
