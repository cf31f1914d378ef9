"""What a reader may see, said in SQL: the one condition that every statement carries at every level.

It is `policy.decide` and `policy.is_insider` for the database; a test holds them equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson

from catalog.access.policy import INSIDERS, SUFFICIENT
from catalog.questions.reader import Reader
from catalog.recent import Recent

MANY: Final = 16
KEPT: Final = 64


@dataclass(frozen=True, slots=True)
class ReaderClass:
    """What the statement for a reader depends on; who the reader is comes in as values."""

    everything: bool
    reads: bool  # somewhere, by a grant
    inside: bool  # counts as a writer somewhere


class Sight:
    """The conditions for one of the two databases (`sqlite` or `postgresql`), over a row of `scope`."""

    def __init__(self, database: str) -> None:
        self._postgresql = database == "postgresql"
        self._many: Recent[tuple[str, str]] = Recent(KEPT)

    def class_of(self, reader: Reader) -> ReaderClass:
        """The class of readers that share this reader's statements."""
        if reader.administrator:
            return ReaderClass(True, False, False)
        read_in, inside_of = self._scopes(reader)
        return ReaderClass(False, read_in != "[]", inside_of != "[]")

    def values(self, reader: Reader, now: str) -> dict[str, Any]:
        """What the conditions for this reader are bound to."""
        values: dict[str, Any] = {"now": now}
        if not reader.administrator and reader.grants:
            values["read_in"], values["inside_of"] = self._scopes(reader)
        return values

    def _scopes(self, reader: Reader) -> tuple[str, str]:
        """Where the reader may read, and where they count as a writer, as lists; of many grants made once and kept."""
        if len(reader.grants) > MANY:
            return self._many.about(reader.grants, lambda: _scopes_of(reader))
        return _scopes_of(reader)

    def tables(self, of: ReaderClass) -> dict[str, str]:
        """Tables that a statement begins with (WITH name(key) AS …): the scopes that were granted, not those below them."""
        made = {}
        if of.reads:
            made["read_in"] = self._granted("read_in")
        if of.inside:
            made["inside_of"] = self._granted("inside_of")
        return made

    def readable(self, of: ReaderClass, scope: str) -> str:
        """The condition that public metadata in this scope may be read."""
        if of.everything:
            return "TRUE"
        public = (
            f"({scope}.open AND ({scope}.metadata_embargo IS NULL OR {scope}.metadata_embargo <= {self.value('now')}))"
        )
        return f"({public} OR {self._below('read_in', scope)})" if of.reads else public

    def inside(self, of: ReaderClass, scope: str) -> str:
        """The condition that the reader counts as a writer of this scope."""
        if of.everything:
            return "TRUE"
        return self._below("inside_of", scope) if of.inside else "FALSE"

    def granted(self, of: ReaderClass, scope: str) -> str:
        """The condition that the reader may read in this scope whether or not it is open to everyone."""
        if of.everything:
            return "TRUE"
        return self._below("read_in", scope) if of.reads else "FALSE"

    def _granted(self, name: str) -> str:
        # One parameter, whatever the number of grants; the statement stays the same.
        if self._postgresql:
            return (
                f"SELECT s.key FROM scope s WHERE s.id IN (SELECT json_array_elements_text({self.value(name)}::json))"
            )
        return f"SELECT s.key FROM json_each({self.value(name)}) g CROSS JOIN scope s ON s.id = g.value"

    def _below(self, name: str, scope: str) -> str:
        # From the record's scope up to its at most four ancestors, never from a grant down to the scopes below it.
        # The sign keeps SQLite from looking up each of hundreds of grants for every record.
        above = f"SELECT 1 FROM scope_closure up WHERE up.descendant = {scope}.key"
        return f"EXISTS ({above} AND +up.ancestor IN (SELECT key FROM {name}))"

    def value(self, name: str) -> str:
        """Where the value of this name is bound."""
        return f"%({name})s" if self._postgresql else f":{name}"


def _scopes_of(reader: Reader) -> tuple[str, str]:
    return (
        orjson.dumps(reader.scopes_for(*SUFFICIENT["read"])).decode(),
        orjson.dumps(reader.scopes_for(*INSIDERS)).decode(),
    )
