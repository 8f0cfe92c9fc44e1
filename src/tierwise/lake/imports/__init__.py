"""From a folder of extract files and a mapping to checked, typed tables — or to a refusal that names every fault."""

from __future__ import annotations

from tierwise.lake.imports.hashing import fingerprints
from tierwise.lake.imports.outcome import Cancelled, Fingerprint, ImportRefused, Options, Prepared, Progress
from tierwise.lake.imports.preparation import prepare

__all__ = ["Cancelled", "Fingerprint", "ImportRefused", "Options", "Prepared", "Progress", "fingerprints", "prepare"]
