"""LookML repositories: views, explores, measures and dashboards from files."""
