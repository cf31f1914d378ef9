"""What is told beside records in lists: as each record alone tells it, to whoever asks, and asked for together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from graphql import GraphQLSchema, parse, validate
from sqlalchemy import Engine, event

from catalog.access.scopes import Scopes
from catalog.access.sight import Sight
from catalog.discovery.files import FilePage, files
from catalog.discovery.history import history, revisions_of_each
from catalog.errors import CatalogError, NotFound
from catalog.ledger.answer import Answers
from catalog.ledger.append import Ledger
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Grant, Reader
from catalog.questions.vocabulary import vocabulary_of
from catalog.records.record import Actor
from catalog.web.graphql.context import Context
from catalog.web.graphql.documents import Document
from catalog.web.graphql.execute import execute
from catalog.web.graphql.schema import schema_of
from tests.contract.ledgers import entry, kinds, migrated

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]
SCOPES = ("open", "open/later", "open/asked", "shut", "shut/in")
READERS = (
    PUBLIC,
    Reader("person:reads", (Grant("read", "shut"),)),
    Reader("person:downloads", (Grant("download", "shut/in"), Grant("download", "open/asked"))),
    Reader("person:both", (Grant("read", "shut"), Grant("download", "shut"))),
    Reader("person:writes", (Grant("write", "open/later"), Grant("write", "shut/in"))),
    ADMINISTRATOR,
)
FILES = """files(first: 2, after: $after) { totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  nodes { path size mediaType checksums { algorithm value } locations { address state } } }"""
REVISIONS = """revisions(first: 2, after: $after) { pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  nodes { number at profile scope hash shown quarantined expunged by agent } }"""
LISTED = (
    f'query($after: String) {{ datasets(first: 1000, statuses: ["public", "draft"]) {{ nodes {{ id {FILES} }} }} }}'
)
NAMED = f"query($after: String, $ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Record {{ id {FILES} }} }} }}"


@dataclass
class House:
    """A catalogue of datasets with files, and the statements that are put to it."""

    ledger: Ledger
    scopes: Scopes
    answers: Answers
    schema: GraphQLSchema
    heard: list[str] = field(default_factory=list)

    def enter(self, local_id: str, scope: str, number_of_files: int, **told: Any) -> str:
        """A dataset; its id."""
        listed = tuple(
            {
                "path": f"scan/{number}.h5",
                "size": number,
                "checksums": [{"algorithm": "sha256", "value": f"{number:064x}"}],
                "locations": [{"address": f"https://store.example/{local_id}/{place}"} for place in range(number)],
            }
            for number in range(number_of_files)
        )
        made = entry(local_id, {"title": {"en": local_id}}, kind="dataset", into=scope, files=listed, **told)
        (outcome,) = self.ledger.append([made], by=Actor("person:w"))
        assert outcome.outcome in ("created", "revised"), outcome
        return f"dataset/lab/{local_id}"

    def say(self, local_id: str, title: str, scope: str, **told: Any) -> str:
        """A revision of a dataset; its id."""
        made = entry(local_id, {"title": {"en": title}}, kind="dataset", into=scope, **told)
        (outcome,) = self.ledger.append([made], by=Actor("person:w"))
        assert outcome.outcome in ("created", "revised", "quarantined"), outcome
        return f"dataset/lab/{local_id}"

    def asked(self, query: str, reader: Reader, **variables: Any) -> Any:
        """What GraphQL answers."""
        ast = parse(query)
        assert not validate(self.schema, ast)
        catalog = SimpleNamespace(
            kinds=kinds(),
            vocabulary=self.answers.vocabulary,
            answers=self.answers,
            scopes=self.scopes,
            cursor_key=bytes(32),
        )
        context = Context(SimpleNamespace(catalog=catalog), SimpleNamespace(reader=reader))  # type: ignore[arg-type]
        document = Document(query, ast, {None: ast.definitions[0]}, {})  # type: ignore[dict-item]
        answer = orjson.loads(execute(self.schema, document, document.operation(None), variables, context).body)
        assert "errors" not in answer, answer
        return answer["data"]

    def statements(self, query: str, reader: Reader, **variables: Any) -> int:
        """How often the database is asked something for an answer."""
        self.asked(query, reader, **variables)
        self.heard.clear()
        self.asked(query, reader, **variables)
        return sum(each.lstrip().startswith(("SELECT", "WITH")) for each in self.heard)


@pytest.fixture(params=BOTH)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    postgresql = request.param == "postgresql"
    address = request.getfixturevalue("postgresql") if postgresql else f"sqlite:///{tmp_path / 'catalogue.db'}"
    heard: list[str] = []

    def listen(connection: Any, _: Any) -> None:
        connection.set_trace_callback(heard.append)

    if not postgresql:
        event.listen(Engine, "connect", listen)
    store = migrated(address)
    try:
        ledger = Ledger(store, kinds())
        ledger.mirrors.prepare()
        scopes = Scopes(store)
        scopes.create("open", ADMINISTRATOR, mode="everyone", title={"en": "Open"})
        scopes.create("open/later", ADMINISTRATOR, data_until="2999-01-01T00:00:00Z", title={"en": "Later"})
        scopes.create("open/asked", ADMINISTRATOR, data_mode="approval")
        scopes.create("shut", ADMINISTRATOR, title={"en": "Shut"})
        scopes.create("shut/in", ADMINISTRATOR, title={"en": "In"})
        answers = Answers(store, vocabulary_of(kinds()), Sight(store.database.name))
        yield House(ledger, scopes, answers, schema_of(kinds()), heard)
    finally:
        if not postgresql:
            event.remove(Engine, "connect", listen)
        store.close()


def _alone(house: House, id: str, reader: Reader, after: str | None) -> Any:
    """What the surface for one dataset's files tells of them."""
    try:
        found = files(id, reader, answers=house.answers, scopes=house.scopes, after=after, limit=2)
    except CatalogError:
        return None
    if not isinstance(found, FilePage) or not found.count:
        return None
    nodes = [
        {
            "path": one["path"],
            "size": one.get("size"),
            "mediaType": one.get("mediaType"),
            "checksums": one.get("checksums"),
            "locations": [{"address": each["address"], "state": "online"} for each in one["locations"]]
            if "locations" in one
            else None,
        }
        for one in found.items
    ]
    info = {
        "hasNextPage": found.next is not None,
        "hasPreviousPage": after is not None,
        "startCursor": nodes[0]["path"] if nodes else None,
        "endCursor": nodes[-1]["path"] if nodes else None,
    }
    return {"totalCount": found.count, "pageInfo": info, "nodes": nodes}


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.id)
def test_the_files_of_listed_datasets_are_told_to_whom_each_alone_tells_them(house: House, reader: Reader) -> None:
    ids = [
        house.enter(f"d{place}-{number}", scope, number)
        for place, scope in enumerate(SCOPES)
        for number in (0, 1, 2, 3)
    ]
    draft = house.enter("draft", "open", 2, status="draft")
    gone, copy = house.enter("gone", "open", 2), house.enter("copy", "open", 2)
    house.ledger.withdraw(gone, "spoilt", by=Actor("person:w"))
    house.ledger.merge(copy, ids[3], by=Actor("person:w"))
    every = [*ids, draft, gone, copy, ids[1], "dataset/lab/never"]
    given = 0
    for after in (None, "scan/0.h5", "scan/9"):
        expected = {id: _alone(house, id, reader, after) for id in every}
        listed = house.asked(LISTED, reader, after=after)["datasets"]["nodes"]
        assert {one["id"]: one["files"] for one in listed} == {one["id"]: expected[one["id"]] for one in listed}
        named = house.asked(NAMED, reader, after=after, ids=every)["nodes"]
        assert [None if one is None else one["files"] for one in named] == [
            expected[id] if one is not None else None for id, one in zip(every, named, strict=True)
        ]
        given += sum(one is not None and one["files"] is not None for one in named)
    # The open ones are for everyone: of four datasets those of one, two and three files, one of them asked for twice.
    assert given >= 3 * 4
    assert (given == 3 * 4) == (reader == PUBLIC or reader.id == "person:reads")


def _past(house: House, id: str, reader: Reader, before: int | None) -> Any:
    """What the history of one record tells of its revisions."""
    try:
        found = history(id, reader, answers=house.answers, before=before, limit=2)
    except CatalogError:
        return None
    nodes = [{name: getattr(one, name) for name in one.__dataclass_fields__} for one in found.revisions]
    last = nodes[-1]["number"] if nodes else None
    end = found.next if found.next is not None else last
    info = {
        "hasNextPage": found.next is not None,
        "hasPreviousPage": before is not None,
        "startCursor": str(nodes[0]["number"]) if nodes else None,
        "endCursor": None if end is None else str(end),
    }
    return {"pageInfo": info, "nodes": nodes}


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.id)
def test_the_revisions_of_listed_records_are_told_to_whom_each_alone_tells_them(house: House, reader: Reader) -> None:
    ids = []
    for place, scope in enumerate(SCOPES):
        # One that was a draft first, one that lay elsewhere before, one that is doubtful by now.
        for number in (1, 3):
            ids += [house.say(f"r{place}-{number}", f"{revision}", scope) for revision in range(number)]
        house.say(f"was-draft{place}", "first", scope, status="draft")
        house.say(f"was-draft{place}", "second", scope)
        ids.append(house.say(f"was-draft{place}", "third", scope, status="public"))
        house.say(f"moved{place}", "there", "shut")
        house.ledger.move(f"dataset/lab/moved{place}", scope, by=Actor("person:w"))
        ids.append(house.say(f"moved{place}", "here", scope))
        house.say(f"doubted{place}", "well", scope)
        ids.append(house.say(f"doubted{place}", "not so", scope, breaks="kind"))
    draft = house.say("draft", "first", "open", status="draft")
    gone, copy = house.say("gone", "g", "open"), house.say("copy", "c", "open/later")
    house.ledger.withdraw(gone, "spoilt", by=Actor("person:w"))
    house.ledger.merge(copy, ids[0], by=Actor("person:w"))
    every = [*dict.fromkeys(ids), draft, gone, copy, ids[1], "dataset/lab/never"]
    asked = f"query($after: String, $ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Record {{ id {REVISIONS} }} }} }}"
    seen: set[tuple[str, int]] = set()
    for before in (None, 3, 2, 1):
        after = None if before is None else str(before)
        named = house.asked(asked, reader, after=after, ids=every)["nodes"]
        for id, one in zip(every, named, strict=True):
            if one is not None:
                assert one["revisions"] == _past(house, id, reader, before)
                seen.update((id, each["number"]) for each in one["revisions"]["nodes"])
        # Also of what is listed nowhere, to whom its history is told.
        told = revisions_of_each(every, reader, answers=house.answers, before=before, limit=2)
        for id in every:
            alone = _past(house, id, reader, before)
            assert (id in told) == (alone is not None)
            if alone is not None:
                assert [each.number for each in told[id][0]] == [each["number"] for each in alone["nodes"]]
    assert ("dataset/lab/was-draft0", 3) in seen
    assert (("dataset/lab/was-draft0", 1) in seen) == reader.administrator
    assert (("dataset/lab/moved0", 1) in seen) == (Grant("read", "shut") in reader.grants or reader.administrator)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.id)
def test_rights_and_the_titles_of_scopes_are_those_of_each_scope_alone(house: House, reader: Reader) -> None:
    scope_of = {house.enter(f"d{place}", scope, 0): scope for place, scope in enumerate(SCOPES)}

    def title(id: str) -> str | None:
        try:
            return house.scopes.find(id, reader).title.get("en")
        except NotFound:
            return None

    asked = "{ datasets(first: 1000) { nodes { id myRights scope { id path { id title } } } } }"
    listed = house.asked(asked, reader)["datasets"]["nodes"]
    assert {"dataset/lab/d0", "dataset/lab/d1"} <= {one["id"] for one in listed}
    for one in listed:
        scope = scope_of[one["id"]]
        assert one["scope"]["id"] == scope
        assert [step["id"] for step in one["scope"]["path"]] == [scope.partition("/")[0], scope][: 1 + scope.count("/")]
        assert [step["title"] for step in one["scope"]["path"]] == [title(step["id"]) for step in one["scope"]["path"]]
        assert one["myRights"] == list(house.scopes.may(house.scopes.find(scope, reader), reader))


@pytest.mark.parametrize(
    ("selected", "most"),
    [
        (FILES, 7),
        (REVISIONS, 4),
        ("myRights", 2),
        ("scope { path { title } }", 2),
    ],
    ids=["files", "revisions", "rights", "titles"],
)
@pytest.mark.parametrize("reader", [PUBLIC, ADMINISTRATOR], ids=lambda reader: reader.id)
@pytest.mark.parametrize("house", ["sqlite"], indirect=True)
def test_what_is_told_beside_records_takes_as_many_statements_for_forty_as_for_two(
    house: House, selected: str, most: int, reader: Reader
) -> None:
    variables = "($after: String)" if "$after" in selected else ""
    query = f"query{variables} {{ datasets(first: 1000) {{ nodes {{ id {selected} }} }} }}"
    for number in range(2):
        house.enter(f"few{number}", "open", 3)
    few = house.statements(query, reader)
    for number in range(38):
        house.scopes.create(f"open/s{number}", ADMINISTRATOR)
        house.enter(f"many{number}", f"open/s{number}", 3)
    assert len(house.asked(query, reader)["datasets"]["nodes"]) == 40
    assert house.statements(query, reader) == few <= most
