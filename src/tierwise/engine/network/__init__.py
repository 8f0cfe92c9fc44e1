"""The supply network as integer codes: nodes are item × site, links are bills of material and movements."""

from tierwise.engine.network.build import Network, build_network
from tierwise.engine.network.rows import ANY_SITE, rows_valid_on

__all__ = ["ANY_SITE", "Network", "build_network", "rows_valid_on"]
