"""Facts: demand, orders, receipts, stock and what is derived from them, as versioned tables."""
