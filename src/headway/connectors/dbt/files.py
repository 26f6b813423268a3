"""The bytes of an artifact; the reading itself is shared by every connector of dbt's files."""

from headway.connectors.artifact import Buffer, exists, read

__all__ = ["Buffer", "exists", "read"]
