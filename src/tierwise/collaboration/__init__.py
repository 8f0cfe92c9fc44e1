"""The ways two companies work together, shared by all modules."""
