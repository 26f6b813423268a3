"""Who is asking, and what they may do: one guard around every route."""
