"""Bytes from and to partners and people, without I/O: frozen records on one side, files and messages on the other."""
