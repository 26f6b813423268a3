"""OpenLineage events: jobs and datasets outside dbt, and how their last runs ended."""
