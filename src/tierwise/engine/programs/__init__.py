"""Linear and mixed-integer programs in arrays: named blocks, prices, warm re-solve, and who conflicts if none fits."""

from tierwise.engine.programs.conflicts import Conflict, NoPlan
from tierwise.engine.programs.draft import Block, Draft, Kind
from tierwise.engine.programs.program import Program, Solved

__all__ = ["Block", "Conflict", "Draft", "Kind", "NoPlan", "Program", "Solved"]
