"""Tools for assistants: every question over the Model Context Protocol, by stdio or HTTP, read-only unless allowed."""
