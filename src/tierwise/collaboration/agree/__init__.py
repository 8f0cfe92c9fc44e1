"""Agreements between the two companies: offered, answered, in force, ended."""
