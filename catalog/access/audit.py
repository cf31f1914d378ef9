"""What was done about rights, by whom and from where: lines that the database itself refuses to change or take away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import orjson
from sqlalchemy import ColumnElement, Connection, and_, insert, select

from catalog.access.moments import moment_told
from catalog.errors import Forbidden, Invalid
from catalog.questions.reader import Reader
from catalog.store.clock import Clock
from catalog.store.clock import now as real_clock
from catalog.store.engine import Store
from catalog.store.tables import audit, holder

if TYPE_CHECKING:
    from catalog.access.scopes import Scopes

Act = Literal[
    "sign-in",
    "sign-in-refused",
    "sign-out",
    "person",
    "person-ended",
    "unmanaged",
    "invite",
    "reset",
    "password",
    "identity",
    "identity-ended",
    "session-ended",
    "token",
    "token-ended",
    "token-new-address",
    "grant",
    "revoke",
    "link",
    "link-ended",
    "group",
    "group-ended",
    "member",
    "member-ended",
    "claim",
    "claim-ended",
    "scope",
    "issuer",
    "issuer-ended",
    "workload",
    "request",
    "request-decided",
    "visa",
    "refused",
]
ACTS: Final[tuple[Act, ...]] = get_args(Act)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was done."""

    position: int
    at: str
    by: str
    act: str
    scope: str | None
    holder: str | None
    address: str | None
    detail: dict[str, Any]

    def document(self) -> dict[str, Any]:
        """The line as it is answered and exported."""
        told = {
            "position": self.position,
            "at": self.at,
            "by": self.by,
            "act": self.act,
            "scope": self.scope,
            "holder": self.holder,
            "address": self.address,
        }
        return {name: value for name, value in told.items() if value is not None} | {"detail": self.detail}


class Audit:
    """The lines of a catalogue."""

    def __init__(self, store: Store, *, clock: Clock = real_clock) -> None:
        self._store = store
        self._clock = clock

    def note(
        self,
        connection: Connection,
        act: Act,
        by: str,
        *,
        scope: str | None = None,
        holder: str | None = None,
        address: str | None = None,
        **detail: Any,
    ) -> None:
        """Write a line in the transaction in which the thing is done; nothing secret belongs into it."""
        connection.execute(
            insert(audit),
            {
                "at": self._clock(),
                "by": by,
                "act": act,
                "scope": scope,
                "holder": holder,
                "address": address,
                "detail": orjson.dumps(detail).decode(),
            },
        )

    def tell(
        self,
        act: Act,
        by: str,
        *,
        scope: str | None = None,
        holder: str | None = None,
        address: str | None = None,
        **detail: Any,
    ) -> None:
        """Write a line of something that changed nothing else: what was refused."""
        with self._store.write() as connection:
            self.note(connection, act, by, scope=scope, holder=holder, address=address, **detail)

    def find(
        self,
        reader: Reader,
        scopes: Scopes,
        *,
        act: str | None = None,
        by: str | None = None,
        scope: str | None = None,
        holder: str | None = None,
        since: str | None = None,
        until: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> tuple[Line, ...]:
        """Lines, the newest first: for administrators, and of a scope (with those below it) for whoever manages it."""
        wanted: list[ColumnElement[bool]] = []
        if scope is not None:
            scopes.managed(scope, reader)
            wanted.append(scopes.in_or_below(audit.c.scope, scope))
        elif not reader.administrator:
            raise Forbidden(
                "what was done in the whole catalogue is for administrators; name a scope that you manage (scope)",
                ja="全体の監査記録を閲覧できるのは管理者のみです。自分が管理するスコープを指定してください (scope)",
            )
        if act is not None:
            if act not in ACTS:
                raise Invalid(f"act: there are {', '.join(ACTS)}", ja=f"act: {', '.join(ACTS)} があります")
            wanted.append(audit.c.act == act)
        for column, value in ((audit.c.by, by), (audit.c.holder, holder)):
            if value is not None:
                wanted.append(column == value)
        begin, end = moment_told("since", since), moment_told("until", until)
        if begin is not None:
            wanted.append(audit.c.at >= begin)
        if end is not None:
            wanted.append(audit.c.at < end)
        if before is not None:
            wanted.append(audit.c.position < before)
        statement = select(audit).where(and_(True, *wanted)).order_by(audit.c.position.desc()).limit(limit)
        with self._store.read() as connection:
            return tuple(_line(row) for row in connection.execute(statement))

    def names(self, lines: Iterable[Line]) -> dict[str, str]:
        """What those who are named in some lines are called, by id; for who may read the lines."""
        ids = {id for line in lines for id in (line.by, line.holder) if id is not None}
        with self._store.read() as connection:
            rows = connection.execute(select(holder.c.id, holder.c.name).where(holder.c.id.in_(ids))).fetchall()
        return {row.id: row.name for row in rows if row.name}

    def every(self, reader: Reader, *, after: int = 0, slice_of: int = 1_000) -> Iterator[Line]:
        """All lines behind a position, the oldest first, for administrators to keep elsewhere."""
        if not reader.administrator:
            raise Forbidden("only administrators export the audit", ja="監査記録を書き出せるのは管理者のみです")
        done = after
        while True:
            statement = select(audit).where(audit.c.position > done).order_by(audit.c.position).limit(slice_of)
            with self._store.read() as connection:
                lines = [_line(row) for row in connection.execute(statement)]
            if not lines:
                return
            yield from lines
            done = lines[-1].position


def _line(row: Any) -> Line:
    return Line(row.position, row.at, row.by, row.act, row.scope, row.holder, row.address, orjson.loads(row.detail))
