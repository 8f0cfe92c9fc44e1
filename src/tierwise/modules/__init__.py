"""What Tierwise does, one module per field of work."""
