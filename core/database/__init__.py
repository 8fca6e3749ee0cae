"""Our database engine: Django's for PostgreSQL, counted, and held to the request's deadline."""
