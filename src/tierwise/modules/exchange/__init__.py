"""Doors to other systems, and the toolkit."""
