"""How the program's own processes ask the system for memory."""

from __future__ import annotations

import os

KEPT = {"_RJEM_MALLOC_CONF": f"dirty_decay_ms:60000,muzzy_decay_ms:0,narenas:{os.cpu_count() or 1}"}
"""What Polars' allocator reads when it is loaded: freed memory is kept for a minute, in one pool for each core."""


def keep_freed_memory() -> None:
    """Lets Polars keep what it has freed for a while; to be called before it is loaded, children inherit it.

    A step over millions of rows makes and drops columns of some MB by the hundred. Handed back and asked for anew each
    time, two fifths of the processor's work went into the system clearing pages. A minute after a step the memory
    is handed back all the same. Whoever has set the variable keeps their own way.
    """
    for name, value in KEPT.items():
        os.environ.setdefault(name, value)
