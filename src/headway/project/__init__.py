"""The one core behind every front: open a project, sync it, ask it."""

from headway.project.workspace import Project, SyncResult

__all__ = ["Project", "SyncResult"]
