"""The scopes above one, without a look at each scope that was granted."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index; what it is for is said in `access/sight.py`."""
    op.create_index("ix_scope_closure_descendant_ancestor", "scope_closure", ["descendant", "ancestor"], unique=False)
