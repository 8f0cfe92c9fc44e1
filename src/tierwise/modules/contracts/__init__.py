"""Terms that compute: flexibility, service levels, prices, shares, exits."""
