"""What the parameters of an address ask; docs/asking.md says it to people."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Invalid, Malformed
from catalog.questions.cursor import write_cursor
from catalog.questions.parameters import question_from
from catalog.questions.question import (
    After,
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
    Termed,
)
from catalog.questions.vocabulary import Vocabulary, vocabulary_of
from catalog.records.kinds import load_kinds

WORDS: Vocabulary = vocabulary_of(load_kinds(), lambda: {"panet": frozenset(("http://p/",))})
MAY, JUNE = "2026-05-01T00:00:00.000000Z", "2026-06-01T00:00:00.000000Z"


def asked(text: str) -> Question:
    return question_from(parse_qsl(text, keep_blank_values=True), WORDS)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("kind=sample&tissue=leaf", Compare("tissue", "eq", "leaf")),
        ("kind=sample&tissue=leaf&tissue=root", Compare("tissue", "in", ("leaf", "root"))),
        ("kind=sample&tissue.in=leaf,root", Compare("tissue", "in", ("leaf", "root"))),
        ("kind=sample&not.tissue=leaf", Not(Compare("tissue", "eq", "leaf"))),
        ("title.ja.prefix=正極", Compare("title", "prefix", "正極", "ja")),
        ("title.ja=正極", Compare("title", "eq", "正極", "ja")),
        ("body.title=x", Compare("title", "eq", "x")),
        ("kind=dataset&size.ge=10", Compare("size", "ge", 10)),
        ("kind=dataset&latest=true", Compare("latest", "eq", True)),
        ("kind=sample&tissue.exists=false", Not(Exists("tissue"))),
        ("kind=experiment&startedAt=2026-05", Dated("startedAt", "overlaps", MAY, JUNE)),
        ("kind=experiment&startedAt.ge=2026-05", Dated("startedAt", "overlaps", MAY, None)),
        ("kind=experiment&startedAt.gt=2026-05", Dated("startedAt", "after", None, JUNE)),
        ("kind=experiment&startedAt.lt=2026-05", Dated("startedAt", "before", MAY, None)),
        ("kind=sample&collectedAt.missing=true", Missing("collectedAt")),
        ("kind=sample&collectedAt.missing=not collected", Missing("collectedAt", "not collected")),
        ("created=2026-05", And((OfRecord("created", "ge", MAY), OfRecord("created", "lt", JUNE)))),
        ("modified.ge=2026-05", OfRecord("modified", "ge", MAY)),
        ("localId=a b/c", OfRecord("localId", "eq", "a%20b/c")),
        ("id=sample/a/b,sample/a/c", OfRecord("id", "in", ("sample/a/b", "sample/a/c"))),
        ("scope=a/b", InScope("a/b")),
        ("scope.only=a/b", InScope("a/b", below=False)),
        ("identifier=doi:10.1/x", Or((Identified("doi:10.1/x"), Identified("10.1/x", "doi")))),
        ("identifier.doi=10.1/x", Identified("10.1/x", "doi")),
        ("identifier=https://example.org/x", Identified("https://example.org/x")),
        ("attribute.tissue=leaf", Attributed("tissue", "eq", "leaf")),
        ("attribute.mirror coating.in=Rh,Pt", Attributed("mirror coating", "in", ("Rh", "Pt"))),
        ("attribute.a.b.prefix=x", Attributed("a.b", "prefix", "x")),
        ("attribute.tissue.term=http://t/1", Attributed("tissue", term="http://t/1")),
        ("attribute.tissue.term.exactly=panet:1", Attributed("tissue", term="http://p/1", below=False)),
        ("kind=experiment&techniques=panet:1", Termed("techniques", ("http://p/1",))),
        (
            "kind=experiment&techniques=panet:1&techniques=http://t/a,b",
            Termed("techniques", ("http://p/1", "http://t/a,b")),
        ),
        ("kind=experiment&techniques.in=panet:1,panet:2", Termed("techniques", ("http://p/1", "http://p/2"))),
        (
            "kind=experiment&techniques.all=panet:1,panet:2",
            And((Termed("techniques", ("http://p/1",)), Termed("techniques", ("http://p/2",)))),
        ),
        ("keywords.exactly=panet:1", Termed("keywords", ("http://p/1",), below=False)),
        ("kind=experiment&techniques.exists=false", Not(Exists("techniques"))),
        ("kind=dataset&dataTypes=image", Compare("dataTypes", "eq", "image")),
        ("kind=dataset&dataTypes=image&dataTypes=a,b", Compare("dataTypes", "in", ("image", "a,b"))),
        ("kind=sample&not.elements.in=Ni,Co", Not(Compare("elements", "in", ("Ni", "Co")))),
        ("language.exists=true", Exists("language")),
        ("kind=dataset&formats=nexus", OfRecord("formats", "eq", "nexus")),
        ("formats.in=nexus,csv", OfRecord("formats", "in", ("nexus", "csv"))),
        ("keywords=panet:1", Termed("keywords", ("http://p/1",))),
        ("keywords=soil, wet&keywords=O104:H4", Compare("keywords", "in", ("soil, wet", "O104:H4"))),
        ("keywords.in=panet:1,soil", Or((Termed("keywords", ("http://p/1",)), Compare("keywords", "eq", "soil")))),
        ("term=panet:1", Termed(None, ("http://p/1",))),
        ("kind=sample&amount=3 mg", Measured("amount", "field", 3e-6, 3e-6, ("Mass",))),
        ("kind=sample&amount=1..5 mg", Measured("amount", "field", 1e-6, 5e-6, ("Mass",))),
        ("kind=sample&amount=..5 mg", Measured("amount", "field", None, 5e-6, ("Mass",))),
        ("kind=sample&amount.ge=5 mg", Measured("amount", "field", 5e-6, None, ("Mass",))),
        (
            "kind=experiment&link.samples=sample/x/y&link.samples.role=measured",
            Linked("samples", "out", ("sample/x/y",), "measured"),
        ),
        ("kind=experiment&samples=sample/x/y,sample/x/z", Linked("samples", "out", ("sample/x/y", "sample/x/z"))),
        ("kind=sample&incoming.samples.exists=false", Not(Linked("samples", "in"))),
        ("kind=experiment&samples.to.tissue=leaf", Linked("samples", where=Compare("tissue", "eq", "leaf"))),
        ("link.any=sample/x/y", Linked(None, "out", ("sample/x/y",))),
        ("kind=sample&incoming.any.kind=dataset", Linked(None, "in", kinds=("dataset",))),
    ],
)
def test_a_parameter_says_one_thing(text: str, condition: Condition) -> None:
    assert asked(text).where == condition


def test_a_quantity_is_asked_for_in_any_unit_wherever_it_stands() -> None:
    one, other = asked("energy=7..8 keV").where, asked("energy=7000..8000 eV").where

    assert one == other
    assert isinstance(one, Measured)
    assert (one.place, one.quantity_kinds[0]) == ("anywhere", "Energy")
    assert isinstance(named := asked("condition.energy=7..8 keV").where, Measured)
    assert named.place == "condition"


def test_all_of_the_list_is_said_by_parameters() -> None:
    cursor = write_cursor(After(("x",), "sample/a/b"), (Order("title", True, "ja"),))

    question = asked(
        f"kind=sample&sort=-title.ja&limit=7&cursor={cursor}&select=title,links,body&count=exact&status=draft,public"
    )

    assert question.kinds == ("sample",)
    assert question.order == (Order("title", True, "ja"),)
    assert question.first == 7
    assert question.after == After(("x",), "sample/a/b")
    assert question.selection.fields == ("title",)
    assert question.selection.links
    assert question.selection.body
    assert question.count == "exact"
    assert question.statuses == ("draft", "public")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind=sampel", "sampel.*sample"),
        ("kind=sample&titel=x", "titel.*title"),
        ("kind=sample&tisue.prefix=x", "tisue.*tissue"),
        ("energi=7", "energi"),
        ("energy=7 kev?", "energy"),
        ("kind=sample&amount=3 mgg", "mgg.*mg"),
        ("kind=sample&amount=many", "no quantity"),
        ("kind=sample&amount=5..1 mg", "ends below"),
        ("kind=experiment&startedAt=May", "no date"),
        ("title.xx=1", "language"),
        ("title.prefiks=1", "language|operator"),
        ("kind=sample&tissue.prefiks=1", "prefiks.*prefix"),
        ("kind=sample&sort=tissue", "cannot be sorted by tissue"),
        ("sort=title", "one kind"),
        ("kind=dataset&size=big", "not a number"),
        ("kind=dataset&latest=perhaps", "neither true nor false"),
        ("kind=sample&attributes=x", "cannot be compared"),
        ("tissue=leaf", "not every kind"),
        ("link.sampels=sample/a/b", "sampels.*samples"),
        ("kind=sample&link.projects.rol=x", "rol.*role"),
        ("kind=experiment&samples.to.tisue=x", "tisue.*tissue"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=ten", "limit"),
        ("limit=5&limit=6", "limit"),
        ("count=some", "count"),
        ("status=withdrawn", "withdrawn"),
        ("status=publik", "publik.*public"),
        ("select=boody", "boody.*body"),
        ("cursor=zzz", "cursor"),
        ("title=a%00b", "character"),
        ("scope.above=x", "scope"),
        ("a=b&" * 300, "more than"),
        ("kind=experiment&" + "samples.to.derivedFrom.to." * 8 + "tissue=x", "nested|samples"),
        ("kind=sample&link.derivedFrom." + "to.derivedFrom." * 20 + "to.tissue=x", "nested"),
        (
            "kind=sample&" + "&".join(f"title=t{number}" for number in range(150)) + "&" + "id=" + "x," * 1001,
            "more than",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(Invalid, match=said) as refused:
        asked(text)

    assert refused.value.messages["ja"]


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=30)), max_size=4))
def test_any_parameters_are_a_question_or_a_refusal(pairs: list[tuple[str, str]]) -> None:
    with suppress(Invalid, Malformed):
        assert question_from(pairs, WORDS)


@given(
    st.sampled_from(
        [
            "kind",
            "title",
            "title.ja",
            "link.samples",
            "incoming.samples",
            "attribute",
            "condition.x",
            "created",
            "scope",
            "samples.to",
            "not.not",
        ]
    ),
    st.sampled_from(["", ".eq", ".in", ".prefix", ".exists", ".to", ".from.title", ".missing", "..", "."]),
    st.text(max_size=12),
)
def test_parameters_that_are_nearly_right_are_a_question_or_a_refusal(name: str, rest: str, value: str) -> None:
    with suppress(Invalid, Malformed):
        assert question_from([(name + rest, value)], WORDS)


def test_every_example_of_the_documentation_can_be_asked() -> None:
    told = (Path(__file__).parents[3] / "docs" / "asking.md").read_text("utf-8")
    examples = re.findall(r"^/records\?(.+)$", told, re.MULTILINE)

    assert len(examples) >= 5
    for example in examples:
        assert asked(example)


def test_a_quantity_is_asked_for_in_a_unit_of_what_it_measures() -> None:
    assert asked("kind=sample&age=3 d").where is not None
    for wrong in ("age=3", "age=3 kg"):
        with pytest.raises(Invalid, match="age: it measures Time"):
            asked(f"kind=sample&{wrong}")
