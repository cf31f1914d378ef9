"""Who may see and do what: people and programs, groups, permissions, and what was done about them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; what they are for is said in `store/tables.py`."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    id_text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "audit",
        sa.Column("position", key, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("scope", id_text, nullable=True),
        sa.Column("holder", id_text, nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_at"), "audit", ["at"], unique=False)
    op.create_index("ix_audit_act", "audit", ["act", "position"], unique=False)
    op.create_index("ix_audit_by", "audit", ["by", "position"], unique=False)
    op.create_index("ix_audit_holder", "audit", ["holder", "position"], unique=False)
    op.create_index("ix_audit_scope", "audit", ["scope", "position"], unique=False)
    op.create_table(
        "epoch",
        sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", key, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_epoch")),
    )
    op.create_table(
        "guess",
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("what", name=op.f("pk_guess")),
    )
    op.create_table(
        "holder",
        sa.Column("key", key, nullable=False),
        sa.Column("id", id_text, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_holder")),
        sa.UniqueConstraint("id", name=op.f("uq_holder_id")),
    )
    op.create_table(
        "issuer",
        sa.Column("id", id_text, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issuer")),
        sa.UniqueConstraint("address", name=op.f("uq_issuer_address")),
    )
    op.create_table(
        "once",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_once")),
    )
    op.create_index(op.f("ix_once_until"), "once", ["until"], unique=False)
    op.create_table(
        "group_claim",
        sa.Column("group_key", key, autoincrement=False, nullable=False),
        sa.Column("issuer", id_text, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["group_key"], ["holder.key"], name=op.f("fk_group_claim_group_key")),
        sa.ForeignKeyConstraint(["issuer"], ["issuer.id"], name=op.f("fk_group_claim_issuer")),
        sa.PrimaryKeyConstraint("group_key", "issuer", "value", name=op.f("pk_group_claim")),
    )
    op.create_table(
        "link_token",
        sa.Column("key", key, autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("scope", key, nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.Column("used_at", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["key"], ["holder.key"], name=op.f("fk_link_token_key")),
        sa.ForeignKeyConstraint(["scope"], ["scope.key"], name=op.f("fk_link_token_scope")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_link_token")),
        sa.UniqueConstraint("digest", name=op.f("uq_link_token_digest")),
    )
    op.create_index(op.f("ix_link_token_scope"), "link_token", ["scope"], unique=False)
    op.create_table(
        "membership",
        sa.Column("group_key", key, autoincrement=False, nullable=False),
        sa.Column("member", key, autoincrement=False, nullable=False),
        sa.Column("manages", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("until", sa.Text(), nullable=True),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["group_key"], ["holder.key"], name=op.f("fk_membership_group_key")),
        sa.ForeignKeyConstraint(["member"], ["holder.key"], name=op.f("fk_membership_member")),
        sa.PrimaryKeyConstraint("group_key", "member", name=op.f("pk_membership")),
    )
    op.create_index(op.f("ix_membership_member"), "membership", ["member"], unique=False)
    op.create_table(
        "permission",
        sa.Column("id", id_text, nullable=False),
        sa.Column("scope", key, nullable=False),
        sa.Column("may", sa.Text(), nullable=False),
        sa.Column("holder", key, nullable=False),
        sa.Column("since", sa.Text(), nullable=True),
        sa.Column("until", sa.Text(), nullable=True),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["holder"], ["holder.key"], name=op.f("fk_permission_holder")),
        sa.ForeignKeyConstraint(["scope"], ["scope.key"], name=op.f("fk_permission_scope")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permission")),
    )
    op.create_index("ix_permission_holder_scope_may", "permission", ["holder", "scope", "may"], unique=False)
    op.create_index("ix_permission_scope_holder_may", "permission", ["scope", "holder", "may"], unique=False)
    op.create_table(
        "person",
        sa.Column("key", key, autoincrement=False, nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("orcid", sa.Text(), nullable=True),
        sa.Column("administrator", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["key"], ["holder.key"], name=op.f("fk_person_key")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_person")),
    )
    op.create_table(
        "token",
        sa.Column("id", id_text, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", key, nullable=True),
        sa.Column("part", sa.Text(), nullable=True),
        sa.Column("source", id_text, nullable=True),
        sa.Column("agent", id_text, nullable=True),
        sa.Column("parent", id_text, nullable=True),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.Column("used_at", sa.Text(), nullable=True),
        sa.Column("used_from", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["owner"], ["holder.key"], name=op.f("fk_token_owner")),
        sa.ForeignKeyConstraint(["source"], ["source.id"], name=op.f("fk_token_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token")),
        sa.UniqueConstraint("digest", name=op.f("uq_token_digest")),
    )
    op.create_index("ix_token_owner", "token", ["owner"], unique=False)
    op.create_index("ix_token_source", "token", ["source"], unique=False)
    op.create_index("ix_token_parent", "token", ["parent"], unique=False)
    op.create_table(
        "workload",
        sa.Column("key", key, autoincrement=False, nullable=False),
        sa.Column("issuer", id_text, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("agent", id_text, nullable=True),
        sa.Column("source", id_text, nullable=True),
        sa.ForeignKeyConstraint(["issuer"], ["issuer.id"], name=op.f("fk_workload_issuer")),
        sa.ForeignKeyConstraint(["key"], ["holder.key"], name=op.f("fk_workload_key")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_workload")),
    )
    op.create_index("uq_workload_issuer_subject", "workload", ["issuer", "subject"], unique=True)
    op.create_table(
        "access_request",
        sa.Column("id", id_text, nullable=False),
        sa.Column("scope", id_text, nullable=False),
        sa.Column("person", key, nullable=False),
        sa.Column("rights", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("given", sa.Text(), nullable=True),
        sa.Column("until", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["person.key"], name=op.f("fk_access_request_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_request")),
    )
    op.create_index(op.f("ix_access_request_person"), "access_request", ["person"], unique=False)
    op.create_index(op.f("ix_access_request_scope"), "access_request", ["scope"], unique=False)
    op.create_table(
        "identity",
        sa.Column("issuer", id_text, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("person", key, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("groups", sa.Text(), server_default="[]", nullable=False),
        sa.Column("visas", sa.Text(), server_default="[]", nullable=False),
        sa.Column("first_at", sa.Text(), nullable=False),
        sa.Column("last_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["issuer"], ["issuer.id"], name=op.f("fk_identity_issuer")),
        sa.ForeignKeyConstraint(["person"], ["person.key"], name=op.f("fk_identity_person")),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_identity")),
    )
    op.create_index(op.f("ix_identity_person"), "identity", ["person"], unique=False)
    op.create_table(
        "local_account",
        sa.Column("person", key, autoincrement=False, nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.key"], name=op.f("fk_local_account_person")),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_local_account")),
        sa.UniqueConstraint("login", name=op.f("uq_local_account_login")),
    )
    op.create_table(
        "session",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("id", id_text, nullable=False),
        sa.Column("person", key, nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.key"], name=op.f("fk_session_person")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_session")),
        sa.UniqueConstraint("id", name=op.f("uq_session_id")),
    )
    op.create_index(op.f("ix_session_person"), "session", ["person"], unique=False)
    op.add_column("revision", sa.Column("agent", id_text, nullable=True))
    op.create_index(
        "ix_revision_agent",
        "revision",
        ["agent", "record"],
        unique=False,
        sqlite_where=sa.text("agent IS NOT NULL"),
        postgresql_where=sa.text("agent IS NOT NULL"),
    )
    op.create_index(
        "ix_revision_person",
        "revision",
        ["by", "record"],
        unique=False,
        sqlite_where=sa.text("\"by\" >= 'person:' AND \"by\" < 'person;'"),
        postgresql_where=sa.text("\"by\" >= 'person:' AND \"by\" < 'person;'"),
    )
    op.add_column("scope", sa.Column("data_mode", sa.Text(), nullable=True))
    op.add_column("scope", sa.Column("resource", sa.Text(), nullable=True))
    op.add_column("scope", sa.Column("data_approval", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_index(
        "ix_scope_resource",
        "scope",
        ["resource"],
        unique=False,
        sqlite_where=sa.text("resource IS NOT NULL"),
        postgresql_where=sa.text("resource IS NOT NULL"),
    )
    op.execute("INSERT INTO epoch (key, number) VALUES (1, 0)")
    op.execute(
        "INSERT INTO holder (key, id, kind, name, at, by) VALUES"
        " (1, 'everyone', 'everyone', '', '1970-01-01T00:00:00.000000Z', 'installation'),"
        " (2, 'signed-in', 'signed-in', '', '1970-01-01T00:00:00.000000Z', 'installation')"
    )
    _let_audit_only_grow()


def _let_audit_only_grow() -> None:
    if op.get_bind().dialect.name == "postgresql":
        # Keys are given by hand above; the sequence has to know.
        op.execute("SELECT setval(pg_get_serial_sequence('holder', 'key'), 2)")
        op.execute(
            "CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'audit only grows'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit"
            " FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()"
        )
        return
    for deed in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_no_{deed.lower()} BEFORE {deed} ON audit"
            " BEGIN SELECT RAISE(ABORT, 'audit only grows'); END"
        )
