"""What is wrong with an installation, how bad it is, and how to mend it."""
