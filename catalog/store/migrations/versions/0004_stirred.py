"""Records of which more or less can be said since others changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; what it is for is said in `store/tables.py`."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "stirred",
        sa.Column("position", key, autoincrement=False, nullable=False),
        sa.Column("record", key, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("position", "record", name=op.f("pk_stirred")),
        sqlite_with_rowid=False,
    )
