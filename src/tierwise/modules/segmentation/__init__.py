"""The scheme: which demand belongs to which segment, planned before it is applied."""
