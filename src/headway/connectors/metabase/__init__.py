"""Metabase: its questions, models, metrics and dashboards, and who opens them."""
