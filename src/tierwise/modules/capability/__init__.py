"""What suppliers can do, against what segments need."""
