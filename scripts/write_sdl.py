"""Writes schemas/catalog.graphql from the kinds; a test holds that it is up to date.

What would break clients is written only once CHANGELOG.md says so, in these words, under what is not released yet.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from graphql import build_schema, find_breaking_changes

from catalog.records.kinds import load_kinds
from catalog.web.graphql.schema import schema_of, written

PROJECT = Path(__file__).resolve().parent.parent
COMMITTED = PROJECT / "schemas" / "catalog.graphql"


def current() -> str:
    """The schema of the shipped kinds as it is now."""
    return written(schema_of(load_kinds()))


def undeclared(before: str, after: str, changelog: str) -> list[str]:
    """What breaks clients between two schemas, and the changelog does not say."""
    said = _plain(re.split(r"^## ", changelog, flags=re.MULTILINE)[1]) if "\n## " in changelog else ""
    changes = find_breaking_changes(build_schema(before), build_schema(after)) if before != after else []
    return sorted(each.description for each in changes if _plain(each.description) not in said)


def _plain(text: str) -> str:
    return " ".join(text.replace("`", "").replace("'", "").split()).rstrip(".")


def main() -> None:
    now = current()
    changelog = (PROJECT / "CHANGELOG.md").read_text("utf-8")
    if COMMITTED.exists() and (breaks := undeclared(COMMITTED.read_text("utf-8"), now, changelog)):
        print("This breaks clients of GraphQL. If it must be, say so in CHANGELOG.md, under what is not released yet:")
        print("\n".join(f"- {each}" for each in breaks))
        sys.exit(1)
    COMMITTED.write_text(now, "utf-8")


if __name__ == "__main__":
    main()
