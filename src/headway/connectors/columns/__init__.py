"""Reads which column is made from which out of the SQL of a dbt project. dbt itself is never needed."""
