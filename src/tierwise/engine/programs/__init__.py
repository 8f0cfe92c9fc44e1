"""Linear and mixed-integer programs in arrays: named blocks, prices, warm re-solve, and who conflicts if none fits."""

from tierwise.engine.programs.conflicts import Conflict, NoPlan
from tierwise.engine.programs.draft import Block, Draft
from tierwise.engine.programs.program import Program, Solved

__all__ = ["Block", "Conflict", "Draft", "NoPlan", "Program", "Solved"]
