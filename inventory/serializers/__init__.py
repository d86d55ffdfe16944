"""How the rows of the inventory look in the REST API, one concept a module."""
