"""Run by Alembic. The caller hands over a connection that is inside a transaction; it also commits."""

from alembic import context

from headway.store.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSION_TABLE
)
context.run_migrations()
