"""Reads a dbt project from the artifacts in its `target/` folder. dbt itself is never needed."""
