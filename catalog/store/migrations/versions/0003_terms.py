"""Which terms records use, which term is below which, and what terms are called."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; what they are for is said in `store/tables.py`. They are filled with the mirrors."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    id = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "term_use",
        sa.Column("record", key, autoincrement=False, nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("term", key, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("record", "field", "term", name=op.f("pk_term_use")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_term_use_term_field", "term_use", ["term", "field"])
    op.create_table(
        "term_closure",
        sa.Column("ancestor", key, autoincrement=False, nullable=False),
        sa.Column("descendant", key, autoincrement=False, nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("ancestor", "descendant", name=op.f("pk_term_closure")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_term_closure_descendant", "term_closure", ["descendant"])
    op.create_table(
        "term_name",
        sa.Column("record", key, autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("term", key, nullable=False),
        sa.Column("folded", id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("preferred", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("record", "place", name=op.f("pk_term_name")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_term_name_folded", "term_name", ["folded"])
    op.create_index("ix_term_name_term", "term_name", ["term"])
    op.create_index(
        "ix_record_merged_into",
        "record",
        ["merged_into"],
        sqlite_where=sa.text("merged_into IS NOT NULL"),
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )
