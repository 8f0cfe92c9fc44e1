"""Proposes a mapping for a file nobody has described yet: how it is written, what its columns hold, which fields those
are. A proposal is a valid mapping with its reasons beside it, to be corrected by somebody who knows the source."""

from tierwise.lake.probing.proposals import ProbeError, Proposal, probe

__all__ = ["ProbeError", "Proposal", "probe"]
