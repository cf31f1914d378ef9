"""Vocabularies from files: PaNET whole, SKOS, OWL; what a file says wins, and what it does not speak of stays."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from catalog.assembly import Catalog, open_catalog
from catalog.curation.sources import register_source
from catalog.curation.submit import submit
from catalog.curation.vocabularies import (
    Loaded,
    load_vocabulary,
    shipped_vocabularies,
)
from catalog.curation.vocabulary_files import Scheme, read_vocabulary
from catalog.errors import Malformed, NotFound
from catalog.questions.reader import ADMINISTRATOR, PUBLIC
from catalog.records.record import Submission
from catalog.settings import read_settings

PANET = "http://purl.org/pan-science/PaNET/"
EXAMPLES = Path(__file__).resolve().parents[3] / "schemas" / "examples"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Catalog]:
    """A catalogue with the source `panet` and nothing in it."""
    catalog = open_catalog(read_settings(data=tmp_path / "data"))
    catalog.scopes.create("panet", ADMINISTRATOR, title={"en": "p"}, mode="everyone")
    document = {
        "id": "panet",
        "title": {"en": "p"},
        "homeScope": "panet",
        "prefixes": {"panet": PANET, "v": "https://v/"},
    }
    register_source(document, ADMINISTRATOR, sources=catalog.sources, scopes=catalog.scopes)
    yield catalog
    catalog.close()


@pytest.fixture(scope="session")
def panet(test_data: Path) -> Scheme:
    return read_vocabulary((test_data / "ontologies" / "panet" / "source" / "PaNET.csv").read_bytes(), "robot")


def techniques() -> Scheme:
    (shipped,) = shipped_vocabularies()
    return read_vocabulary(shipped.file.read_bytes(), "turtle")


def loaded(catalog: Catalog, scheme: Scheme, **how: Any) -> Loaded:
    return load_vocabulary(scheme, "panet", ADMINISTRATOR, intake=catalog.intake, **how)


def body(catalog: Catalog, name: str) -> Mapping[str, Any]:
    found = catalog.ledger.body(f"term/panet/{name}")
    assert found is not None
    return found


def called(scheme: Scheme, name: str) -> set[str]:
    """The labels of what is directly above a term."""
    return {scheme.concepts[above].labels["en"] for above in scheme.concepts[PANET + name].broader}


def test_panet_is_read_with_what_its_definitions_imply(panet: Scheme) -> None:
    assert len(panet.concepts) == 383
    # Named as parents, as equivalents, and in intersections.
    assert called(panet, "PaNET01197") == {"x-ray absorption spectroscopy"}
    assert called(panet, "PaNET01196") == {"absorption spectroscopy", "x-ray absorption", "atomic core excitation"}
    assert called(panet, "PaNET01193") == {
        "dispersive technique",
        "x-ray probe technique",
        "spectroscopy",
        "atomic core excitation",
    }
    # By what defines them: x-rays are photons, diffraction is elastic scattering.
    assert called(panet, "PaNET01012") == {"photon probe technique"}
    assert called(panet, "PaNET01022") == {"elastic scattering"}
    # By the domain of the property that defines it.
    assert called(panet, "PaNET00003") == {"photon and neutron technique"}
    assert panet.concepts[PANET + "PaNET01022"].exact == ["https://www.wikidata.org/wiki/Q133900"]
    assert panet.concepts[PANET + "PaNET01188"].others == {"en": ["SAXS"]}
    assert panet.concepts[PANET + "PaNET01250"].labels == {"en": "high resolution neutron imaging"}
    told = [each.what for each in panet.left_out]
    assert told == [f"{PANET}PaNET01245: 'Neutron spectroscopy - Wikipedia'", "127 classes"]


def test_the_whole_of_panet_comes_in_once_and_is_the_same_afterwards(own: Catalog, panet: Scheme) -> None:
    assert dict(loaded(own, panet, dry_run=True).counts) == {"created": 383}
    assert own.ledger.last_position() == len(own.scopes.list(ADMINISTRATOR))
    first = loaded(own, panet)
    assert dict(first.counts) == {"created": 383}
    assert first.refused == []
    assert dict(loaded(own, panet).counts) == {"unchanged": 383}
    below = own.terms.below([PANET + "PaNET01196"])
    assert {PANET + f"PaNET0{number}" for number in (1197, 1198, 1199, 1321, 1322)} < below
    assert own.terms.called(["XAFS"]) == {"XAFS": (PANET + "PaNET01197",)}


def test_japanese_names_outlive_the_whole_vocabulary_in_either_order(own: Catalog, panet: Scheme) -> None:
    loaded(own, techniques(), fill=True)
    ours = body(own, "PaNET01012")["definition"]["en"]
    assert dict(loaded(own, panet).counts) == {"created": 307, "revised": 63, "unchanged": 13}
    assert body(own, "PaNET01197")["labels"] == {"en": "x-ray absorption fine structure", "ja": "X線吸収微細構造"}
    assert body(own, "PaNET01197")["alternateLabels"] == {"en": ["XAFS"], "ja": ["ザフス"]}
    assert body(own, "PaNET01022")["broader"] == ["term/panet/PaNET01020"]
    # PaNET's definition takes the place of ours in English; in Japanese ours stays.
    assert body(own, "PaNET01012")["definition"]["en"] != ours
    assert body(own, "PaNET01012")["definition"]["ja"] == "試料に当てるプローブがX線である手法。"
    # The selection again: it fills what is missing and moves nothing.
    assert dict(loaded(own, techniques(), fill=True).counts) == {"unchanged": 76}


def test_a_selection_fills_what_the_whole_does_not_say(own: Catalog, panet: Scheme) -> None:
    loaded(own, panet)
    before = body(own, "PaNET01012")
    loaded(own, techniques(), fill=True)
    after = body(own, "PaNET01012")
    assert after["labels"] == {"en": before["labels"]["en"], "ja": "X線プローブ法"}
    assert after["definition"]["en"] == before["definition"]["en"]
    assert after["broader"] == before["broader"] == ["term/panet/PaNET00100"]
    assert dict(loaded(own, panet).counts) == {"unchanged": 383}


def test_the_shipped_techniques_are_panets_and_agree_with_the_examples(panet: Scheme) -> None:
    shipped = techniques()
    assert 40 <= len(shipped.concepts) <= 80

    def all_above(scheme: Scheme, iri: str) -> set[str]:
        found: set[str] = set()
        waiting = [iri]
        while waiting:
            waiting += set(scheme.concepts[waiting[0]].broader) - found
            found |= set(scheme.concepts[waiting.pop(0)].broader)
        return found

    for iri, concept in shipped.concepts.items():
        theirs = panet.concepts[iri]
        assert concept.labels["en"] == theirs.labels["en"]
        assert set(concept.others.get("en", ())) == set(theirs.others.get("en", ()))
        assert concept.labels["ja"] != concept.labels["en"]
        assert concept.definition.keys() == {"en", "ja"}
        if iri != PANET + "PaNET00002":  # said by us, as the file's head tells
            assert set(concept.broader) <= all_above(panet, iri)
            assert all_above(panet, iri) & shipped.concepts.keys() <= all_above(shipped, iri)
    for path in (EXAMPLES / "good" / "term").glob("*.json"):
        example = json.loads(path.read_text("utf-8"))
        if example["source"] != "panet":
            continue
        told = example["body"]
        concept = shipped.concepts[told["identifiers"][0]["value"]]
        assert told["labels"] == concept.labels
        assert told["definition"] == concept.definition
        assert told["vocabulary"] == concept.scheme
        assert {PANET + link.rpartition("/")[2] for link in told.get("broader", ())} <= all_above(shipped, concept.iri)


SKOS = b"""
@prefix skos: <http://www.w3.org/2004/02/skos/core#> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix v: <https://v/> .
v:top a skos:Concept ; skos:prefLabel "top"@en, "\xe4\xb8\x8a"@ja ; skos:narrower v:low .
v:low a skos:Concept ; skos:prefLabel "low" ; skos:altLabel "deep"@en-us ; skos:notation "L" ; owl:deprecated true ;
  skos:definition "under"@zh-hans ; skos:closeMatch <https://w/low> ; skos:inScheme <https://v/scheme> .
v:class a owl:Class ; rdfs:label "class"@en ; rdfs:subClassOf v:top, owl:Thing, [ a owl:Restriction ] .
v:nameless a skos:Concept ; skos:broader v:top .
<https://outside/x> a skos:Concept ; skos:prefLabel "x"@en .
"""


def test_skos_and_owl_become_terms_and_what_cannot_is_told(own: Catalog) -> None:
    told = loaded(own, read_vocabulary(SKOS, "turtle"))
    assert dict(told.counts) == {"created": 3}
    assert body(own, "low") == {
        "title": {"en": "low"},
        "labels": {"en": "low"},
        "definition": {"zh-Hans": "under"},
        "alternateLabels": {"en-US": ["deep"]},
        "identifiers": [{"scheme": "iri", "value": "https://v/low", "primary": True}],
        "vocabulary": "https://v/scheme",
        "notation": "L",
        "broader": ["term/panet/top"],
        "closeMatch": ["https://w/low"],
        "deprecated": True,
    }
    assert body(own, "class")["broader"] == ["term/panet/top"]
    assert {each.what for each in told.left_out} == {"rdfs:subClassOf (1)", "https://v/nameless", "https://outside/x"}
    assert own.terms.below(["https://v/top"]) == {"https://v/top", "https://v/low", "https://v/class"}


def test_what_curators_added_stays_when_the_file_comes_again(own: Catalog) -> None:
    loaded(own, read_vocabulary(SKOS, "turtle"))
    curated = {**body(own, "top"), "broader": ["https://w/all"], "exactMatch": ["https://w/top"], "keywords": ["ours"]}
    curated["labels"] = {**curated["labels"], "fr": "haut"}
    submit([Submission("term", "panet", "top", curated)], ADMINISTRATOR, intake=own.intake)
    assert dict(loaded(own, read_vocabulary(SKOS, "turtle")).counts) == {"unchanged": 3}
    renamed = read_vocabulary(SKOS.replace(b'"top"@en', b'"summit"@en'), "turtle")
    assert dict(loaded(own, renamed).counts) == {"revised": 1, "unchanged": 2}
    assert body(own, "top")["labels"] == {"en": "summit", "ja": "上", "fr": "haut"}
    assert body(own, "top")["broader"] == ["https://w/all"]
    assert body(own, "top")["keywords"] == ["ours"]


def test_what_terms_say_already_is_looked_up_for_many_at_once(own: Catalog) -> None:
    prefixes = "@prefix s: <http://www.w3.org/2004/02/skos/core#> . @prefix v: <https://v/> .\n"
    many = prefixes + "".join(f'v:t{each} a s:Concept ; s:prefLabel "t{each}"@en .\n' for each in range(120))
    # Longer than what a look-up of many brings along.
    many += f'v:long a s:Concept ; s:prefLabel "long"@en ; s:definition "{"x" * 20_000}"@en .\n'
    scheme = read_vocabulary(many.encode(), "turtle")
    assert dict(loaded(own, scheme).counts) == {"created": 121}
    asked: list[str] = []

    def heard(_: Any, __: Any, statement: str, *___: Any) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", heard)
    try:
        told = loaded(own, scheme)
    finally:
        event.remove(Engine, "before_cursor_execute", heard)
    assert dict(told.counts) == {"unchanged": 121}
    assert 0 < len(asked) < 60


def test_a_ring_in_a_file_is_taken_in_and_told(own: Catalog) -> None:
    ring = b"""@prefix s: <http://www.w3.org/2004/02/skos/core#> . @prefix v: <https://v/> .
    v:a a s:Concept ; s:prefLabel "a" ; s:broader v:b . v:b a s:Concept ; s:prefLabel "b" ; s:broader v:a ."""
    told = loaded(own, read_vocabulary(ring, "turtle"))
    assert dict(told.counts) == {"created": 2}
    assert [each.what for each in told.left_out] == ["https://v/a → https://v/b → https://v/a"]
    assert own.terms.below(["https://v/a"]) == own.terms.below(["https://v/b"]) == {"https://v/a", "https://v/b"}


def test_what_is_a_term_of_another_source_already_is_not_made_a_second_time(own: Catalog) -> None:
    scheme = read_vocabulary(SKOS, "turtle")
    assert dict(loaded(own, scheme).counts) == {"created": 3}
    other = {"id": "other", "title": {"en": "o"}, "homeScope": "panet", "prefixes": {"w": "https://v/"}}
    register_source(other, ADMINISTRATOR, sources=own.sources, scopes=own.scopes)
    for dry_run in (True, False):
        told = load_vocabulary(scheme, "other", ADMINISTRATOR, intake=own.intake, dry_run=dry_run)
        assert dict(told.counts) == {}
        left = {each.what: each.why for each in told.left_out}
        assert "already as term/panet/top, of the source panet" in left["https://v/top"]["en"]
        assert "--source panet" in left["https://v/top"]["ja"]
    assert own.ledger.known(["term/other/top"]) == {}
    # Withdrawn there, it may be entered here; and the next file with both finds each where it is.
    own.ledger.withdraw("term/panet/top", "moved", by="me")
    assert dict(load_vocabulary(scheme, "other", ADMINISTRATOR, intake=own.intake).counts) == {"created": 1}
    own.ledger.restore("term/panet/top", by="me")
    assert dict(load_vocabulary(scheme, "other", ADMINISTRATOR, intake=own.intake).counts) == {"unchanged": 1}
    assert dict(loaded(own, scheme).counts) == {"unchanged": 3}


def test_who_may_not_write_is_refused_and_an_unknown_source_is_named(own: Catalog) -> None:
    told = load_vocabulary(read_vocabulary(SKOS, "turtle"), "panet", PUBLIC, intake=own.intake)
    assert dict(told.counts) == {"refused": 3}
    assert len(told.refused) == 3
    with pytest.raises(NotFound, match="nowhere"):
        load_vocabulary(read_vocabulary(SKOS, "turtle"), "nowhere", ADMINISTRATOR, intake=own.intake)


def test_terms_go_into_the_scope_that_is_named(own: Catalog) -> None:
    own.scopes.create("panet/drafts", ADMINISTRATOR, mode="limited")
    loaded(own, read_vocabulary(SKOS, "turtle"), scope="panet/drafts")
    assert own.ledger.known(["term/panet/top"])["term/panet/top"].scope == "panet/drafts"
    assert own.terms.below(["https://v/top"]) == {"https://v/top"}


@pytest.mark.parametrize(
    ("data", "form"), [(b"@prefix nonsense", "turtle"), (b"a,b\n1,2\n", "robot"), (b"\xff\xfe\x00", "robot")]
)
def test_a_file_that_is_something_else_is_refused(data: bytes, form: Any) -> None:
    with pytest.raises(Malformed):
        read_vocabulary(data, form)
