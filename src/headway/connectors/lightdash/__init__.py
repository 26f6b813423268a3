"""Lightdash: its dashboards, charts and explores, and how often they are opened."""
