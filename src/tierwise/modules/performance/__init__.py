"""Scorecards per supplier, segment and period, that both companies read and either may question."""
