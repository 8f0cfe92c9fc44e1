"""The machines' door: what every operation has in common. The operations stand in each app's ``api.py``."""
