"""What can go wrong, what it would cost, and what stands against it."""
