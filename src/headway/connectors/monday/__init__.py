"""Goals on boards of monday.com."""
