"""A small catalogue that is held twice: as plain values, and as rows in a store. What one says, the other must."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from sqlalchemy import text

from catalog.access.policy import ScopeFacts
from catalog.ledger.mirror import Mirrors
from catalog.questions.vocabulary import Vocabulary, vocabulary_of
from catalog.records.identifiers import encode_local, split_id
from catalog.records.kinds import Kinds, load_kinds
from catalog.store.engine import Store
from catalog.store.tables import metadata

NOW = "2026-11-21T12:00:00.000000Z"
PAST, FUTURE = "2026-01-01T00:00:00.000000Z", "2030-01-01T00:00:00.000000Z"


@dataclass(frozen=True)
class Told:
    """A link as the plain catalogue has it."""

    field: str
    to: str
    role: str | None = None
    order: int | None = None
    port: str | None = None


@dataclass(frozen=True)
class Plain:
    """A record as the plain catalogue has it."""

    id: str
    scope: str
    status: str
    body: Mapping[str, Any]
    links: tuple[Told, ...] = ()
    quantities: tuple[tuple[str, str | None, float, float, str], ...] = ()  # field, name, SI from, to, quantity kind
    attributes: tuple[tuple[str, str | None, str | None], ...] = ()
    identifiers: tuple[tuple[str, str], ...] = ()
    collected: tuple[str, str] | None = None
    created: str = PAST
    modified: str = PAST
    merged_into: str | None = None

    @property
    def kind(self) -> str:
        return split_id(self.id)[0]

    @property
    def source(self) -> str:
        return split_id(self.id)[1]

    @property
    def local(self) -> str:
        return encode_local(split_id(self.id)[2])


@dataclass(frozen=True)
class Small:
    """The plain catalogue."""

    scopes: tuple[ScopeFacts, ...]
    records: tuple[Plain, ...] = field(default=())

    @property
    def by_id(self) -> dict[str, Plain]:
        return {record.id: record for record in self.records}

    @property
    def by_scope(self) -> dict[str, ScopeFacts]:
        return {scope.id: scope for scope in self.scopes}


SCOPES = (
    ScopeFacts("spring8", ("spring8",), True),
    ScopeFacts("spring8/2026A1", ("spring8", "spring8/2026A1"), True),
    ScopeFacts("spring8/2026A1/secret", ("spring8", "spring8/2026A1", "spring8/2026A1/secret"), False),
    ScopeFacts("spring8/later", ("spring8", "spring8/later"), True, FUTURE, FUTURE),
    ScopeFacts("spring8/over", ("spring8", "spring8/over"), True, PAST, FUTURE),
    ScopeFacts("ddbj", ("ddbj",), True),
    ScopeFacts("company", ("company",), False),
)
TISSUES = ("leaf", "root", "Leaf", "葉", None)
WORDS = ("Iron", "正極材料", "Å film", "iron oxide", "zebra", "ß", "𝒳-ray", "")
IRIS = ("https://example.org/thing/1", "http://purl.example/x")


def small(seed: int = 7, size: int = 90) -> Small:
    """The same catalogue each time."""
    chance = random.Random(seed)
    ids = [
        f"{kind}/{source}/{encode_local(f'{kind[0]} {number}' if number % 9 == 0 else f'{kind[0]}-{number:03}')}"
        for number, kind, source in (
            (
                number,
                chance.choice(["sample", "sample", "experiment", "dataset", "agent"]),
                chance.choice(["ddbj", "spring8"]),
            )
            for number in range(size)
        )
    ]
    of_kind: dict[str, list[str]] = {}
    for id in ids:
        of_kind.setdefault(id.split("/")[0], []).append(id)
    records = []
    for number, id in enumerate(ids):
        records.append(_record(chance, number, id, of_kind))
    merged = [record for record in records if record.kind == "sample" and record.status == "public"][:3]
    records = [replace(record, merged_into=merged[2].id) if record in merged[:2] else record for record in records]
    return Small(SCOPES, tuple(records))


def _record(chance: random.Random, number: int, id: str, of_kind: Mapping[str, Sequence[str]]) -> Plain:
    kind = id.split("/")[0]
    title = {}
    if chance.random() < 0.8:
        title["en"] = f"{chance.choice(WORDS)} {chance.randint(1, 5)}"
    if chance.random() < 0.5:
        title["ja"] = f"{chance.choice(WORDS)} {chance.randint(1, 5)}"
    if not title:
        title["fr"] = "fer"
    body: dict[str, Any] = {"title": title}
    links: list[Told] = []
    quantities: list[tuple[str, str | None, float, float, str]] = []
    collected = None
    if number % 3:
        body["language"] = ["ja", "en"][: number % 3]
        body["keywords"] = [TISSUES[number % len(TISSUES)] or "leaf", {"term": "http://t/1"}]
    if kind == "sample":
        if tissue := chance.choice(TISSUES):
            body["tissue"] = tissue
        if chance.random() < 0.7:
            month = chance.randint(1, 11)
            body["collectedAt"] = f"2026-{month:02}"
            collected = (f"2026-{month:02}-01T00:00:00.000000Z", f"2026-{month + 1:02}-01T00:00:00.000000Z")
        if chance.random() < 0.5:
            low = float(chance.randint(1, 9))
            quantities.append(("amount", None, low, low + chance.choice([0.0, 2.0]), "Mass"))
        ends = chance.sample([*of_kind["sample"], "sample/ddbj/not-here"], 2)
        links += [Told("derivedFrom", target, chance.choice(["part", None])) for target in ends]
    if kind == "agent" and chance.random() < 0.8:
        body["contact"] = {"email": f"a{number}@example.org"}
    if kind == "experiment":
        for order, target in enumerate(chance.sample([*of_kind["sample"], "sample/spring8/not-yet"], 3)):
            links.append(Told("samples", target, chance.choice(["measured", "reference"]), order))
        links.append(Told("samples", links[0].to, "control", None))
        if chance.random() < 0.6:
            low = chance.uniform(1, 5)
            quantities.append(
                (
                    "conditions",
                    chance.choice(["energy", "temperature"]),
                    low,
                    low + 1,
                    chance.choice(["Energy", "Temperature"]),
                )
            )
    if kind == "dataset":
        links += [Told("generatedBy", target) for target in chance.sample(of_kind["experiment"], 2)]
        links += [
            Told("contributors", target, "creator", order)
            for order, target in enumerate(chance.sample(of_kind["agent"], 2))
        ]
        body["size"] = chance.choice([1, 2, 10, 10**12])
    if chance.random() < 0.4:
        links.append(Told("seeAlso", chance.choice([*IRIS, *of_kind["dataset"]])))
    by_field: dict[str, list[Any]] = {}
    for link in dict.fromkeys(links):
        told = (
            {"to": link.to}
            | ({"role": link.role} if link.role else {})
            | ({"order": link.order} if link.order is not None else {})
        )
        by_field.setdefault(link.field, []).append(told if len(told) > 1 else link.to)
    body.update(by_field)
    attributes = [
        (
            chance.choice(["tissue", "coating"]),
            chance.choice(["leaf", "Rh", "R" * 70]),
            chance.choice([None, "http://t/1"]),
        )
        for _ in range(chance.randint(0, 2))
    ]
    return Plain(
        id,
        chance.choice(SCOPES).id,
        chance.choices(["public", "private", "draft", "suppressed", "quarantined", "withdrawn"], [70, 6, 6, 6, 6, 6])[
            0
        ],
        body,
        tuple(dict.fromkeys(links)),
        tuple(quantities),
        tuple(attributes),
        (("doi", f"10.1/{number}"), ("local", "same")) if chance.random() < 0.5 else (),
        collected,
        f"2026-0{chance.randint(1, 3)}-01T00:00:00.000000Z",
        f"2026-0{chance.randint(4, 6)}-01T00:00:00.000000Z",
    )


def known_words() -> tuple[Kinds, Vocabulary]:
    """The shipped kinds and what can be asked about them."""
    kinds = load_kinds()
    return kinds, vocabulary_of(kinds)


def fill(store: Store, catalogue: Small, kinds: Kinds) -> None:
    """Put the catalogue into an empty store, row by row, without the verbs that are tested elsewhere."""
    Mirrors(store, kinds).prepare()
    tables = metadata.tables
    ids = dict.fromkeys(
        [record.id for record in catalogue.records] + [link.to for record in catalogue.records for link in record.links]
    )
    keys = {id: number for number, id in enumerate(ids, 1)}
    scope_keys = {scope.id: number for number, scope in enumerate(catalogue.scopes, 1)}
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in tables}
    for id, key in keys.items():
        rows["node"].append({"key": key, "id": id})
    for scope in catalogue.scopes:
        parent = scope.path[-2] if len(scope.path) > 1 else None
        rows["scope"].append(
            {
                "key": scope_keys[scope.id],
                "id": scope.id,
                "parent": scope_keys[parent] if parent else None,
                "level": len(scope.path),
                "open": scope.open,
                "metadata_embargo": scope.metadata_embargo,
                "data_embargo": scope.data_embargo,
            }
        )
        for depth, above in enumerate(reversed(scope.path)):
            rows["scope_closure"].append(
                {"ancestor": scope_keys[above], "descendant": scope_keys[scope.id], "depth": depth}
            )
    mirrored: dict[str, list[dict[str, Any]]] = {}
    for position, record in enumerate(catalogue.records, 1):
        key = keys[record.id]
        rows["record"].append(
            {
                "key": key,
                "kind": record.kind,
                "source": record.source,
                "local_id": record.local,
                "scope": scope_keys[record.scope],
                "status": record.status,
                "revision": 1,
                "shown": 1,
                "hash": "h" + str(key),
                "merged_into": keys[record.merged_into] if record.merged_into else None,
                "reason": "a mistake" if record.status == "withdrawn" else None,
                "created_at": record.created,
                "modified_at": record.modified,
            }
        )
        rows["revision"].append(
            {
                "record": key,
                "number": 1,
                "body": orjson.dumps(record.body).decode(),
                "hash": "h" + str(key),
                "scope": scope_keys[record.scope],
                "quarantined": record.status == "quarantined",
                "at": record.created,
                "by": "someone",
            }
        )
        rows["change"].append(
            {
                "position": position,
                "record": key,
                "verb": "submit",
                "revision": 1,
                "at": record.created,
                "by": "someone",
            }
        )
        if record.status == "withdrawn":
            # Out of lists before, so that the feed has nothing to say of it.
            lay_in = catalogue.by_scope[record.scope]
            is_open = lay_in.open and (lay_in.metadata_embargo or PAST) <= NOW
            detail = {"from": "suppressed", "to": "withdrawn", "layIn": scope_keys[record.scope], "open": is_open}
            rows["change"].append(
                {
                    "position": len(catalogue.records) + position,
                    "record": key,
                    "verb": "withdraw",
                    "revision": 1,
                    "at": record.modified,
                    "by": "someone",
                    "detail": orjson.dumps(detail).decode(),
                }
            )
        if record.status == "quarantined":
            continue
        rows["linked"].append({"record": key, "document": orjson.dumps({"id": record.id, **record.body}).decode()})
        for link in record.links:
            rows["link"].append(
                {
                    "record": key,
                    "field": link.field,
                    "target": keys[link.to],
                    "role": link.role,
                    "port": link.port,
                    "order": link.order,
                }
            )
        for field_, name, low, high, kind in record.quantities:
            rows["quantity"].append(
                {
                    "record": key,
                    "field": field_,
                    "name": name,
                    "unit": "x",
                    "si_min": low,
                    "si_max": high,
                    "quantity_kind": kind,
                }
            )
        for name, value, term in record.attributes:
            rows["attribute"].append(
                {
                    "record": key,
                    "name": name,
                    "value": value,
                    "value_key": value and value[:64],
                    "term": term,
                    "origin": "submitted",
                }
            )
        for scheme, value in record.identifiers:
            rows["identifier"].append({"record": key, "scheme": scheme, "value": value, "is_primary": False})
        mirrored.setdefault(record.kind, []).append({"record": key, **_columns(record)})
    with store.write() as connection:
        for table in metadata.sorted_tables:
            # What a record became may come later in the list.
            mergings = [
                {"key": row["key"], "into": row.pop("merged_into")}
                for row in rows[table.name]
                if row.get("merged_into")
            ]
            if "place" in table.columns:
                for place, row in enumerate(rows[table.name]):
                    row["place"] = place
            for row in rows[table.name]:
                connection.execute(table.insert(), row)
            for merging in mergings:
                connection.execute(text("UPDATE record SET merged_into = :into WHERE key = :key"), merging)
        for kind, several in mirrored.items():
            table_name = connection.scalar(text('SELECT "table" FROM mirror WHERE kind = :kind'), {"kind": kind})
            for row in several:
                names = ", ".join(f'"{name}"' for name in row)
                connection.execute(
                    text(f'INSERT INTO "{table_name}" ({names}) VALUES ({", ".join(":" + name for name in row)})'), row
                )


def _columns(record: Plain) -> dict[str, Any]:
    title = record.body["title"]
    columns = {
        "title": title.get("en") or title.get("ja") or next(iter(title.values())),
        "title_en": title.get("en"),
        "title_ja": title.get("ja"),
    }
    if record.kind == "sample":
        columns["tissue"] = record.body.get("tissue")
        columns["collected_at"] = record.body.get("collectedAt")
        columns["collected_at_from"], columns["collected_at_until"] = record.collected or (None, None)
    if record.kind == "run":
        columns["plan_version"] = record.body.get("planVersion")
    if record.kind == "dataset":
        columns["size"] = record.body.get("size")
    return columns
