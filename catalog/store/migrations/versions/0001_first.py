"""The tables of the first version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table; what they are for is said in `store/tables.py`."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    id_text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "attribute",
        sa.Column("record", key, autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("value_key", sa.Text(), nullable=True),
        sa.Column("term", sa.Text(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("record", "place", name=op.f("pk_attribute")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_attribute_name_value_key", "attribute", ["name", "value_key"], unique=False)
    op.create_table(
        "change",
        sa.Column("position", key, autoincrement=False, nullable=False),
        sa.Column("record", key, nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_change")),
    )
    op.create_index("ix_change_record_position", "change", ["record", "position"], unique=False)
    op.create_table(
        "identifier",
        sa.Column("record", key, autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("is_primary", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("state", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("record", "place", name=op.f("pk_identifier")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_identifier_value_scheme", "identifier", ["value", "scheme"], unique=False)
    op.create_table(
        "link",
        sa.Column("record", key, autoincrement=False, nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("target", key, nullable=False),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("port", sa.Text(), nullable=True),
        sa.Column("predicate", sa.Text(), nullable=True),
        sa.Column("from", sa.Text(), nullable=True),
        sa.Column("order", sa.Integer(), nullable=True),
        sa.Column("until", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("record", "field", "place", name=op.f("pk_link")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_link_target_field", "link", ["target", "field"], unique=False)
    op.create_table(
        "linked",
        sa.Column("record", key, autoincrement=False, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("record", name=op.f("pk_linked")),
    )
    op.create_table(
        "load",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("atomic", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("counts", sa.Text(), server_default="{}", nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_load")),
    )
    op.create_table(
        "mirror",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("table", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("filled_to", key, nullable=True),
        sa.Column("followed_to", key, nullable=True),
        sa.PrimaryKeyConstraint("kind", "fingerprint", name=op.f("pk_mirror")),
    )
    op.create_table(
        "node",
        sa.Column("key", key, nullable=False),
        sa.Column("id", id_text, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_node")),
        sa.UniqueConstraint("id", name=op.f("uq_node_id")),
    )
    op.create_table(
        "profile_version",
        sa.Column("name", id_text, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), server_default="{}", nullable=False),
        sa.Column("submitted", sa.Text(), nullable=False),
        sa.Column("schema", sa.Text(), nullable=False),
        sa.Column("shapes", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), server_default="[]", nullable=False),
        sa.Column("trial", sa.Text(), nullable=True),
        sa.Column("published_at", sa.Text(), nullable=True),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_profile_version")),
    )
    op.create_table(
        "quantity",
        sa.Column("record", key, autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("min", sa.Double(), nullable=True),
        sa.Column("max", sa.Double(), nullable=True),
        sa.Column("uncertainty", sa.Double(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("quantity_kind", sa.Text(), nullable=True),
        sa.Column("si_min", sa.Double(), nullable=True),
        sa.Column("si_max", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("record", "place", name=op.f("pk_quantity")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_quantity_field_name_si_min", "quantity", ["field", "name", "si_min"], unique=False)
    op.create_table(
        "scope",
        sa.Column("key", key, nullable=False),
        sa.Column("id", id_text, nullable=False),
        sa.Column("parent", key, nullable=True),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), server_default="{}", nullable=False),
        sa.Column("mode", sa.Text(), nullable=True),
        sa.Column("metadata_until", sa.Text(), nullable=True),
        sa.Column("data_until", sa.Text(), nullable=True),
        sa.Column("open", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("metadata_embargo", sa.Text(), nullable=True),
        sa.Column("data_embargo", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["parent"], ["scope.key"], name=op.f("fk_scope_parent")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_scope")),
        sa.UniqueConstraint("id", name=op.f("uq_scope_id")),
    )
    op.create_table(
        "setting",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_setting")),
    )
    op.create_table(
        "source",
        sa.Column("id", id_text, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
    )
    op.create_table(
        "record",
        sa.Column("key", key, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", id_text, nullable=False),
        sa.Column("local_id", id_text, nullable=False),
        sa.Column("scope", key, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("shown", sa.Integer(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=True),
        sa.Column("findings", sa.Text(), nullable=True),
        sa.Column("merged_into", key, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("modified_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["key"], ["node.key"], name=op.f("fk_record_key")),
        sa.ForeignKeyConstraint(["merged_into"], ["record.key"], name=op.f("fk_record_merged_into")),
        sa.ForeignKeyConstraint(["scope"], ["scope.key"], name=op.f("fk_record_scope")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_record")),
    )
    op.create_index("ix_record_modified_at", "record", ["modified_at"], unique=False)
    op.create_index("ix_record_scope_kind_status", "record", ["scope", "kind", "status"], unique=False)
    op.create_index("ix_record_source_kind", "record", ["source", "kind"], unique=False)
    op.create_index(
        "ix_record_status",
        "record",
        ["status"],
        unique=False,
        sqlite_where=sa.text("status <> 'public'"),
        postgresql_where=sa.text("status <> 'public'"),
    )
    op.create_table(
        "scope_closure",
        sa.Column("ancestor", key, nullable=False),
        sa.Column("descendant", key, nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["ancestor"], ["scope.key"], name=op.f("fk_scope_closure_ancestor")),
        sa.ForeignKeyConstraint(["descendant"], ["scope.key"], name=op.f("fk_scope_closure_descendant")),
        sa.PrimaryKeyConstraint("ancestor", "descendant", name=op.f("pk_scope_closure")),
    )
    op.create_table(
        "source_version",
        sa.Column("source", id_text, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["source"], ["source.id"], name=op.f("fk_source_version_source")),
        sa.PrimaryKeyConstraint("source", "version", name=op.f("pk_source_version")),
    )
    op.create_table(
        "expunge_request",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("record", key, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("done_at", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["record"], ["record.key"], name=op.f("fk_expunge_request_record")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expunge_request")),
    )
    op.create_table(
        "file",
        sa.Column("key", key, nullable=False),
        sa.Column("dataset", key, nullable=False),
        sa.Column("path", id_text, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("media_type", sa.Text(), nullable=True),
        sa.Column("format", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("modified_at", sa.Text(), nullable=True),
        sa.Column("checksums", sa.Text(), server_default="[]", nullable=False),
        sa.Column("order", sa.Integer(), nullable=True),
        sa.Column("paired", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["dataset"], ["record.key"], name=op.f("fk_file_dataset")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_file")),
    )
    op.create_index("uq_file_dataset_path", "file", ["dataset", "path"], unique=True)
    op.create_table(
        "file_list",
        sa.Column("dataset", key, autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["dataset"], ["record.key"], name=op.f("fk_file_list_dataset")),
        sa.PrimaryKeyConstraint("dataset", name=op.f("pk_file_list")),
    )
    op.create_table(
        "revision",
        sa.Column("record", key, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("as_sent", sa.Text(), nullable=True),
        sa.Column("profile", sa.Text(), nullable=True),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("scope", key, nullable=False),
        sa.Column("findings", sa.Text(), nullable=True),
        sa.Column("quarantined", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("expunged", sa.Text(), nullable=True),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("load", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["record"], ["record.key"], name=op.f("fk_revision_record")),
        sa.ForeignKeyConstraint(["scope"], ["scope.key"], name=op.f("fk_revision_scope")),
        sa.PrimaryKeyConstraint("record", "number", name=op.f("pk_revision")),
    )
    op.create_index(
        "ix_revision_expunged",
        "revision",
        ["record"],
        unique=False,
        sqlite_where=sa.text("expunged IS NOT NULL"),
        postgresql_where=sa.text("expunged IS NOT NULL"),
    )
    op.create_table(
        "verdict",
        sa.Column("record", key, nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("valid", sa.Boolean(), nullable=False),
        sa.Column("findings", sa.Text(), server_default="[]", nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["record"], ["record.key"], name=op.f("fk_verdict_record")),
        sa.PrimaryKeyConstraint("record", "profile", name=op.f("pk_verdict")),
    )
    op.create_table(
        "location",
        sa.Column("key", key, nullable=False),
        sa.Column("file", key, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("facility", sa.Text(), nullable=True),
        sa.Column("storage_class", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="online", nullable=False),
        sa.Column("state_until", sa.Text(), nullable=True),
        sa.Column("verified_at", sa.Text(), nullable=True),
        sa.Column("permission", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["file"], ["file.key"], name=op.f("fk_location_file"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_location")),
    )
    op.create_index("ix_location_file", "location", ["file"], unique=False)
