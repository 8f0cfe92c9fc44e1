"""Where safety stock stands in a network."""
