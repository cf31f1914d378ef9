"""What a reader may see, said in SQL: the one condition that every statement carries at every level.

It is `policy.decide` and `policy.is_insider` for the database; a test holds them equal. What is stored for a reader is
joined where it is stored; only what nobody has stored (a part of somebody's rights) is bound as a list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from catalog.access.policy import INSIDERS, SUFFICIENT
from catalog.questions.reader import Reader, Right
from catalog.recent import Recent

KEPT: Final = 64
# Grants that a statement gathers before it begins: 1.3 µs each, and then 3 to 5 µs for a record that is not open to
# everyone. Beyond that what was granted is looked up for each such record, 6 to 10 µs, however many grants there are. (With
# 100 instead, a page took as long for whoever has 500 grants, and a count twice as long.)
FEW: Final = 1_000
# Holders (a person and their groups) that are looked up one by one in each scope, rather than all who hold rights there.
FEW_HOLDERS: Final = 16

# How the scopes of a reader's grants are told: in none; as a list that is bound; gathered from what is stored; looked up
# where it is stored, by the reader's holders or by the scope.
How = Literal["none", "list", "gathered", "by-holder", "by-scope"]


@dataclass(frozen=True, slots=True)
class ReaderClass:
    """What the statement for a reader depends on; who the reader is comes in as values."""

    everything: bool
    reads: How = "none"  # somewhere, by a grant
    inside: How = "none"  # counts as a writer somewhere


@dataclass(frozen=True, slots=True)
class _Held:
    """What is worked out once of a reader's grants: the class, and what is bound beside the time."""

    of: ReaderClass
    values: dict[str, Any]


_EVERYTHING: Final = _Held(ReaderClass(True), {})
_NOTHING: Final = _Held(ReaderClass(False), {})


class Sight:
    """The conditions for one of the two databases (`sqlite` or `postgresql`), over a row of `scope`."""

    def __init__(self, database: str) -> None:
        self._postgresql = database == "postgresql"
        self._held: Recent[_Held] = Recent(KEPT)

    def class_of(self, reader: Reader) -> ReaderClass:
        """The class of readers that share this reader's statements."""
        return self._of(reader).of

    def values(self, reader: Reader, now: str) -> dict[str, Any]:
        """What the conditions for this reader are bound to."""
        return {"now": now, **self._of(reader).values}

    def _of(self, reader: Reader) -> _Held:
        if reader.administrator:
            return _EVERYTHING
        if not reader.grants:
            return _NOTHING
        return self._held.about(reader, lambda: self._work_out(reader))

    def _work_out(self, reader: Reader) -> _Held:
        read_in, inside_of = reader.scopes_for(*SUFFICIENT["read"]), reader.scopes_for(*INSIDERS)
        if reader.stored:
            holders = list(reader.holders) if self._postgresql else orjson.dumps(reader.holders).decode()
            of = ReaderClass(False, _stored(reader, len(read_in)), _stored(reader, len(inside_of)))
            return _Held(of, {"holders": holders})
        of = ReaderClass(False, "list" if read_in else "none", "list" if inside_of else "none")
        return _Held(of, {"read_in": orjson.dumps(read_in).decode(), "inside_of": orjson.dumps(inside_of).decode()})

    def tables(self, of: ReaderClass) -> dict[str, str]:
        """Tables that a statement begins with (WITH name(key) AS …): the scopes that were granted, not those below them."""
        made = {}
        for name, how, rights in (("read_in", of.reads, SUFFICIENT["read"]), ("inside_of", of.inside, INSIDERS)):
            if how == "list":
                made[name] = self._listed(name)
            elif how == "gathered":
                made[name] = f"SELECT p.scope FROM permission p WHERE {self._mine()} AND {self._in_force(rights)}"
        return made

    def everyones(self, scope: str) -> str:
        """The condition that this scope lies open: everyone may read public metadata in it."""
        return (
            f"({scope}.open AND ({scope}.metadata_embargo IS NULL OR {scope}.metadata_embargo <= {self.value('now')}))"
        )

    def readable(self, of: ReaderClass, scope: str) -> str:
        """The condition that public metadata in this scope may be read."""
        if of.everything:
            return "TRUE"
        everyones = self.everyones(scope)
        return f"({everyones} OR {self.granted(of, scope)})" if of.reads != "none" else everyones

    def inside(self, of: ReaderClass, scope: str) -> str:
        """The condition that the reader counts as a writer of this scope."""
        return "TRUE" if of.everything else self._below("inside_of", of.inside, INSIDERS, scope)

    def granted(self, of: ReaderClass, scope: str) -> str:
        """The condition that the reader may read in this scope whether or not it is open to everyone."""
        return "TRUE" if of.everything else self._below("read_in", of.reads, SUFFICIENT["read"], scope)

    def granted_otherwise(self, reader: Reader, scope: str) -> tuple[str, dict[str, Any]]:
        """The condition that the reader was granted rights in this scope of which none lets read, and what it is bound to.

        Of records that lets see nothing; the scope itself is known to whoever may do something in it.
        """
        if reader.administrator:
            return "FALSE", {}
        # Few, however many grants there are: who may do something mostly may read. Visas are among them, and stored nowhere.
        named = [where for where, held in reader.rights_in.items() if held.isdisjoint(SUFFICIENT["read"])]
        if not named:
            return "FALSE", {}
        listed = self._listed("otherwise_in")
        above = f"SELECT 1 FROM scope_closure up WHERE up.descendant = {scope}.key AND +up.ancestor IN ({listed})"
        return f"EXISTS ({above})", {"otherwise_in": orjson.dumps(named).decode()}

    def value(self, name: str) -> str:
        """Where the value of this name is bound."""
        return f"%({name})s" if self._postgresql else f":{name}"

    def _listed(self, name: str) -> str:
        # One parameter, whatever the number of grants; the statement stays the same.
        if self._postgresql:
            return (
                f"SELECT s.key FROM scope s WHERE s.id IN (SELECT json_array_elements_text({self.value(name)}::json))"
            )
        return f"SELECT s.key FROM json_each({self.value(name)}) g CROSS JOIN scope s ON s.id = g.value"

    def _mine(self, *, unindexed: bool = False) -> str:
        """The condition that a permission is held by the reader, or by a group of theirs."""
        if self._postgresql:
            return f"p.holder = ANY({self.value('holders')})"
        return f"{'+' if unindexed else ''}p.holder IN (SELECT value FROM json_each({self.value('holders')}))"

    def _in_force(self, rights: tuple[Right, ...]) -> str:
        """The condition that a permission gives one of these rights now."""
        now = self.value("now")
        # The sign keeps SQLite from looking up each right by itself.
        may = "p.may" if self._postgresql else "+p.may"
        named = ", ".join(f"'{right}'" for right in rights)
        return (
            f"{may} IN ({named}) AND p.ended_at IS NULL"
            f" AND (p.since IS NULL OR p.since <= {now}) AND (p.until IS NULL OR p.until > {now})"
        )

    def _below(self, name: str, how: How, rights: tuple[Right, ...], scope: str) -> str:
        # From the record's scope up to its at most four ancestors, never from a grant down to the scopes below it.
        if how == "none":
            return "FALSE"
        if how in ("list", "gathered"):
            # The sign keeps SQLite from looking up each of hundreds of grants for every record.
            above = f"SELECT 1 FROM scope_closure up WHERE up.descendant = {scope}.key"
            return f"EXISTS ({above} AND +up.ancestor IN (SELECT key FROM {name}))"
        mine = self._mine(unindexed=how == "by-scope")
        join = "JOIN" if self._postgresql else "CROSS JOIN"
        return (
            f"EXISTS (SELECT 1 FROM scope_closure up {join} permission p ON p.scope = up.ancestor"
            f" WHERE up.descendant = {scope}.key AND {mine} AND {self._in_force(rights)})"
        )


def _stored(reader: Reader, scopes: int) -> How:
    if not scopes:
        return "none"
    if scopes <= FEW:
        return "gathered"
    return "by-holder" if len(reader.holders) <= FEW_HOLDERS else "by-scope"
