"""Records are asked for by what stands in the objects and lists of their bodies; on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from catalog.access.scopes import Scopes
from catalog.access.sight import Sight
from catalog.discovery.find import find
from catalog.errors import Invalid
from catalog.ledger.answer import Answers
from catalog.ledger.append import Ledger
from catalog.ledger.sources import Sources
from catalog.ledger.terms import Terms
from catalog.questions.check import check
from catalog.questions.question import And, Condition, Holds, Inside, Not, Question, Selection
from catalog.questions.reader import ADMINISTRATOR, PUBLIC
from catalog.questions.vocabulary import vocabulary_of
from catalog.records.record import Source
from tests.contract.ledgers import enter, entry, kinds, migrated

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]
SAMPLES: dict[str, dict[str, Any]] = {
    "mouse": {
        "organism": {"taxId": 10090, "name": "Mus musculus"},
        "place": {"name": {"en": "Kobe", "ja": "神戸"}, "country": "JP", "lat": 34.69, "long": 135.2},
        "hazards": ["toxic", "it's 100 % flammable"],
    },
    "rice": {"organism": {"taxId": 4530, "name": "Oryza sativa"}, "place": {"name": {"ja": "新潟"}, "country": "JP"}},
    "mixture": {
        "components": [{"name": "iron", "formula": "Fe"}, {"name": "oxygen", "formula": "O2"}],
        "place": {"country": "DE", "lat": 53.58},
    },
    "alloy": {"components": [{"name": "iron", "formula": "Ni"}], "hazards": ["toxic"]},
    "plain": {},
}
RUNS: dict[str, dict[str, Any]] = {
    "spot": {"environment": {"provider": "aws", "spot": True, "nodes": ["a1", "a2"]}},
    "owned": {"environment": {"provider": "own", "spot": False}},
}


@pytest.fixture(params=BOTH)
def answers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Answers]:
    postgresql = request.param == "postgresql"
    address = request.getfixturevalue("postgresql") if postgresql else f"sqlite:///{tmp_path / 'catalogue.db'}"
    store = migrated(address)
    ledger = Ledger(store, kinds())
    ledger.mirrors.prepare()
    Scopes(store, follow=Terms(store).follow_scopes).create("lab", ADMINISTRATOR, mode="everyone")
    sources = Sources(store)
    sources.register(Source("lab", 0, {"en": "l"}, "lab"), by="t")
    for kind, records in (("sample", SAMPLES), ("run", RUNS)):
        enter(ledger, *(entry(name, {"title": {"en": name}, **body}, kind=kind) for name, body in records.items()))
    yield Answers(store, vocabulary_of(kinds(), sources.prefixes), Sight(store.database.name))
    store.close()


def ids(answers: Answers, where: Condition, kind: str = "sample") -> set[str]:
    question = check(Question((kind,), where, selection=Selection()), answers.vocabulary)
    found = orjson.loads(find(question, PUBLIC, answers=answers).items)
    return {item["id"].rpartition("/")[2] for item in found}


def inside(field: str, *path: str, **asked: Any) -> Holds:
    language = asked.pop("language", None)
    ((operator, value),) = asked.items()
    return Holds(field, (Inside(path, operator.rstrip("_"), value, language),))  # type: ignore[arg-type]


def test_an_object_is_asked_for_by_what_stands_in_it(answers: Answers) -> None:
    assert ids(answers, inside("organism", "taxId", eq=10090)) == {"mouse"}
    assert ids(answers, inside("organism", "taxId", in_=(10090, 4530))) == {"mouse", "rice"}
    assert ids(answers, inside("organism", "taxId", lt=10000)) == {"rice"}
    assert ids(answers, inside("organism", "name", prefix="Mus")) == {"mouse"}
    assert ids(answers, inside("place", "country", ne="JP")) == {"mixture"}
    assert ids(answers, inside("place", "lat", ge=34.69)) == {"mouse", "mixture"}
    assert ids(answers, inside("environment", "spot", eq=True), "run") == {"spot"}
    assert ids(answers, inside("environment", "spot", eq=False), "run") == {"owned"}
    assert ids(answers, inside("environment", "nodes", in_=("a2", "b")), "run") == {"spot"}


def test_texts_in_an_object_are_read_as_texts_are(answers: Answers) -> None:
    assert ids(answers, inside("place", "name", eq="Kobe")) == {"mouse"}
    assert ids(answers, inside("place", "name", eq="神戸")) == set()
    assert ids(answers, inside("place", "name", eq="神戸", language="ja")) == {"mouse"}
    assert ids(answers, inside("place", "name", eq="新潟")) == {"rice"}


def test_one_object_of_a_list_has_all_that_is_asked_together(answers: Answers) -> None:
    iron, nickel = Inside(("name",), "eq", "iron"), Inside(("formula",), "eq", "Ni")
    assert ids(answers, Holds("components", (iron,))) == {"mixture", "alloy"}
    assert ids(answers, Holds("components", (iron, nickel))) == {"alloy"}
    apart = And((inside("components", "name", eq="oxygen"), inside("components", "formula", eq="Fe")))
    assert ids(answers, apart) == {"mixture"}
    assert (
        ids(answers, Holds("components", (Inside(("name",), "eq", "oxygen"), Inside(("formula",), "eq", "Fe"))))
        == set()
    )


def test_items_of_a_list_are_asked_for_themselves(answers: Answers) -> None:
    assert ids(answers, inside("hazards", eq="toxic")) == {"mouse", "alloy"}
    assert ids(answers, inside("hazards", prefix="it's 100 %")) == {"mouse"}


def test_what_is_not_there_is_asked_for(answers: Answers) -> None:
    assert ids(answers, Holds("place")) == {"mouse", "rice", "mixture"}
    assert ids(answers, Not(Holds("place"))) == {"alloy", "plain"}
    assert ids(answers, Holds("place", (Inside(("lat",), "missing"),))) == {"rice"}
    assert ids(answers, Holds("place", (Inside(("lat",), "exists"), Inside(("country",), "eq", "DE")))) == {"mixture"}
    assert ids(answers, Not(inside("hazards", eq="toxic"))) == {"rice", "mixture", "plain"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (inside("place", "city", eq="Kobe"), "place.country"),
        (inside("place", "lat", eq="34"), "not a number"),
        (inside("place", "country", eq="JP", language="ja"), "language"),
        (Holds("place", (Inside(("lat",), "exists", 1),)), "no value"),
        (Holds("title"), "cannot be compared"),
    ],
)
def test_a_member_that_is_not_there_to_be_asked_for_is_refused(asked: Condition, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        check(Question(("sample",), asked), vocabulary_of(kinds()))
    assert said in str(refused.value)


def test_what_only_writers_are_told_and_what_may_name_a_hidden_record_cannot_be_asked_for() -> None:
    vocabulary = vocabulary_of(kinds())
    for kind, asked in (
        ("agent", inside("contact", "email", exists=None)),
        ("run", inside("timeline", "by", eq="agent/a/b")),
    ):
        with pytest.raises(Invalid):
            check(Question((kind,), asked), vocabulary)
