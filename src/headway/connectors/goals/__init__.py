"""Goals kept in YAML beside the data project: objectives, key results, deliverables and initiatives."""
