"""The same answers for machines: every question as a route, what people write as POST, described by OpenAPI."""
