"""The audit trail under seal: batches of settled entries in a chain of signed heads."""
