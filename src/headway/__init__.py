"""Headway gives a company's data DAG its missing head: the goals it serves."""

__version__ = "0.1.0"
