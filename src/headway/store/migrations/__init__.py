"""Migrations of the store. Append-only: a released one is never edited, a new one is added after it."""
