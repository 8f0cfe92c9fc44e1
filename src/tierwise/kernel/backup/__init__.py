"""Backups: database, lake and files as one manifest names them, encrypted, and restored elsewhere with proof."""
