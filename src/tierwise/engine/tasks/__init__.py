"""The engine's calculations as tasks on one table: what they take, what they give, how they are run and described.

Names load the module they live in when first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierwise.engine.lazily import load_on_first_use

if TYPE_CHECKING:
    from tierwise.engine.tasks.catalogue import all_tasks, find_task, run_task
    from tierwise.engine.tasks.declare import Column, Kind, Parameter, Task

load_on_first_use(
    __name__,
    {"catalogue": ("all_tasks", "find_task", "run_task"), "declare": ("Column", "Kind", "Parameter", "Task")},
)

__all__ = ["Column", "Kind", "Parameter", "Task", "all_tasks", "find_task", "run_task"]
