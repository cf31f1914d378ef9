"""How far the projections have come, what is left for them to do, and what failed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; what they are for is said in `store/tables.py`."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "projection",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("position", key, server_default=sa.text("0"), nullable=False),
        sa.Column("closed_to", key, server_default=sa.text("0"), nullable=False),
        sa.Column("filled_to", key, nullable=True),
        sa.Column("visible", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.Text(), nullable=True),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("live_at", sa.Text(), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("trouble_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", "generation", name=op.f("pk_projection")),
    )
    op.create_table(
        "spread",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("key", key, autoincrement=False, nullable=False),
        sa.Column("closing", sa.Boolean(), nullable=False),
        sa.Column("position", key, nullable=False),
        sa.Column("done_to", key, server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("name", "generation", "what", "key", name=op.f("pk_spread")),
    )
    op.create_table(
        "failure",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("record", key, autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("position", key, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("first_at", sa.Text(), nullable=False),
        sa.Column("last_at", sa.Text(), nullable=False),
        sa.Column("next_at", sa.Text(), nullable=False),
        sa.Column("waived_at", sa.Text(), nullable=True),
        sa.Column("waived_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", "record", name=op.f("pk_failure")),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "verification",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=True),
        sa.Column("at", sa.Text(), nullable=True),
        sa.Column("report", sa.Text(), nullable=True),
        sa.Column("asked_at", sa.Text(), nullable=True),
        sa.Column("repair", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("progress", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_verification")),
    )
    closing = "verb IN ('suppress', 'hide', 'draft', 'withdraw', 'move', 'merge', 'expunge', 'scope')"
    for name, table, column, where in (
        ("ix_change_closing", "change", "position", closing),
        ("ix_link_by", "link", "by", '"by" IS NOT NULL'),
        ("ix_scope_metadata_embargo", "scope", "metadata_embargo", "metadata_embargo IS NOT NULL"),
    ):
        op.create_index(name, table, [column], sqlite_where=sa.text(where), postgresql_where=sa.text(where))
