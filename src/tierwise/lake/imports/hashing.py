"""What tells one extract from another: the hashes of its mapping and of the files it would read."""

from __future__ import annotations

from pathlib import Path

from tierwise.lake.imports.outcome import Fingerprint
from tierwise.lake.mapping import Mapping
from tierwise.lake.readers import Extract, UnreadableError, fingerprint


def fingerprints(folder: Path, mapping: Mapping) -> Fingerprint:
    """Hashes what the mapping would read; missing files are left to ``prepare`` to report."""
    extract = Extract(folder)
    files: dict[str, str] = {}
    for spec in mapping.files.values():
        try:
            paths = extract.paths(spec)
        except UnreadableError:
            continue
        for path in paths:
            if extract.name(path) not in files:
                files[extract.name(path)] = fingerprint(path)
    return Fingerprint(mapping.digest, files)
