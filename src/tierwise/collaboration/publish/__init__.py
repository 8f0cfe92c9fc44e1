"""What a supplier may know: immutable, addressed, numbered snapshots under an agreement."""
