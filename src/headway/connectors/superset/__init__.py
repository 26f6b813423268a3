"""Superset: dashboards, charts and datasets, from its API or an export of it, and who opens them."""
