"""Brings a database to the tables that this version needs."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Table
from sqlalchemy.schema import SchemaItem

from catalog.errors import Misconfigured
from catalog.store.database import Database
from catalog.store.tables import metadata


def migrate(database: Database, connection: Connection, to: str = "head") -> None:
    """Take every step that is missing; a database that is ahead of this version is refused."""
    database.hold_migrations(connection)
    with as_file(files("catalog.store") / "migrations") as steps:
        config = _config(steps)
        script = ScriptDirectory.from_config(config)
        known = {step.revision for step in script.walk_revisions()}
        here = MigrationContext.configure(connection).get_current_heads()
        if unknown := [step for step in here if step not in known]:
            raise Misconfigured(
                f"the database was changed by a newer version (step {unknown[0]} is not known here): "
                "install that version, or restore a backup from before",
                ja=f"データベースは新しい版で更新されています(手順 {unknown[0]} が不明)。"
                "その版を入れるか、更新前のバックアップを復元してください",
            )
        wanted = script.get_heads() if to == "head" else [to]
        if list(here) == list(wanted):
            return
        if not here and "record" in database.tables(connection):
            raise Misconfigured(
                "the database holds tables that this catalogue did not make: give it an empty one",
                ja="このカタログのものではない表があります。空のデータベースを指定してください",
            )
        config.attributes["connection"] = connection
        command.upgrade(config, to)


def is_current(connection: Connection) -> bool:
    """Whether every step was taken, asked without holding anybody up."""
    with as_file(files("catalog.store") / "migrations") as steps:
        wanted = ScriptDirectory.from_config(_config(steps)).get_heads()
    return list(MigrationContext.configure(connection).get_current_heads()) == list(wanted)


def step_of(connection: Connection) -> str | None:
    """The step at which a database stands; None before the first."""
    return MigrationContext.configure(connection).get_current_revision()


def known_steps() -> frozenset[str]:
    """Every step that this version knows."""
    with as_file(files("catalog.store") / "migrations") as steps:
        return frozenset(step.revision for step in ScriptDirectory.from_config(_config(steps)).walk_revisions())


def differences(connection: Connection) -> list[object]:
    """What the database has otherwise than `tables.py` says; nothing when both agree."""
    context = MigrationContext.configure(
        connection,
        opts={"include_object": _ours, "compare_type": True, "compare_server_default": True},
    )
    return list(compare_metadata(context, metadata))


def _ours(item: SchemaItem, name: str | None, kind: str, reflected: bool, compared: SchemaItem | None) -> bool:
    """Mirror tables come and go with the kinds and are no step's business."""
    table = item if isinstance(item, Table) else getattr(item, "table", None)
    return table is None or not str(table.name).startswith("mirror_")


def _config(steps: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(steps).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
