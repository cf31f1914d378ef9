"""Search over the sample catalogue: what a list finds, a search finds; and nothing that its reader may not see."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from catalog.assembly import Catalog, open_catalog
from catalog.cli.installation import fill_sample
from catalog.cli.progress import Progress
from catalog.curation.sources import register_source
from catalog.curation.submit import submit
from catalog.curation.verbs import merge, suppress
from catalog.discovery import search as searching
from catalog.errors import Invalid, Unavailable
from catalog.questions.question import (
    And,
    Attributed,
    Compare,
    Condition,
    Dated,
    Exists,
    Identified,
    InScope,
    Linked,
    Measured,
    Missing,
    Not,
    OfRecord,
    Or,
    Order,
    Question,
    Selection,
    Termed,
)
from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Grant, Reader
from catalog.questions.search import CURSOR_SECONDS, Histogram, SearchPage, SearchQuestion
from catalog.records.record import Submission
from catalog.settings import read_settings

INSIDE = Reader("inside", (Grant("read", "spring8"), Grant("write", "spring8/2026A1234")))
READERS = (PUBLIC, INSIDE, ADMINISTRATOR)
NAMES = Selection()


BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    catalog = open_catalog(read_settings(data=tmp_path_factory.mktemp("search") / "data"))
    try:
        fill_sample(catalog, Progress("", asked=False))
        catalog.follower().catch_up()
        yield catalog
    finally:
        catalog.close()


@pytest.fixture(params=BOTH)
def own(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """A catalogue that a test may change, on each database."""
    data = tmp_path_factory.mktemp("own") / "data"
    on = {"database": str(request.getfixturevalue("postgresql"))} if request.param == "postgresql" else {}
    catalog = open_catalog(read_settings(data=data, **on))
    try:
        catalog.scopes.create("lab", ADMINISTRATOR, mode="everyone")
        catalog.scopes.create("lab/secret", ADMINISTRATOR, mode="limited")
        told = {"id": "lab", "title": {"en": "Lab"}, "homeScope": "lab"}
        register_source(told, ADMINISTRATOR, sources=catalog.sources, scopes=catalog.scopes)
        yield catalog
    finally:
        catalog.close()


def put(catalog: Catalog, local: str, title: str, *, kind: str = "sample", scope: str = "lab", **body: Any) -> str:
    told = {"title": {"en": title}, **body}
    (outcome,) = submit(
        [Submission(kind, "lab", local, told, scope=scope)],
        ADMINISTRATOR,
        intake=catalog.intake,
    )
    assert outcome.outcome in ("created", "updated"), outcome
    return f"{kind}/lab/{local}"


def search(catalog: Catalog, text: str = "", reader: Reader = PUBLIC, **asked: Any) -> SearchPage:
    question = asked.pop("question", Question(selection=NAMES))
    return searching.search(
        SearchQuestion(text, question, **asked), reader, index=catalog.index, answers=catalog.answers
    )


def ids(page: SearchPage) -> list[str]:
    return [hit.id for hit in page.hits]


def every_id(catalog: Catalog, question: Question, reader: Reader) -> set[str]:
    asked = SearchQuestion("", replace(question, selection=NAMES), first=100)
    found: set[str] = set()
    while True:
        page = searching.search(asked, reader, index=catalog.index, answers=catalog.answers)
        found.update(ids(page))
        if page.next is None:
            assert len(found) == page.total
            return found
        asked = replace(asked, after=page.next)


def listed(catalog: Catalog, question: Question, reader: Reader) -> set[str]:
    return {item.at.id for item in catalog.answers.each(replace(question, selection=NAMES), reader)}


# ------------------------------------------------------------------------------------- the same as a list


class Drawing:
    """Conditions that hold for some records of the catalogue, drawn from what its records say."""

    def __init__(self, catalog: Catalog, seed: int) -> None:
        self.chance = random.Random(seed)
        self.catalog = catalog
        whole = Selection(body=True)
        self.records = [
            orjson.loads(item.text) for item in catalog.answers.each(Question(selection=whole), ADMINISTRATOR)
        ]

    def question(self) -> Question:
        record = self.chance.choice(self.records)
        kinds = self.chance.choice(((record["kind"],), (record["kind"],), ()))
        return Question(kinds, self.condition(record, bool(kinds), 2))

    def condition(self, record: dict[str, Any], one_kind: bool, depth: int) -> Condition:
        if depth and self.chance.random() < 0.45:
            parts = tuple(
                self.condition(self.chance.choice([record, self.like(record)]), one_kind, depth - 1) for _ in "ab"
            )
            return self.chance.choice((And(parts), Or(parts), Not(parts[0]), And((parts[0], Not(parts[1])))))
        ways = self.of_any(record) + (self.of_fields(record) if one_kind else [])
        return self.chance.choice(ways)

    def like(self, record: dict[str, Any]) -> dict[str, Any]:
        return self.chance.choice([each for each in self.records if each["kind"] == record["kind"]])

    def of_any(self, record: dict[str, Any]) -> list[Condition]:
        body = record["body"]
        ways: list[Condition] = [
            OfRecord("source", "eq", record["source"]),
            OfRecord("id", "in", (record["id"], "sample/nowhere/x")),
            OfRecord("localId", "eq", record["id"].split("/", 2)[2]),
            OfRecord("id", "prefix", record["id"][:-1]),
            OfRecord("modified", "ge", record["modified"]),
            OfRecord("created", "lt", record["created"]),
            InScope(record["scope"]),
            InScope(record["scope"].partition("/")[0], below=False),
        ]
        if record.get("profile"):
            ways.append(OfRecord("profile", "eq", record["profile"]))
        for each in body.get("identifiers", ()):
            ways += [
                Identified(each["value"]),
                Identified(each["value"], each["scheme"]),
                Identified(each["value"], "none"),
            ]
        for each in body.get("attributes", ()):
            ways += [
                Attributed(each["name"]),
                Measured(each["name"], "attribute"),
                Measured(each["name"], "anywhere", 0.0),
            ]
            if isinstance(each.get("value"), str):
                ways += [
                    Attributed(each["name"], "eq", each["value"]),
                    Attributed(each["name"], "prefix", each["value"][:3]),
                ]
        for each in body.get("conditions", ()):
            low = self.chance.choice((None, 1e-15, 100.0, 0.001))
            ways += [Measured(each["name"], "condition", low, self.chance.choice((None, 1e4)))]
            ways += [Measured(each["name"], "condition", low, None, (kind,)) for kind in ("Energy", "Temperature")]
        ways.append(Termed(None, ("http://purl.org/pan-science/PaNET/PaNET01196",), self.chance.random() < 0.5))
        return ways

    def of_fields(self, record: dict[str, Any]) -> list[Condition]:
        ways: list[Condition] = []
        words = self.catalog.vocabulary.kinds[record["kind"]]
        for name, value in record["body"].items():
            field = words.fields[name]
            if field.private:
                continue
            match field.sort:
                case "string" | "term" | "number" | "integer" | "boolean":
                    plain = value["term"] if isinstance(value, dict) else value
                    if isinstance(plain, str) and field.sort == "term":
                        continue  # written with a prefix here, as an IRI there
                    ways += [Compare(name, "eq", plain), Compare(name, "ne", plain), Exists(name)]
                    if field.sort != "boolean":
                        ways += [Compare(name, "in", (plain,)), Compare(name, self.chance.choice(("lt", "ge")), plain)]
                case "text":
                    text = next(iter(value.values()))
                    ways += [Compare(name, "eq", text), Compare(name, "prefix", text[:4]), Exists(name)]
                case "date":
                    start = f"{self.chance.randint(2019, 2027)}-0{self.chance.randint(1, 9)}-01T00:00:00.000000Z"
                    later = f"{self.chance.randint(2026, 2028)}-01-01T00:00:00.000000Z"
                    ways += [Dated(name, "overlaps", start, later), Dated(name, "overlaps", start), Exists(name)]
                    ways += [Dated(name, "before", start), Dated(name, "after", None, start), Missing(name)]
                    ways += [Missing(name, "not collected"), Dated(name, "overlaps")]
                case "quantity":
                    ways += [
                        Measured(name),
                        Measured(name, "field", 0.0, 1.0),
                        Measured(name, "field", None, 1e-3),
                        Exists(name),
                    ]
                case "terms":
                    ways += [Exists(name), Termed(name, ("http://purl.org/pan-science/PaNET/PaNET01012",))]
                    if field.words:
                        ways += [Compare(name, "eq", each) for each in value if isinstance(each, str)]
                case "strings":
                    ways += [Exists(name), Compare(name, "eq", value[-1]), Compare(name, "in", (value[0], "none"))]
                case "link":
                    targets = tuple(each if isinstance(each, str) else each["to"] for each in value)
                    ways += [
                        Linked(name, targets=targets),
                        Exists(name),
                        Linked(name, "out", targets[:1], role="measured"),
                    ]
                    ways += [Linked(name, kinds=("sample",)), Linked(name, "out", targets, kinds=("sample", "agent"))]
                    ways += [
                        Linked(name, where=OfRecord("source", "eq", "spring8")),
                        Linked(name, "out", (), "measured"),
                    ]
        return ways or [OfRecord("source", "eq", record["source"])]


@pytest.mark.service
def test_on_postgresql_lists_and_searches_agree_too(postgresql: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    catalog = open_catalog(read_settings(data=tmp_path_factory.mktemp("server") / "data", database=postgresql))
    try:
        fill_sample(catalog, Progress("", asked=False))
        catalog.follower().catch_up()
        agree(catalog, 99, 20)
    finally:
        catalog.close()


@pytest.mark.parametrize("seed", range(8))
def test_the_same_conditions_find_the_same_records_in_lists_and_in_searches(catalogue: Catalog, seed: int) -> None:
    agree(catalogue, seed, 15)


def agree(catalog: Catalog, seed: int, count: int) -> None:
    drawing = Drawing(catalog, seed)
    for _ in range(count):
        question = drawing.question()
        for reader in READERS:
            assert every_id(catalog, question, reader) == listed(catalog, question, reader), (question, reader)


def test_without_anything_asked_every_record_that_the_reader_may_see_is_found(catalogue: Catalog) -> None:
    counts = []
    for reader in READERS:
        wanted = listed(catalogue, Question(), reader)
        assert every_id(catalogue, Question(), reader) == wanted
        counts.append(len(wanted))
    assert counts == sorted(set(counts))  # each sees more than the one before


# ------------------------------------------------------------------------------------- words


def test_an_identifier_comes_first_whole_and_its_beginnings_after_it(catalogue: Catalog) -> None:
    assert ids(search(catalogue, "s-001"))[:2] == ["sample/spring8/s-001", "sample/spring8/s-001/200"]
    assert ids(search(catalogue, "sample/spring8/s-001"))[0] == "sample/spring8/s-001"
    assert ids(search(catalogue, "SAMPLE/SPRING8/S-001"))[0] == "sample/spring8/s-001"


def test_all_words_have_to_be_found_phrases_in_a_row_and_exclusions_nowhere(catalogue: Catalog) -> None:
    both = set(ids(search(catalogue, "paddy soil", first=100)))
    assert both == set(ids(search(catalogue, "soil paddy", first=100)))
    assert set(ids(search(catalogue, '"paddy soil"', first=100))) < both
    assert not set(ids(search(catalogue, '"soil paddy"', first=100)))
    excluded = set(ids(search(catalogue, "soil -paddy", first=100)))
    assert excluded == set(ids(search(catalogue, "soil", first=100))) - set(ids(search(catalogue, "paddy", first=100)))
    either = set(ids(search(catalogue, "paddy OR cathode", first=100)))
    assert either == set(ids(search(catalogue, "paddy", first=100))) | set(ids(search(catalogue, "cathode", first=100)))


def test_what_records_say_in_both_languages_is_found_in_both(catalogue: Catalog) -> None:
    assert set(ids(search(catalogue, "土壌", first=100))) == set(ids(search(catalogue, "soil", first=100)))
    assert set(ids(search(catalogue, "ｘａｆｓ", first=100))) == set(ids(search(catalogue, "XAFS", first=100)))


def test_the_name_of_a_term_finds_what_uses_it_or_one_below_it(catalogue: Catalog) -> None:
    # The experiments name terms only, and narrower ones than this.
    found = {id for id in ids(search(catalogue, "x-ray absorption", first=100)) if id.startswith("experiment/")}
    assert found == {id for id in ids(search(catalogue, "X線吸収", first=100)) if id.startswith("experiment/")}
    assert "experiment/spring8/2026A1234/seq-0042" in found


def test_highlights_mark_what_was_found_in_the_hits_own_text(catalogue: Catalog) -> None:
    hit = search(catalogue, "cathodes 正極").hits[0]
    marked = {piece.text for each in hit.highlights for piece in each.pieces if piece.marked}
    assert {"cathode", "正極"} & {each.lower() for each in marked}
    assert search(catalogue, "cathodes", highlight=False).hits[0].highlights == ()


def test_a_hit_tells_why_it_was_found_as_far_as_its_own_text_says(own: Catalog) -> None:
    iri = "http://t.example/{}".format

    def term(local: str, label: str, **more: Any) -> None:
        identifiers = [{"scheme": "iri", "value": iri(local)}]
        put(own, local, label, kind="term", labels={"en": label}, identifiers=identifiers, **more)

    term("1", "Scheelite plate")
    term("2", "Fine plate", broader=["term/lab/1"])
    put(own, "words", "A scheelite plate of its own")
    put(own, "below", "Something", keywords=[{"term": iri(2)}])
    put(own, "linked", "Another", derivedFrom=["sample/lab/words"])
    put(own, "number-7", "A number", identifiers=[{"scheme": "doi", "value": "10.5072/scheelite-7"}])
    own.follower().catch_up()

    def why(text: str, of: str) -> list[tuple[str, str | None, str | None, str | None]]:
        (hit,) = (each for each in search(own, text, first=100).hits if each.id == f"sample/lab/{of}")
        return [(each.what, each.field, each.said, each.term) for each in hit.reasons]

    assert why("scheelite plate", "words") == [("words", "title", None, None)]
    assert why("scheelite plate", "below") == [("term", "keywords", "scheelite plate", iri(2))]
    assert why("plate scheelite", "linked") == [("elsewhere", None, None, None)]
    assert why("10.5072/scheelite-7", "number-7") == [("identifier", None, None, None)]
    assert why("number-7", "number-7")[-1] == ("identifier", None, None, None)
    assert why("doi:10.5072/SCHEELITE-7", "number-7") == [("identifier", None, None, None)]
    # Where nothing was searched for there is no reason.
    assert all(hit.reasons == () for hit in search(own, "").hits)
    assert all(hit.reasons == () for hit in search(own, "scheelite", highlight=False).hits)


@pytest.mark.parametrize(
    "text",
    ['"', "((((", "a:b:c", "kind:sample", "*", "?*?", "\\", "-", "--- +++", "~2 ^5", "[1 TO 5]", "{x", "AND OR NOT", "/.*/",
     "\x00", "\ud800", "𠮟", "ｶﾞ", "🧪", "%", "' OR 1=1 --", "<script>", "+" * 1999, "ー" * 500, "あ" * 2000],
)  # fmt: skip
def test_any_text_is_answered(catalogue: Catalog, text: str) -> None:
    page = search(catalogue, text)
    assert page.total >= 0
    searching.suggest(text, PUBLIC, index=catalogue.index, answers=catalogue.answers)


def test_a_megabyte_is_refused_with_words(catalogue: Catalog) -> None:
    with pytest.raises(Invalid, match="few words"):
        search(catalogue, "soil " * 200_000)


def test_words_that_a_hyphen_joins_are_all_found_and_between_quotes_beside_each_other(own: Catalog) -> None:
    joined = put(own, "j", "paired-end hafnium")
    apart = put(own, "a", "paired hafnium at the end")
    spaced = put(own, "s", "hafnium paired end")
    half = put(own, "h", "paired hafnium")
    own.follower().catch_up()
    assert {*ids(search(own, "paired-end"))} == {joined, apart, spaced}
    assert ids(search(own, "paired-end"))[-1] == apart
    assert {*ids(search(own, '"paired-end"'))} == {joined, spaced}
    assert {*ids(search(own, "hafnium -paired-end"))} == {apart, half}


def test_words_with_a_hyphen_are_found_however_others_join_them_and_marked(own: Catalog) -> None:
    joined, apart, spaced = (
        put(own, "1", "An xray tube"),
        put(own, "2", "An x-ray tube"),
        put(own, "3", "An X ray tube"),
    )
    put(own, "4", "A ray of light, tube X")
    whole, hyphen = put(own, "5", "wholegenome reads"), put(own, "6", "Whole-genome reads")
    own.follower().catch_up()
    for text in ("xray", "x-ray", "X ray", "xray tube", "tube X-rays"):
        assert {joined, apart, spaced} <= set(ids(search(own, text))), text
    assert set(ids(search(own, "xray"))) == {joined, apart, spaced}
    for text in ("wholegenome", "whole-genome"):
        assert set(ids(search(own, text))) == {whole, hyphen}, text
    for hit in search(own, "xray").hits:
        (highlight,) = hit.highlights
        assert [piece.text for piece in highlight.pieces if piece.marked] in (["xray"], ["x-ray"], ["X ray"]), hit.id


def test_an_id_is_found_without_its_kind_as_people_copy_it(own: Catalog) -> None:
    one = put(own, "s-001", "hafnium")
    below = put(own, "s-001/200", "hafnium in part")
    put(own, "s-002", "hafnium again")
    other = put(own, "2026A1234", "hafnium beam time", kind="project")
    own.follower().catch_up()
    assert ids(search(own, "lab/s-001")) == [one, below]
    assert ids(search(own, "Lab/S-001/200")) == [below]
    assert ids(search(own, "lab/2026A1234")) == [other]
    assert ids(search(own, "elsewhere/s-001")) == []
    assert one not in ids(search(own, "hafnium -lab/s-001"))


def test_a_doi_is_found_and_suggested_as_it_is_printed(own: Catalog) -> None:
    named = [{"scheme": "doi", "value": "10.5072/Hafnium-1", "primary": True}]
    one = put(own, "one", "hafnium", identifiers=named)
    put(own, "two", "doi of another")
    own.follower().catch_up()
    for typed in (
        "DOI: 10.5072/hafnium-1",
        "doi 10.5072/hafnium-1",
        "doi : 10.5072/hafnium-1",
        "doi:10.5072/hafnium-1",
    ):
        assert ids(search(own, typed)) == [one], typed
    assert ids(search(own, "doi")) == ["sample/lab/two"]

    def suggested(text: str) -> list[tuple[str, str | None]]:
        return [(each.text, each.id) for each in searching.suggest(text, PUBLIC, index=own.index, answers=own.answers)]

    assert suggested("10.5072/") == [("10.5072/Hafnium-1", one)]
    assert suggested("sample/lab/on") == [(one, one)]
    assert suggested("on") == [(one, one)]
    # Where two bear it, the text leads to both.
    two = put(own, "three", "hafnium once more", identifiers=named)
    own.follower().catch_up()
    assert suggested("10.5072/ha") == [("10.5072/Hafnium-1", None)]
    assert set(ids(search(own, "10.5072/hafnium-1"))) == {one, two}


def test_suggestions_in_a_large_index_go_past_a_title_that_many_bear(
    own: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "SMALL", 0)
    for number in range(40):
        put(own, f"many-{number}", "hafnium scan")
    put(own, "one", "hafnium zone")
    secret = put(own, "z", "hafnium zoo", scope="lab/secret")
    own.follower().catch_up()

    def suggested(reader: Reader, text: str = "hafn") -> set[tuple[str, str | None]]:
        return {(one.text, one.id) for one in searching.suggest(text, reader, index=own.index, answers=own.answers)}

    assert suggested(PUBLIC) == {("hafnium scan", None), ("hafnium zone", "sample/lab/one")}
    assert suggested(ADMINISTRATOR) == {*suggested(PUBLIC), ("hafnium zoo", secret)}
    assert suggested(PUBLIC, "hafnium zoo") == set()


# ------------------------------------------------------------------------------------- facets and histograms


def choosing(field: str, value: Any) -> Condition:
    match field:
        case "source" | "formats":
            return OfRecord(field, "eq", value)
        case "techniques":
            return Termed(field, (value,), below=False)
    return Compare(field, "eq", value)


@pytest.mark.parametrize(
    ("kind", "facets"),
    [
        ("experiment", ("type", "techniques", "source")),
        ("sample", ("elements", "language")),
        ("dataset", ("dataTypes", "formats")),
    ],
)
def test_facets_count_what_a_search_and_a_list_for_each_value_would_find(
    catalogue: Catalog, kind: str, facets: tuple[str, ...]
) -> None:
    page = search(catalogue, "", question=Question((kind,), selection=NAMES), facets=facets)
    assert [facet.field for facet in page.facets if facet.values] == list(facets)
    for facet in page.facets:
        assert facet.exact
        for value in facet.values:
            chosen = Question((kind,), choosing(facet.field, value.value), selection=NAMES)
            assert search(catalogue, "", question=chosen).total == value.count
            assert len(listed(catalogue, chosen, PUBLIC)) == value.count


def test_a_facet_honours_other_conditions_and_not_its_own(catalogue: Catalog) -> None:
    chosen = Compare("type", "eq", "measurement")
    question = Question(("experiment",), And((chosen, OfRecord("source", "eq", "spring8"))), selection=NAMES)
    page = search(catalogue, "", question=question, facets=("type", "source"))
    by_name = {facet.field: {value.value: value for value in facet.values} for facet in page.facets}
    assert by_name["type"]["measurement"].chosen
    assert by_name["type"]["measurement"].count == page.total
    assert len(by_name["type"]) > 1
    assert len(by_name["source"]) > 1


def test_histograms_count_each_hit_once(catalogue: Catalog) -> None:
    histograms = (
        Histogram("startedAt", "month"),
        Histogram("startedAt", "year"),
        Histogram("startedAt", "day"),
        Histogram("startedAt", edges=("2020", "2026", "2030")),
        Histogram("energy", bins=4, unit="keV"),
    )
    page = search(catalogue, "", question=Question(("experiment",), selection=NAMES), histograms=histograms)
    for spread in page.histograms:
        assert sum(each.count for each in spread.bins) + spread.missing == page.total, spread
        assert any(each.count for each in spread.bins)
    energy = page.histograms[-1]
    assert energy.unit == "keV"
    assert len(energy.bins) == 4


def test_what_cannot_be_counted_is_refused_with_what_can(catalogue: Catalog) -> None:
    for asked, told in (
        ({"facets": ("typ",)}, "type"),
        ({"facets": tuple(f"f{number}" for number in range(1_000))}, "20"),
        ({"histograms": (Histogram("title"),)}, "date or quantity"),
        ({"histograms": (Histogram("energy", bins=10_000),)}, "500"),
        ({"histograms": (Histogram("age", unit="keV"),)}, "measures Time"),
        ({"order": (Order("nonsense"),)}, "nonsense"),
        ({"first": 1_000}, "100"),
    ):
        with pytest.raises(Invalid, match=told):
            search(catalogue, "", **asked)  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------- pages


def test_pages_tell_each_hit_once_in_one_order(catalogue: Catalog) -> None:
    for order in ((), (Order("modified", descending=True),)):
        asked = SearchQuestion("the", Question(selection=NAMES), first=5, order=order)
        found: list[str] = []
        while True:
            page = searching.search(asked, PUBLIC, index=catalogue.index, answers=catalogue.answers)
            found += ids(page)
            if page.next is None:
                break
            asked = replace(asked, after=page.next)
        assert len(found) == len(set(found)) == page.total


def test_a_cursor_expires_and_belongs_to_its_search(catalogue: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    page = search(catalogue, "the", first=2)
    assert page.next is not None
    assert ids(search(catalogue, "the", first=2, after=page.next))
    with pytest.raises(Invalid, match="another search"):
        search(catalogue, "of", first=2, after=page.next)
    with pytest.raises(Invalid, match="cursor"):
        search(catalogue, "the", first=2, after=page.next[:-3] + "xyz")
    later = searching.time.time() + CURSOR_SECONDS + 1
    monkeypatch.setattr(searching.time, "time", lambda: later)
    with pytest.raises(Invalid, match="expired"):
        search(catalogue, "the", first=2, after=page.next)


def test_a_page_is_of_the_index_that_its_cursor_was_made_on(own: Catalog) -> None:
    several = [put(own, f"a{number}", f"zirconium {number}") for number in range(6)]
    own.follower().catch_up()
    page = search(own, "zirconium", first=4)
    put(own, "b", "zirconium zirconium")
    own.follower().catch_up()
    rest = search(own, "zirconium", first=4, after=page.next)
    assert {*ids(page), *ids(rest)} == set(several)
    assert search(own, "zirconium").total == 7


# ------------------------------------------------------------------------------------- hidden is absent


def test_a_record_is_found_only_by_those_who_may_read_its_scope(own: Catalog) -> None:
    hidden = put(own, "h", "hafnium", scope="lab/secret", sampleType="secret-type")
    put(own, "o", "zirconium")
    own.follower().catch_up()
    suggest = searching.suggest
    for reader, count in ((PUBLIC, 0), (Reader("x", (Grant("read", "lab/secret"),)), 1), (ADMINISTRATOR, 1)):
        page = search(own, "hafnium", reader)
        assert page.total == count
        assert ids(search(own, hidden, reader)) == [hidden] * count
        values = search(own, "", reader, facets=("sampleType",)).facets[0].values
        assert len(values) == count
        assert len(suggest("hafn", reader, index=own.index, answers=own.answers)) == count
        assert len(suggest("h", reader, index=own.index, answers=own.answers)) == count


def test_what_was_counted_for_one_reader_is_not_told_to_another_nor_after_a_change(own: Catalog) -> None:
    put(own, "o", "hafnium", sampleType="rock")
    hidden = put(own, "h", "hafnium", scope="lab/secret", sampleType="rock")
    own.follower().catch_up()
    member = Reader("x", (Grant("read", "lab/secret"),))

    def counted(reader: Reader) -> list[int]:
        page = search(own, "hafnium", reader, facets=("sampleType",))
        return [value.count for value in page.facets[0].values]

    assert [counted(reader) for reader in (PUBLIC, member, ADMINISTRATOR)] * 2 == [[1], [2], [2]] * 2
    assert [counted(reader) for reader in (ADMINISTRATOR, member, PUBLIC)] == [[2], [2], [1]]
    suppress(hidden, ADMINISTRATOR, intake=own.intake)
    assert [counted(reader) for reader in (PUBLIC, member, ADMINISTRATOR)] == [[1], [1], [1]]
    own.follower().catch_up()
    put(own, "p", "hafnium", sampleType="rock")
    own.follower().catch_up()
    assert [counted(reader) for reader in (PUBLIC, member)] == [[2], [2]]


def test_what_is_closed_is_not_found_from_the_next_search_on_while_the_index_stands_still(own: Catalog) -> None:
    moved, hidden, stays = (put(own, name, "hafnium") for name in "mhs")
    linking = put(own, "l", "other", derivedFrom=[moved, stays])
    own.follower().catch_up()
    assert set(ids(search(own, "hafnium"))) == {moved, hidden, stays, linking}
    first = search(own, "hafnium", first=1)
    suppress(hidden, ADMINISTRATOR, intake=own.intake)
    page = search(own, "hafnium", facets=("kind",), histograms=(Histogram("modified", "year"),))
    # What others say of closed records is not searched while the closing spreads.
    assert set(ids(page)) == {moved, stays}
    assert page.total == page.facets[0].values[0].count == 2
    assert hidden not in ids(search(own, "hafnium", first=1, after=first.next))
    own.scopes.change("lab", ADMINISTRATOR, mode="limited")
    assert search(own, "hafnium").total == 0
    assert search(own, "", facets=("kind",)).facets[0].values == ()
    own.follower().catch_up()
    assert search(own, "hafnium").total == 0
    assert search(own, "hafnium", ADMINISTRATOR).total == 3


def test_a_scope_that_closes_and_opens_is_counted_as_it_is_at_every_step_of_its_projection(
    own: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.upkeep.follow.SLICE", 1)
    monkeypatch.setattr("catalog.upkeep.follow.SETTLE_SECONDS", 0.0)
    own.scopes.create("lab/inner", ADMINISTRATOR, mode="everyone")
    outer = [put(own, f"o{number}", "hafnium") for number in range(3)]
    inner = [put(own, f"i{number}", "hafnium", scope="lab/inner") for number in range(3)]
    secret = put(own, "s", "hafnium", scope="lab/secret")
    # Who sees neither of them sees what was merged; who sees the latter does not.
    merge(put(own, "m", "hafnium", scope="lab/secret"), outer[0], ADMINISTRATOR, intake=own.intake)
    own.follower().catch_up()
    member = Reader("x", (Grant("read", "lab/inner"), Grant("read", "lab/secret")))
    cursors: set[str | None] = set()
    follower = own.follower()
    try:
        for mode in ("limited", "everyone", None, "everyone"):
            own.scopes.change("lab", ADMINISTRATOR, mode=mode)
            lies_open = mode == "everyone"
            counts = {PUBLIC: 6 if lies_open else 3, member: 7 if lies_open else 5, ADMINISTRATOR: 7}
            going = True
            while going:
                for reader, count in counts.items():
                    page = search(own, "hafnium", reader, first=1, facets=("kind",))
                    assert page.total == page.facets[0].values[0].count == count, (mode, reader)
                    if reader is PUBLIC:
                        cursors.add(page.next)
                for after in cursors:
                    page = search(own, "hafnium", first=1, facets=("kind",), after=after)
                    assert page.total == page.facets[0].values[0].count == counts[PUBLIC], mode
                going = follower.step()
            assert set(ids(search(own, "hafnium"))) == {*inner, *(outer if lies_open else ())}
    finally:
        follower.close()
    assert len(cursors) > 4
    assert secret in ids(search(own, "hafnium", member))


def test_where_more_was_closed_than_can_be_left_out_one_by_one_a_search_waits_for_the_index(
    own: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = [put(own, name, "hafnium") for name in "abc"]
    own.follower().catch_up()
    first = search(own, "hafnium", first=1)
    monkeypatch.setattr("catalog.ledger.book.CLOSINGS_MOST", 2)
    for each in hidden[:2]:
        suppress(each, ADMINISTRATOR, intake=own.intake)
    assert ids(search(own, "hafnium")) == [hidden[2]]
    suppress(hidden[2], ADMINISTRATOR, intake=own.intake)
    with pytest.raises(Unavailable, match="Try again in a moment"):
        search(own, "hafnium")
    with pytest.raises(Invalid, match="cursor"):
        search(own, "hafnium", first=1, after=first.next)
    own.follower().catch_up()
    assert search(own, "hafnium").total == 0


def test_a_hidden_targets_title_finds_nothing_for_those_who_may_not_see_it(own: Catalog) -> None:
    hidden = put(own, "h", "hafnium", scope="lab/secret")
    open_ = put(own, "o", "other", derivedFrom=[hidden])
    inside = put(own, "i", "another", scope="lab/secret", derivedFrom=[hidden])
    own.follower().catch_up()
    assert search(own, "hafnium").total == 0
    assert set(ids(search(own, "hafnium", ADMINISTRATOR))) == {hidden, inside}
    where = Question(("sample",), Linked("derivedFrom", targets=(hidden,)), selection=NAMES)
    assert search(own, "", question=where).total == 0
    assert set(ids(search(own, "", ADMINISTRATOR, question=where))) == {open_, inside}


def test_a_merged_record_is_found_only_by_those_who_may_not_see_what_it_became(own: Catalog) -> None:
    merged, became = put(own, "m", "hafnium"), put(own, "b", "hafnium", scope="lab/secret")
    merge(merged, became, ADMINISTRATOR, intake=own.intake)
    own.follower().catch_up()
    assert ids(search(own, "hafnium")) == [merged]
    assert ids(search(own, "hafnium", ADMINISTRATOR)) == [became]
    for reader in (PUBLIC, ADMINISTRATOR):
        (kinds,) = search(own, "", reader, facets=("kind",)).facets
        assert [value.count for value in kinds.values] == [1]
