"""Looker through its API: dashboards, Looks, explores, measures, and who opens them."""
