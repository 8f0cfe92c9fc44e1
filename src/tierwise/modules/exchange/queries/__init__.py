"""Reads of what is sent out."""
