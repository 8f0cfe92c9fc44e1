"""Django's PostgreSQL with fewer trips to the server: how connections are checked and transactions begun."""
