"""A query that is asked again with other values is not compiled again, and is answered as if the values were written out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from catalog.questions.reader import PUBLIC, Reader
from catalog.web.graphql.compile import words_of
from tests.contract.test_answers import READERS
from tests.contract.test_graphql_oracle import Filled, _filled

ONE = """query($to: ID!, $first: Int) {
  samples(where: {derivedFrom: {some: {to: [$to]}}}, first: $first) { nodes { id } }
}"""
SEVERAL = "query($where: SampleFilter) { samples(where: $where, first: 1000) { nodes { id } } }"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """A catalogue with records of which readers see more or less."""
    yield from _filled(f"sqlite:///{tmp_path_factory.mktemp('graphql') / 'catalogue.db'}")


def asked(filled: Filled, text: str, reader: Reader = PUBLIC, **variables: Any) -> dict[str, Any]:
    return filled.compiled(filled.documents.read(text), reader, **variables)


def told(filled: Filled, text: str, reader: Reader = PUBLIC, **variables: Any) -> list[str]:
    answer = asked(filled, text, reader, **variables)
    assert "errors" not in answer, answer
    ((_, page),) = answer["data"].items()
    return [each["id"] for each in page["nodes"]]


def refusal(filled: Filled, text: str, **variables: Any) -> tuple[str, str]:
    (error,) = asked(filled, text, **variables)["errors"]
    return error["extensions"]["code"], error["message"]


def kept(filled: Filled, text: str) -> int:
    """In how many forms the query is compiled."""
    document, words = filled.documents.read(text), words_of(filled.schema, filled.catalog)
    shapes = [shape for key, (_, shape) in words.shapes._kept.items() if key[0] is document]  # type: ignore[index]
    return sum(key[0] in shapes for key in words.compiled._kept)  # type: ignore[index]


def listed(values: list[str]) -> str:
    return orjson.dumps(values).decode()


def written(filled: Filled, condition: str, reader: Reader = PUBLIC) -> list[str]:
    return told(filled, f"{{ samples(where: {condition}, first: 1000) {{ nodes {{ id }} }} }}", reader)


def some(filled: Filled, kind: str, count: int) -> list[str]:
    return [record.id for record in filled.plain.records if record.kind == kind][:count]


def test_values_of_one_shape_share_what_is_compiled_and_have_their_own_answers(filled: Filled) -> None:
    answers = {to: told(filled, ONE, to=to, first=1000) for to in some(filled, "sample", 6)}
    assert kept(filled, ONE) == 1
    assert len(set(map(tuple, answers.values()))) > 1
    for to, answer in answers.items():
        assert answer == written(filled, f'{{derivedFrom: {{some: {{to: ["{to}"]}}}}}}')
    longest = max(answers, key=lambda to: len(answers[to]))
    assert told(filled, ONE, to=longest, first=1) == answers[longest][:1]
    assert kept(filled, ONE) == 1


def test_readers_share_what_is_compiled_and_see_what_is_theirs(filled: Filled) -> None:
    text = "query($where: SampleFilter!) { samples(where: $where, first: 1000) { nodes { id } } }"
    seen = set()
    for reader in READERS:
        for prefix in ("sample/ddbj/", "sample/spring8/"):
            answer = told(filled, text, reader, where={"not": {"id": {"prefix": prefix}}})
            assert answer == written(filled, f'{{not: {{id: {{prefix: "{prefix}"}}}}}}', reader)
            seen.add(tuple(answer))
    assert len(seen) > 2
    assert kept(filled, text) == 1


def test_lists_are_as_long_as_they_are_padded(filled: Filled) -> None:
    ids = some(filled, "sample", 9)
    for length in (5, 8, 7, 6, 5):
        assert told(filled, SEVERAL, where={"id": {"in": ids[:length]}}) == written(
            filled, f"{{id: {{in: {listed(ids[:length])}}}}}"
        )
    assert kept(filled, SEVERAL) == 1
    assert told(filled, SEVERAL, where={"id": {"in": ids}}) == written(filled, f"{{id: {{in: {listed(ids)}}}}}")
    assert kept(filled, SEVERAL) == 2


def test_records_by_their_ids_come_in_the_order_in_which_they_are_asked_for(filled: Filled) -> None:
    text = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    visible = told(filled, "{ samples(first: 7) { nodes { id } } }")
    for ids in (visible[:5], visible[::-1], ["sample/ddbj/none", *visible[2:6]]):
        found = asked(filled, text, ids=ids)["data"]["nodes"]
        assert [each and each["id"] for each in found] == [id if id in visible else None for id in ids]
    assert kept(filled, text) == 1


@pytest.mark.parametrize(
    ("where", "literal"),
    [
        ({"id": {"in": ["sample/x/1"] * 1001}}, f"{{id: {{in: {listed(['sample/x/1'] * 1001)}}}}}"),
        ({"id": {"eq": None}}, "{id: {eq: null}}"),
        ({"id": {"in": []}}, "{id: {in: []}}"),
    ],
)
def test_a_wrong_value_is_refused_as_it_is_where_it_is_written_out(
    filled: Filled, where: dict[str, Any], literal: str
) -> None:
    text = "query($where: SampleFilter) { samples(where: $where, first: 999) { nodes { id } } }"
    right = {"id": {"in": ["sample/x/1"] * 600} if "in" in where["id"] else dict.fromkeys(where["id"], "sample/x/1")}
    expected = refusal(filled, f"{{ samples(where: {literal}, first: 999) {{ nodes {{ id }} }} }}")
    for _ in range(2):
        assert refusal(filled, text, where=where) == expected
        assert told(filled, text, where=right) == []
    assert told(filled, text, where=None) == told(filled, "{ samples(first: 999) { nodes { id } } }")


def test_what_no_text_can_hold_is_refused_whatever_was_compiled(filled: Filled) -> None:
    for _ in range(2):
        code, message = refusal(filled, SEVERAL, where={"id": {"prefix": "sample/\0"}})
        assert (code, "character" in message) == ("BAD_USER_INPUT", True)
        assert told(filled, SEVERAL, where={"id": {"prefix": "sample/x"}}) == []


@pytest.mark.parametrize("first", [0, -1, 1001])
def test_a_page_that_is_too_long_or_none_is_refused_whatever_was_compiled(filled: Filled, first: int) -> None:
    (to,) = some(filled, "sample", 1)
    told(filled, ONE, to=to, first=5)
    literal = ONE.replace(", $first: Int", "").replace("$first", str(first))
    assert refusal(filled, ONE, to=to, first=first) == refusal(filled, literal, to=to)
    assert told(filled, ONE, to=to, first=5) == told(filled, ONE, to=to)[:5]


def test_one_variable_in_several_places_decides_where_one_of_them_does(filled: Filled) -> None:
    text = """query($x: String!) { samples(where: {title: {eq: $x, language: $x}}) { nodes { id } } }"""
    for value in ("en", "ja"):
        assert told(filled, text, x=value) == written(filled, f'{{title: {{eq: "{value}", language: "{value}"}}}}')
    assert kept(filled, text) == 2
    assert "de" in refusal(filled, text, x="de")[1]


def test_what_happens_to_be_equal_once_is_not_taken_for_the_same(filled: Filled) -> None:
    text = """query($ids: [ID!]!, $a: String!, $b: String!) { nodes(ids: $ids) {
        ... on Project { links: incoming(where: {id: {eq: $a}}) { nodes { id } } }
        ... on Sample { links: incoming(where: {id: {eq: $b}}) { nodes { id } } }
    } }"""
    sample, from_ = next(
        (link.to, record.id)
        for record in filled.plain.records
        for link in record.links
        if link.to.startswith("sample/") and _both_told(filled, record.id, link.to)
    )
    asked(filled, text, ids=[sample], a=from_, b=from_)
    for b, found in ((from_, {from_}), (sample, set())):
        answer = asked(filled, text, ids=[sample], a=sample, b=b)
        links = answer["data"]["nodes"][0]["links"]["nodes"]
        assert {each["id"] for each in links} == found


def _both_told(filled: Filled, *ids: str) -> bool:
    query = f"{{ nodes(ids: {listed(list(ids))}) {{ id }} }}"
    linked = f'{{ node(id: "{ids[1]}") {{ ... on Sample {{ incoming(first: 1000) {{ nodes {{ id }} }} }} }} }}'
    if None in asked(filled, query)["data"]["nodes"]:
        return False
    return {"id": ids[0]} in asked(filled, linked)["data"]["node"]["incoming"]["nodes"]
