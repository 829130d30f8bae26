"""PostgreSQL itself: the embedded server, roles and schemas, connections, reference data."""
