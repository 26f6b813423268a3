"""Usage and cost from the warehouse's own query history: one connector per warehouse, one way from statement to use."""
