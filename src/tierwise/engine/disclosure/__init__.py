"""Disclosure: which figures may be shown to whom without giving one contributor's away."""

from tierwise.engine.disclosure.primary import DisclosureParams, ProtectedTable, protect

__all__ = ["DisclosureParams", "ProtectedTable", "protect"]
