"""Compiled: the exponential smoothing family over ragged panels; parameters and first states by least squares."""

from tierwise.engine.forecasting.exponential_kernels.decomposition import decompose, straight_line
from tierwise.engine.forecasting.exponential_kernels.panels import project_panel, search_panel

__all__ = ["decompose", "project_panel", "search_panel", "straight_line"]
