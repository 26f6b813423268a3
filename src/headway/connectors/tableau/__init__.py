"""Tableau: dashboards, sheets and data sources, from its Metadata API or recorded answers, and how often they open."""
