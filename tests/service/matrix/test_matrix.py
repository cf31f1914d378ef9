"""Every surface, every state of a record, every role: what is hidden is absent, byte for byte, and what is not is there."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.web.app import ROUTES
from tests.service.matrix.catalogue import COMMON, HUB, PRIVATE, ROLES, STATES, Told
from tests.service.matrix.judging import (
    PROJECTED,
    betrays,
    method_of,
    named,
    surfaces_of,
    wrong_of_change,
    wrong_of_change_of_scope,
    wrong_of_many,
    wrong_of_one,
    wrong_of_private,
    wrong_of_projected,
    wrong_of_scope,
)
from tests.service.matrix.surfaces import SURFACES, Change, ChangeOfScope, Many, Nothing, OfScope, One


def each(*kinds: type[Any]) -> Any:
    return of([surface for kind in kinds for surface in surfaces_of(kind)])


def of(found: list[Any]) -> Any:
    assert found
    return pytest.mark.parametrize("surface", found, ids=[f"{number} {named(one)}" for number, one in enumerate(found)])


def test_every_route_is_in_the_matrix() -> None:
    routes = {(told.method, told.path) for told, _ in ROUTES}
    assert routes - set(SURFACES) == set(), "say in surfaces.py how these are asked, and what they may reveal"
    assert set(SURFACES) - routes == set(), "these are no routes any more"


def test_every_variable_address_is_asked_for_what_is_there() -> None:
    for (method, path), surfaces in SURFACES.items():
        assert surfaces, f"{method} {path}"
        if "{id:path}" in path or "{localId:path}" in path:
            assert any(isinstance(one, One | Change) for one in surfaces), f"{method} {path}"
        if "{scope:path}" in path:
            assert any(isinstance(one, OfScope | ChangeOfScope) for one in surfaces), f"{method} {path}"


@each(One)
def test_what_is_hidden_answers_as_what_never_was_and_what_is_not_is_told(told: Told, surface: One) -> None:
    assert wrong_of_one(told, surface) == []


@each(Many)
def test_what_is_told_of_all_is_what_a_role_may_see(told: Told, surface: Many) -> None:
    assert wrong_of_many(told, surface) == []


@each(OfScope)
def test_a_hidden_scope_answers_as_one_that_never_was(told: Told, surface: OfScope) -> None:
    assert wrong_of_scope(told, surface) == []


@each(Change)
def test_a_change_of_what_is_hidden_is_refused_as_of_what_never_was(told: Told, surface: Change) -> None:
    assert wrong_of_change(told, surface) == []


@each(ChangeOfScope)
def test_a_change_of_a_scope_that_is_hidden_is_refused_as_of_one_that_never_was(
    told: Told, surface: ChangeOfScope
) -> None:
    assert wrong_of_change_of_scope(told, surface) == []


# --- what tells nothing of records


@each(Nothing)
def test_what_has_nothing_of_records_tells_nothing_of_them(told: Told, surface: Nothing) -> None:
    if surface.address is None:
        return
    method = method_of(surface)
    for name in ("anonymous", "signed in", "another facility's administrator"):
        if method == "GET":
            answer = told.ask(name, surface.address, "*/*")
        else:
            answer = told.send(name, method, surface.address, surface.document)
        assert answer.status in surface.status, f"{name}: {answer.status} {answer.text[:300]}"
        assert betrays(answer, ROLES[name]) == [], name


# --- numbers


def test_numbers_are_those_of_what_one_may_see(told: Told) -> None:
    for role in ROLES.values():
        listed = [kept for kept in STATES.values() if role.lists(kept)]
        found = told.ask(role.name, "records?kind=dataset&count=exact&limit=1").json()
        assert found["total"] == len(listed) + 1, role.name  # and the hub
        incoming = told.ask(role.name, f"links/{HUB}").json()["incoming"]
        public = [kept for kept in STATES.values() if kept.status == "public" and role.reads(kept.scope)]
        assert sum(one["count"] for one in incoming if one["field"] == "versionOf") == len(public), role.name
        assert told.ask(role.name, "").json()["kinds"]["dataset"] == len(public) + 1, role.name


def test_facets_and_totals_of_a_search_count_what_it_finds(told: Told) -> None:
    for role in ROLES.values():
        address = f"search?q={COMMON}&kind=dataset&limit=100&facet=source&facet=dataTypes&facetValues=100"
        page = told.ask(role.name, address).json()
        hits = {hit["id"] for hit in page["hits"]}
        assert page["total"] == len(hits), role.name
        facets = {facet["field"]: facet["values"] for facet in page["facets"]}
        assert sum(value["count"] for value in facets["source"]) == len(hits), role.name
        words = {value["value"] for value in facets["dataTypes"]}
        assert words == {kept.word for kept in STATES.values() if kept.id in hits}, role.name


def test_numbers_of_a_name_are_told_in_a_unit_to_those_who_may_see_who_uses_it(told: Told) -> None:
    for role in ROLES.values():
        for kept in STATES.values():
            if kept.into is not None and role.may_list(kept):
                continue
            # Found is nothing; what a name is told in is known of it nevertheless.
            page = told.ask(role.name, f"search?q=unheardof&histogram={kept.word}").json()
            unit = "J" if role.lists(kept) else None
            assert page["total"] == 0
            assert page["histograms"] == [{"field": kept.word, "unit": unit, "bins": [], "missing": 0}], (
                f"{role.name}, {kept.state}"
            )


def test_a_query_counts_what_it_finds(told: Told) -> None:
    one = "sparql?query=SELECT%20(COUNT(DISTINCT%20%3Fs)%20AS%20%3Fn)%20%7B%20%3Fs%20a%20musubi%3ADataset%20%7D"
    all_ = "sparql?query=SELECT%20DISTINCT%20%3Fs%20%7B%20%3Fs%20a%20musubi%3ADataset%20%7D"
    results = "application/sparql-results+json"
    for role in ROLES.values():
        counted = told.ask(role.name, one, results).json()["results"]["bindings"][0]["n"]["value"]
        found = told.ask(role.name, all_, results).json()["results"]["bindings"]
        assert int(counted) == len(found), role.name
        # What was merged into what everyone may read is told there.
        seen = [kept for kept in STATES.values() if kept.status == "public" and role.reads(kept.scope)]
        expected = {kept.id for kept in seen if kept.into != "public"}
        assert {row["s"]["value"].removeprefix(told.catalog.base) for row in found} == expected | {HUB}, role.name


# --- private fields


@of([one for one in surfaces_of(One) if "{id}" in one.address and not one.lists])
def test_what_is_private_is_told_to_insiders_only(told: Told, surface: One) -> None:
    assert wrong_of_private(told, surface) == []


@of([many for many in surfaces_of(Many) if many.address.startswith(PROJECTED)])
def test_what_is_built_for_everybody_holds_nothing_private(told: Told, surface: Many) -> None:
    assert wrong_of_projected(told, surface) == []


@pytest.mark.parametrize(
    "address",
    [
        "records?kind={kind}&{field}.exists=true",
        "records?kind={kind}&{field}={word}",
        "records?kind={kind}&{field}.prefix={start}",
        "records?kind={kind}&sort={field}",
        "export?kind={kind}&{field}.exists=true",
        "search?kind={kind}&facet={field}",
        "search?kind={kind}&{field}={word}",
        "search?kind={kind}&sort={field}",
    ],
)
def test_nothing_is_asked_by_what_is_private(told: Told, address: str) -> None:
    for private in PRIVATE:
        for path in private.paths:
            for field in (path[0], ".".join(path), *(f"{'.'.join(path)}.{inner}" for inner in ("email", "name"))):
                asked = address.format(kind=private.kind, field=field, word=private.now[0], start=private.now[0][:4])
                for role in ("anonymous", "reader by grant", "administrator"):
                    answer = told.ask(role, asked, "*/*")
                    assert answer.status in (400, 422), f"{role}, {asked}: {answer.status} {answer.text[:200]}"


def test_nobody_finds_a_record_by_what_is_private_in_it(told: Told) -> None:
    for private in PRIVATE:
        for word in (*private.now, *private.formerly):
            for role in ("anonymous", "manager", "administrator"):
                found = told.ask(role, f"search?q={word}").json()
                assert (found["total"], found["hits"]) == (0, []), f"{role}: {word}"
                assert private.key not in told.ask(role, f"search/suggestions?q={word[:6]}").text
        # It is found by what everybody may read of it.
        assert private.key in told.ask("administrator", f"search?kind={private.kind}&limit=100").text


def test_the_matrix_would_notice_what_is_private(told: Told) -> None:
    for private in PRIVATE:
        answer = told.ask("administrator", private.id)
        assert betrays(answer, ROLES["administrator"]) == []
        assert f"what is private of the {private.kind} in {private.scope}" in betrays(answer, ROLES["reader by grant"])
