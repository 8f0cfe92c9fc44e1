"""The lake: one Delta table per declared table, read only at the versions that the manifest names.

Commits that no manifest names (a run that died, a refused import) are *orphans*. They are invisible because every
read is at a named version, and harmless because a commit on top of them first restores the named version.
Whoever applies and then moves the manifest holds one lock over both: a second import that starts from the same
manifest would undo the first. The store's own lock only keeps two writers of one table apart.
"""

from __future__ import annotations

from tierwise.lake.store.batches import Batch, ConcurrentWriteError, Landed, stored_schema
from tierwise.lake.store.files import Files
from tierwise.lake.store.tables import KEEPS_LOG, LakeStore

__all__ = ["KEEPS_LOG", "Batch", "ConcurrentWriteError", "Files", "LakeStore", "Landed", "stored_schema"]
