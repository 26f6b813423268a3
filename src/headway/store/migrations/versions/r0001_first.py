"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "headway_sync",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("connector", sa.Text, nullable=False),
        sa.Column("started", sa.Text, nullable=False),
        sa.Column("finished", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("counts", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("headway_sync_connector", "headway_sync", ["connector", "status", "id"])
    _records()
    _observations()


def _records() -> None:
    op.create_table(
        "headway_record",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("connector", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("hash", sa.BigInteger, nullable=False),
        sa.Column("kept", sa.Boolean, nullable=False),
        sa.Column("first_sync", sa.Integer, sa.ForeignKey("headway_sync.id"), nullable=False),
        sa.Column("seat", sa.Integer, nullable=False),
        sa.Column("from_sync", sa.Integer, sa.ForeignKey("headway_sync.id"), nullable=False),
        sa.Column("to_sync", sa.Integer, sa.ForeignKey("headway_sync.id")),
        sa.Column("body", sa.Text, nullable=False),
    )
    # Every row is in exactly one of these, and no record can be in the current view twice.
    for name, unique, where in (
        ("headway_record_open", True, sa.column("to_sync").is_(None)),
        ("headway_record_closed", False, sa.column("to_sync").is_not(None)),
    ):
        columns = ["connector", "type", "key"]
        op.create_index(name, "headway_record", columns, unique=unique, sqlite_where=where, postgresql_where=where)
    op.create_table(
        "headway_check_result",
        sa.Column("connector", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("at", sa.Text, primary_key=True),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("since", sa.Text),
        sa.Column("message", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )


def _observations() -> None:
    for name in ("headway_series", "headway_origin"):
        op.create_table(
            name,
            sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("connector", sa.Text, nullable=False),
            sa.Column("body", sa.Text, nullable=False),
            sqlite_with_rowid=False,
        )
    op.create_index("headway_series_connector", "headway_series", ["connector"])
    op.create_table(
        "headway_observation",
        sa.Column("series", sa.BigInteger, sa.ForeignKey("headway_series.id"), primary_key=True, autoincrement=False),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("amount", sa.Double, nullable=False),
        sa.Column("origin", sa.BigInteger, sa.ForeignKey("headway_origin.id"), nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
