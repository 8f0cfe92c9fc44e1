"""The sizes the demo company comes in; the command line offers them without drawing it."""

from typing import Literal

Size = Literal["small", "standard", "large"]
