"""Who decides, by which rule, and how it is followed up."""
