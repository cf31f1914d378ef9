"""Lists, counts and exports are asked for by terms: by one and what is below it, exactly, or by several; on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest

from catalog.access.scopes import Scopes
from catalog.access.sight import Sight
from catalog.discovery import export
from catalog.discovery.find import find
from catalog.errors import Invalid
from catalog.ledger.answer import Answers
from catalog.ledger.append import Ledger
from catalog.ledger.sources import Sources
from catalog.ledger.terms import Terms
from catalog.questions.parameters import question_from
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Reader
from catalog.questions.vocabulary import vocabulary_of
from catalog.records.record import Source
from tests.contract.ledgers import enter, entry, kinds, migrated
from tests.contract.test_terms import id_of, iri, term

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]


@dataclass(frozen=True)
class House:
    """A ledger, and somebody who asks."""

    ledger: Ledger
    answers: Answers

    def page(self, text: str, reader: Reader = PUBLIC) -> Any:
        pairs = parse_qsl(text + "&select=none", keep_blank_values=True)
        return find(question_from(pairs, self.answers.vocabulary), reader, answers=self.answers)

    def ids(self, text: str, reader: Reader = PUBLIC) -> list[str]:
        """The names of the records that are answered."""
        return [item["id"].rpartition("/")[2] for item in orjson.loads(self.page(text, reader).items)]


def experiment(name: str, *techniques: str, **more: Any) -> Any:
    body = {"title": {"en": name}, "techniques": [{"term": iri(each)} for each in techniques], **more}
    return entry(name, body, kind="experiment")


@pytest.fixture(params=BOTH)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    postgresql = request.param == "postgresql"
    address = request.getfixturevalue("postgresql") if postgresql else f"sqlite:///{tmp_path / 'catalogue.db'}"
    store = migrated(address)
    ledger = Ledger(store, kinds())
    ledger.mirrors.prepare()
    scopes = Scopes(store, follow=Terms(store).follow_scopes)
    scopes.create("lab", ADMINISTRATOR, mode="everyone")
    scopes.create("company", ADMINISTRATOR)
    sources = Sources(store)
    sources.register(Source("lab", 0, {"en": "l"}, "lab", {"v": iri(""), "w": "https://one/"}), by="t")
    sources.register(Source("other", 0, {"en": "o"}, "lab", {"v": iri(""), "w": "https://two/"}), by="t")
    terms = {"spectroscopy": term("spectroscopy"), "imaging": term("imaging")}
    terms |= {"xas": term("xas", id_of("spectroscopy")), "xafs": term("xafs", id_of("xas"))}
    terms |= {"mapping": term("mapping", id_of("spectroscopy"), id_of("imaging"))}
    enter(ledger, *(entry(name, body, kind="term") for name, body in terms.items()))
    enter(
        ledger,
        experiment("a", "xafs", samples=["sample/lab/s"]),
        experiment("b", "xas", "imaging"),
        experiment("c", "mapping", keywords=["xafs", {"term": iri("spectroscopy")}]),
        experiment("d", "elsewhere"),
        entry("e", {"title": {"en": "e"}}, kind="experiment"),
        entry("s", {"attributes": [{"name": "m", "value": "1", "term": {"term": iri("xafs")}}], "title": {"en": "s"}}),
        entry("t", {"title": {"en": "t"}}),
    )
    yield House(ledger, Answers(store, vocabulary_of(kinds(), sources.prefixes), Sight(store.database.name)))
    store.close()


def test_a_term_finds_what_is_below_it_and_exactly_only_itself(house: House) -> None:
    of = "kind=experiment&techniques"
    assert house.ids(f"{of}=v:spectroscopy") == ["a", "b", "c"]
    assert house.ids(f"{of}={iri('spectroscopy')}") == ["a", "b", "c"]
    assert house.ids(f"{of}.exactly=v:spectroscopy") == []
    assert house.ids(f"{of}.exactly=v:xas") == ["b"]
    assert house.ids(f"{of}=v:elsewhere") == ["d"]  # a term that nobody has described
    assert house.ids(f"{of}=v:unheard-of") == []
    assert house.ids("not.techniques=v:xas&kind=experiment") == ["c", "d", "e"]
    assert house.page(f"{of}=v:spectroscopy&count=exact").total == 3


def test_several_terms_are_any_of_them_or_all_of_them(house: House) -> None:
    of = "kind=experiment&techniques"
    assert house.ids(f"{of}=v:xafs&techniques=v:imaging") == ["a", "b", "c"]
    assert house.ids(f"{of}.in=v:xafs,v:imaging") == ["a", "b", "c"]
    assert house.ids(f"{of}.all=v:spectroscopy,v:imaging") == ["b", "c"]
    assert house.ids(f"{of}.all=v:xas,v:imaging") == ["b"]


def test_a_field_of_terms_may_be_asked_whether_it_has_any(house: House) -> None:
    assert house.ids("kind=experiment&techniques.exists=false") == ["e"]
    assert house.ids("kind=experiment&keywords.exists=true") == ["c"]


def test_any_field_is_asked_by_term(house: House) -> None:
    assert house.ids("term=v:spectroscopy") == ["a", "b", "c", "s"]
    assert house.ids("term.exactly=v:spectroscopy") == ["c"]
    assert house.ids("kind=sample&term=v:xas") == ["s"]
    assert house.ids("kind=experiment&keywords=v:spectroscopy") == ["c"]


def test_an_attributes_term_is_this_one_or_below(house: House) -> None:
    assert house.ids("attribute.m.term=v:xas") == ["s"]
    assert house.ids("attribute.m.term.exactly=v:xas") == []
    assert house.ids("attribute.m.term.exactly=v:xafs") == ["s"]


def test_records_at_the_other_end_of_a_link_are_asked_by_their_terms(house: House) -> None:
    asked = "kind=sample&incoming.samples.kind=experiment&incoming.samples.from.techniques="
    assert house.ids(asked + "v:spectroscopy") == ["s"]
    assert house.ids(asked + "v:imaging") == []
    assert house.ids("kind=experiment&techniques=v:xas&sort=-title") == ["b", "a"]


def test_an_export_is_of_what_is_below_the_term(house: House) -> None:
    question = question_from([("kind", "experiment"), ("techniques", "v:xas")], house.answers.vocabulary)
    lines = b"".join(export.records(question, PUBLIC, answers=house.answers)).splitlines()
    assert [orjson.loads(line)["id"] for line in lines] == ["experiment/lab/a", "experiment/lab/b"]


def test_a_hidden_term_changes_nobodys_answer(house: House) -> None:
    before = house.ids("techniques=v:imaging&kind=experiment", ADMINISTRATOR)
    enter(house.ledger, entry("xas", term("xas", id_of("imaging")), kind="term", into="lab"))
    assert house.ids("techniques=v:imaging&kind=experiment") == ["a", "b", "c"]
    house.ledger.move(id_of("xas"), "company", by="t")
    assert house.ids("techniques=v:imaging&kind=experiment") == before == ["b", "c"]
    assert house.ids("techniques=v:imaging&kind=experiment", ADMINISTRATOR) == before


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("techniques=pan:x", "no such prefix"),
        ("techniques=xafs", "prefix and its name"),
        ("techniques=w:x", "each to another source"),
        ("techniques.prefix=v:x", "no such operator"),
        ("term.exists=true", "no such operator"),
        ("techniques=term/lab/xas", "prefix and its name"),
        ("techniques.in=", "prefix and its name"),
        ("sort=techniques", "techniques"),
    ],
)
def test_what_is_no_term_is_refused_with_what_is_meant(house: House, asked: str, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        house.ids(f"kind=experiment&{asked}")
    assert said in refused.value.messages["en"]
    assert refused.value.messages["ja"] != refused.value.messages["en"]
