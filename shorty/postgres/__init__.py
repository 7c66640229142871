"""The engine for a PostgreSQL server; the only package that imports psycopg."""
