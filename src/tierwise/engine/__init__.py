"""What to compute: frames and arrays in, frozen results out."""
