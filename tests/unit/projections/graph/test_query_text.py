"""What a query's text says, read token by token."""

from __future__ import annotations

import pytest

from catalog.projections.graph.query_text import Fault, fault_of, place_of, read_query


@pytest.mark.parametrize("form", ["SELECT * {}", "ask {}", "Construct WHERE {}", "DESCRIBE <a:b>"])
def test_the_form_is_the_first_word_after_prefixes_and_bases(form: str) -> None:
    prologue = "# SELECT\nBASE <http://select.example/> PREFIX select: <http://x.example/#SELECT> prefix : <a:b>\n"

    said = read_query(prologue + form)

    assert said.form == form.split()[0].upper()
    assert said.prologue == prologue
    assert not said.update


@pytest.mark.parametrize(
    "update", ["INSERT DATA {}", "with <a:b> delete {} where {}", "CLEAR ALL", "LOAD <http://x/>", "DROP ALL"]
)
def test_an_update_is_known_by_its_first_word(update: str) -> None:
    assert read_query("PREFIX a: <b:c> " + update).update == update.split()[0].upper()
    assert not read_query("SELECT ?insert { ?insert <a:DELETE> 'CLEAR ALL' }").update
    assert not read_query("nonsense INSERT").update


@pytest.mark.parametrize("text", ["", "  # SELECT", "PREFIX a: <b:c> "])
def test_where_there_is_no_query_at_all_that_is_said(text: str) -> None:
    assert fault_of(text, ()) == Fault("nothing", "", 0)
    assert fault_of(f"{text}\nASK {{}}", ()) is None


def test_graphs_are_taken_from_from_and_from_named_and_nowhere_else() -> None:
    text = """PREFIX g: <http://g.example/>
    SELECT ?from FROM <a> from # <no>
      g:b FROM NAMED <c> From Named g:d\\-e
    WHERE { ?from <FROM> 'FROM <f>' . # FROM <h>
      ?x from:x "FROM NAMED <i>"@from }"""

    said = read_query(text)

    assert said.graphs == ("<a>", "g:b")
    assert said.named == ("<c>", "g:d\\-e")


@pytest.mark.parametrize(
    "written",
    [
        "SERVICE <http://x/> {}",
        "service silent ?s {}",
        "SeRvIcE<http://x/>{}",
        "OPTIONAL { SERVICE\n#comment\nex:e {} }",
        "FILTER EXISTS { SERVICE ?x {} }",
        "{ SELECT * { SERVICE <http://x/> {} } }",
        "\\u0053ERVICE <http://x/> {}",
        "S\\U00000045RVICE SILENT <http://x/> {}",
        "?a <http://x/#'> ?b . SERVICE <http://x/'> {}",
        "?a ?b true.SERVICE <http://x/> {}",
        "?a ex:it\\'s ?b . SERVICE <http://x/> {} # '",
        'BIND("""a"b""" AS ?x) SERVICE <http://x/> { ?y ?z """c""" }',
    ],
)
def test_service_is_seen_however_it_is_written(written: str) -> None:
    assert read_query(f"PREFIX ex: <http://x/> SELECT * {{ {written} }}").service is not None


@pytest.mark.parametrize(
    "written",
    [
        "?SERVICE ?p ?o",
        "?s <SERVICE> ?o",
        "?s ex:SERVICE ?o",
        "?s SERVICE:x ?o",
        "?s ?p 'SERVICE <http://x/> {}'",
        "?s ?p '''it's a SERVICE'''",
        '?s ?p "a \\" SERVICE"',
        "# SERVICE <http://x/> {}\n?s ?p ?o",
        "?s ?p 'x'@SERVICE",
        "?s <http://x/#SERVICE> ?o",
    ],
)
def test_what_only_looks_like_service_is_left_alone(written: str) -> None:
    assert read_query(f"PREFIX ex: <http://x/> SELECT * {{ {written} }}").service is None


def test_a_place_is_told_by_line_and_column() -> None:
    text = "SELECT *\n{ ?s ?p ?o .\n  SERVICE <a:b> {} }"

    at = read_query(text).service

    assert at is not None
    assert place_of(text, at) == (3, 3)
    assert place_of(text, 0) == (1, 1)


def test_a_long_text_is_read_in_time_that_grows_with_its_length() -> None:
    for text in (
        "\\" * 300_000,
        "<" * 300_000,
        "'" * 300_000,
        '"""' + '\\"' * 150_000,
        "a:" * 150_000,
        "@a-" * 100_000,
        "a.b-" * 100_000,
        "<a" * 100_000,
    ):
        assert read_query("SELECT * {" + text).form == "SELECT"
