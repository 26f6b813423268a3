"""Censuses: what the past held."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; nothing that is there is touched."""
    op.create_table(
        "headway_census",
        sa.Column("origin", sa.Text, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("taken", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
