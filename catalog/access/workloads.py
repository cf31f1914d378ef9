"""Programs that an issuer vouches for by signed tokens: client credentials of an identity provider, SVIDs of a SPIFFE trust domain."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, delete, insert, select

from catalog.access.audit import Audit
from catalog.access.holders import make_holder
from catalog.access.issuers import Issuer, Issuers
from catalog.access.managers import end_manager
from catalog.access.moments import timestamp
from catalog.access.people import name_told
from catalog.access.policy import demand_administrator
from catalog.access.readers import Readers
from catalog.access.signed import (
    Keyring,
    Unsound,
    claimed_issuer,
    demand_audience,
    demand_issuer,
    demand_timely,
    subject_of,
    verified,
)
from catalog.errors import Conflict, Invalid, Malformed, NotFound
from catalog.questions.reader import Reader
from catalog.records.identifiers import split_id
from catalog.store.clock import Clock
from catalog.store.clock import now as real_clock
from catalog.store.engine import Store
from catalog.store.tables import holder, source
from catalog.store.tables import workload as table

logger = logging.getLogger("catalog.access")

# A token that lasts longer is a password: an API token is for that, which can be ended here.
LONGEST_SECONDS: Final = 86_400
LOOKED_AFTER: Final = ("workloads", "ワークロード")


@dataclass(frozen=True, slots=True)
class Workload:
    """A program, as its issuer calls it; rights are given to its id."""

    key: int
    id: str
    name: str
    issuer: str
    subject: str
    agent: str | None
    source: str | None
    at: str
    by: str

    def document(self) -> dict[str, Any]:
        """The workload as administrators see it."""
        return {
            "id": self.id,
            "name": self.name,
            "issuer": self.issuer,
            "subject": self.subject,
            "agent": self.agent,
            "source": self.source,
            "at": self.at,
            "by": self.by,
        }


class Workloads:
    """The workloads of a catalogue, looked after by administrators. Only who is registered is anybody."""

    def __init__(
        self,
        store: Store,
        issuers: Issuers,
        keyring: Keyring,
        readers: Readers,
        audit: Audit,
        *,
        base: str,
        clock: Clock = real_clock,
    ) -> None:
        self._store = store
        self._issuers = issuers
        self._keyring = keyring
        self._readers = readers
        self._audit = audit
        self._base = base
        self._clock = clock

    def register(
        self,
        issuer_id: str,
        subject: str,
        name: str,
        by: Reader,
        *,
        agent: str | None = None,
        source_id: str | None = None,
    ) -> Workload:
        """Let an issuer's subject be somebody here: as a device that acts, for one source alone, where that is said."""
        demand_administrator(by, *LOOKED_AFTER)
        issuer = self._issuers.of_id(issuer_id, "workloads")
        try:
            subject_of({"sub": subject})
        except Unsound:
            raise Invalid(
                "subject: write what the issuer's tokens have as `sub`",
                ja="subject: 発行者のトークンの sub の値を指定してください",
            ) from None
        _demand_agent(agent)
        moment = self._clock()
        with self._store.write() as connection:
            if source_id is not None:
                known = select(source.c.id).where(source.c.id == source_id).limit(1)
                if not source_id.isprintable() or connection.scalar(known) is None:
                    raise NotFound(f"there is no source {source_id:.80}", ja=f"登録元 {source_id:.80} はありません")
            same = _workloads().where(table.c.issuer == issuer.id, table.c.subject == subject)
            if (row := connection.execute(same).fetchone()) is not None:
                raise Conflict(
                    f"{subject:.200} of {issuer.id} is {Workload(*row).id} already",
                    ja=f"{issuer.id} の {subject:.200} はすでに {Workload(*row).id} として登録されています",
                )
            made = make_holder(connection, "workload", name_told(name), by=by.id, at=moment)
            connection.execute(
                insert(table),
                {"key": made.key, "issuer": issuer.id, "subject": subject, "agent": agent, "source": source_id},
            )
            self._audit.note(
                connection, "workload", by.id, holder=made.id, issuer=issuer.id, subject=subject, agent=agent,
                source=source_id,
            )  # fmt: skip
            return Workload(*connection.execute(same).one())

    def list(self, by: Reader) -> tuple[Workload, ...]:
        """Every workload, for administrators."""
        demand_administrator(by, *LOOKED_AFTER)
        with self._store.read() as connection:
            return tuple(Workload(*row) for row in connection.execute(_workloads().order_by(holder.c.at, holder.c.id)))

    def end(self, id: str, by: Reader) -> tuple[str, ...]:
        """From now on its tokens are nobody's, and it holds nothing; the scopes that nobody manages any more."""
        demand_administrator(by, *LOOKED_AFTER)
        with self._store.write() as connection:
            row = connection.execute(_workloads().where(holder.c.id == id)).fetchone() if id.isprintable() else None
            if row is None:
                raise NotFound(f"there is no workload {id:.80}", ja=f"ワークロード {id:.80} はありません")
            ended = Workload(*row)
            # The line goes, so that its subject can be registered again as somebody new; who it was is in the audit.
            connection.execute(delete(table).where(table.c.key == ended.key))
            left = end_manager(connection, self._audit, ended.key, id, at=self._clock(), by=by.id)
            self._audit.note(
                connection, "workload", by.id, holder=id, issuer=ended.issuer, subject=ended.subject, ended=True
            )
            return left

    def reader(self, token: str, address: str) -> Reader | None:
        """Who carries a signed token; None if that proves nothing, or nobody who is registered."""
        try:
            issuer, claims = self._proven(token)
        except Unsound as problem:
            logger.info("a token from %s was not taken: %s", address, problem)
            return None
        with self._store.read() as connection:
            same = _workloads().where(table.c.issuer == issuer.id, table.c.subject == claims["sub"])
            row = connection.execute(same).fetchone()
        if row is None:
            logger.info("a token from %s was not taken: %s of %s is not registered", address, claims["sub"], issuer.id)
            return None
        found = Workload(*row)
        return self._readers.workload(found.key, found.id, source=found.source, agent=found.agent)

    def _proven(self, token: str) -> tuple[Issuer, Mapping[str, Any]]:
        """The claims of a token that a registered issuer made for us, and that counts now."""
        claimed = claimed_issuer(token)
        issuer = None if claimed is None else self._issuers.of_address(claimed, "workloads")
        if issuer is None:
            raise Unsound(f"{claimed!r:.200} is not registered for workloads")
        claims = verified(token, issuer.endpoints.keys, self._keyring)
        demand_issuer(claims, issuer.address)
        demand_audience(claims, issuer.audience or self._base)
        demand_timely(claims, timestamp(self._clock()), longest_seconds=LONGEST_SECONDS)
        subject_of(claims)
        return issuer, claims


def _workloads() -> Select[Any]:
    return (
        select(
            table.c.key,
            holder.c.id,
            holder.c.name,
            table.c.issuer,
            table.c.subject,
            table.c.agent,
            table.c.source,
            holder.c.at,
            holder.c.by,
        )
        .join(holder, holder.c.key == table.c.key)
        .where(holder.c.ended_at.is_(None))
    )


def _demand_agent(agent: str | None) -> None:
    if agent is None:
        return
    try:
        kind, _, _ = split_id(agent)
    except Malformed:
        kind = ""
    if kind not in ("agent", "instrument"):
        raise Invalid(
            f"agent: {agent!r:.200}: name the record of the device that acts, as agent/spring8/robot-1",
            ja=f"agent: {agent!r:.200}: 動作する装置のレコードを指定してください (例 agent/spring8/robot-1)",
        )
