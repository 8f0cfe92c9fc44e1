"""Words and values of what is sent out."""
