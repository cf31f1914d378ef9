"""Every surface, every state of a record, every role: what is hidden is absent, byte for byte, and what is not is there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from catalog.cli.command import COMMANDS as EVERY_COMMAND
from catalog.web.app import ROUTES
from tests.service.matrix.asking import Answer
from tests.service.matrix.catalogue import (
    CLOSED,
    COMMON,
    ELSEWHERE,
    HUB,
    LATER,
    LEAVES,
    OPEN,
    ROLES,
    STATES,
    Kept,
    Role,
    Told,
    opened,
    word_of,
)
from tests.service.matrix.surfaces import COMMANDS, SURFACES, Change, ChangeOfScope, Many, Nothing, OfScope, One, Seen

STATUS: Mapping[Seen, tuple[int, ...]] = {
    "shown": (200,),
    "gone": (410,),
    "moved": (303, 308),
    "absent": (404,),
    "forbidden": (401, 403, 404, 406, 422),
}
# What every answer to a change says anew.
NEW = re.compile(r"\b[0-9a-f]{16,}\b|\d{4}-\d\d-\d\dT[\d:.]+Z")
SCOPES = (CLOSED, LATER, ELSEWHERE)
# One below each of their roots, as long as they are, that never was.
NO_SCOPE = {scope: f"{scope.partition('/')[0]}/nowher" for scope in SCOPES}
assert all(len(scope) == len(none) for scope, none in NO_SCOPE.items())
# One role of each kind that differs by the table.
FEW = frozenset(
    (
        "anonymous",
        "reader by grant",
        "reader by group",
        "expired",
        "writer",
        "manager",
        "administrator",
        "another facility's administrator",
    )
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with opened(tmp_path_factory.mktemp("matrix") / "data") as made:
        yield made


def surfaces_of(kind: type[Any]) -> list[Any]:
    return [surface for surfaces in SURFACES.values() for surface in surfaces if isinstance(surface, kind)]


def named(surface: Any) -> str:
    return " ".join(
        part
        for part in (getattr(surface, "method", ""), surface.address or "", getattr(surface, "accept", ""))
        if part not in ("GET", "application/json")
    )


def each(*kinds: type[Any]) -> Any:
    found = [surface for kind in kinds for surface in surfaces_of(kind)]
    return pytest.mark.parametrize("surface", found, ids=[f"{number} {named(one)}" for number, one in enumerate(found)])


def test_every_route_and_every_command_is_in_the_matrix() -> None:
    routes = {(told.method, told.path) for told, _ in ROUTES}
    assert routes - set(SURFACES) == set(), "say in surfaces.py how these are asked, and what they may reveal"
    assert set(SURFACES) - routes == set(), "these are no routes any more"
    assert set(EVERY_COMMAND) - set(COMMANDS) == set(), "say in surfaces.py as whom these read"
    assert set(COMMANDS) - set(EVERY_COMMAND) == set(), "these are no commands any more"


def test_every_variable_address_is_asked_for_what_is_there() -> None:
    for (method, path), surfaces in SURFACES.items():
        assert surfaces, f"{method} {path}"
        if "{id:path}" in path or "{localId:path}" in path:
            assert any(isinstance(one, One | Change) for one in surfaces), f"{method} {path}"
        if "{scope:path}" in path:
            assert any(isinstance(one, OfScope | ChangeOfScope) for one in surfaces), f"{method} {path}"


# --- one record


@each(One)
def test_what_is_hidden_answers_as_what_never_was_and_what_is_not_is_told(told: Told, surface: One) -> None:
    wrong: list[str] = []
    for role in ROLES.values():
        if surface.few and role.name not in FEW:
            continue
        twins: dict[str, tuple[Answer, Kept]] = {}
        for kept in STATES.values():
            seen = seen_on(surface, role, kept)
            if seen is None:
                continue
            answer = ask_one(told, surface, role, kept)
            if kept.source not in twins:
                twins[kept.source] = ask_one(told, surface, role, kept.absent), kept.absent
            found = amiss(surface, role, kept, seen, answer, *twins[kept.source])
            said = [f"tells {each}" for each in betrays(answer, role, kept)] + headers_wrong(answer, role)
            if found is not None or said:
                wrong.append(f"{role.name}, {kept.state}: {answer.status} {found or said} {answer.text[:200]!r}")
    assert wrong == []


def amiss(surface: One, role: Role, kept: Kept, seen: Seen, answer: Answer, absent: Answer, twin: Kept) -> str | None:
    """What is wrong with an answer about a record that is seen so, beside what is answered about one that never was."""
    if seen == "absent":
        if answer.but(*plain(kept)) != absent.but(*plain(twin)):
            return f"differs from {absent.status} {absent.text[:200]!r}"
        told = [word for word in kept.own if word in answer.told and word not in surface.of(kept)]
        return f"tells {told}" if told else None
    word = None if surface.tells == "nothing" else getattr(kept, surface.tells)
    if surface.tells == "file" and not role.files(kept):
        word = None
    if surface.lists:
        # What was asked for may be said again, so the answer must be another than to what never was.
        missing = word is not None and answer.but(*plain(kept)) == absent.but(*plain(twin))
        return "is not listed" if answer.status != 200 or missing else None
    if answer.status not in (STATUS[seen] if "if-none-match" not in surface.headers else (304, *STATUS[seen])):
        return f"is not {seen}"
    if seen == "shown" and word is not None and word not in answer.text:
        return f"lacks its {surface.tells}"
    return None


def ask_one(told: Told, surface: One, role: Role, kept: Kept) -> Answer:
    headers = {**told.carried[role.name], "accept": surface.accept, **surface.headers}
    return told.asking.ask(surface.method, surface.of(kept), headers)


def plain(kept: Kept) -> tuple[str, ...]:
    """What a question names of a record; what an answer may repeat. What is repeated for a browser is escaped."""
    return kept.id, kept.id.replace("/", "%2F"), kept.key, kept.word, kept.word[:6]


def seen_on(surface: One, role: Role, kept: Kept) -> Seen | None:
    """How a record is seen on a surface; None where two answers are right."""
    if not surface.lists:
        return surface.rule(role, kept)
    if "derivedFrom={id}" in surface.address:
        # The hub links to each; only who sees the target may know of the link, and writers see what was submitted.
        return "shown" if role.inside(OPEN) or role.may_list(kept) else "absent"
    if "status=private" in surface.address:
        return "shown" if role.lists(kept, "private") else "absent"
    if kept.into is not None and role.may_list(kept) and not role.lists(kept):
        # Lists leave out what was merged away; an index may have it, or one that links to it, with words that one may read.
        return None
    return "shown" if role.lists(kept) else "absent"


def betrays(answer: Answer, role: Role, about: Kept | None = None, many: Many | None = None) -> list[str]:
    """What an answer tells that this role may not see."""
    said = answer.told
    found = []
    for kept in STATES.values():
        if kept.key in said and kept is not about and not may_name(role, kept, many):
            found.append(f"the id of {kept.state}")
        if kept.word in said and kept is not about and not may_read(role, kept, many):
            found.append(f"the words of {kept.state}")
        if kept.former in said and not role.former(kept):
            found.append(f"the former words of {kept.state}")
        if kept.file in said and not role.downloads(kept):
            found.append(f"the files of {kept.state}")
        if kept.absent.key in said and not role.inside(OPEN) and kept is not about:
            found.append(f"a link to what is not here: {kept.absent.id}")
    if not (role.everything or role.manage or role.share):
        found += [f"who {name} is" for name in ROLES if name != role.name and word_of(f"person {name}") in said]
        found += [
            f"the group {name}"
            for name in ("first", "second", "third")
            if not grouped(role) and word_of(f"group {name}") in said
        ]
    found += [
        f"the scope {scope}"
        for scope in (*LEAVES, ELSEWHERE)
        if word_of(f"scope {scope}") in said and not role.knows(scope)
    ]
    return found


def grouped(role: Role) -> bool:
    return role.name == "reader by group"


def may_name(role: Role, kept: Kept, many: Many | None) -> bool:
    # Who writes where the hub lies sees what was submitted, ids of what is hidden or not yet here among it.
    return may_read(role, kept, many) or role.inside(OPEN)


def may_read(role: Role, kept: Kept, many: Many | None) -> bool:
    if many is not None and many.tombstones and kept.status in ("withdrawn", "suppressed"):
        return role.reads(kept.scope)
    return role.may_list(kept)


def headers_wrong(answer: Answer, role: Role, everybodys: bytes | None = None) -> list[str]:
    """What is not everybody's may be kept by nobody else, and answers differ by who asks."""
    found = []
    vary = {each.strip().lower() for each in answer.header("vary").split(",")}
    if not {"authorization", "cookie", "accept", "accept-language"} <= vary:
        found.append(f"Vary is {answer.header('vary')!r}")
    kept_by_others = answer.header("cache-control").startswith("public")
    if kept_by_others and role.name != "anonymous" and answer.body != everybodys:
        found.append(f"Cache-Control is {answer.header('cache-control')!r}")
    if not answer.header("cache-control") and answer.status == 200:
        found.append("there is no Cache-Control")
    return found


# --- many records


ALIKE = frozenset(("sitemap.xml", "sitemap/0.xml", "sitemap/pages.xml", ".well-known/void", "health", "ready"))


@each(Many)
def test_what_is_told_of_all_is_what_a_role_may_see(told: Told, surface: Many) -> None:
    wrong: list[str] = []
    answers = ask_many(told, surface)
    everybodys = answers[ROLES["anonymous"]].body
    for role, answer in answers.items():
        where = f"{role.name}: {answer.status}"
        if not surface.guarded and answer.status not in (200, 302):
            wrong.append(f"{where} {answer.text[:200]!r}")
        betrayed = betrays(answer, role, many=surface)
        if betrayed:
            wrong.append(f"{where} tells {betrayed}")
        if surface.whole:
            missing = [
                kept.state
                for kept in STATES.values()
                if role.lists(kept, surface.status) and kept.word not in answer.text
            ]
            if missing:
                wrong.append(f"{where} lacks {missing}")
        if surface.status != "public":
            others = [
                kept.state for kept in STATES.values() if kept.word in answer.text and kept.status != surface.status
            ]
            if others:
                wrong.append(f"{where} lists {others}")
        if surface.address not in ALIKE and "event-stream" not in surface.accept:
            wrong.extend(f"{where}: {bad}" for bad in headers_wrong(answer, role, everybodys))
    assert wrong == []


def ask_many(told: Told, surface: Many) -> dict[Role, Answer]:
    headers = {name: {**told.carried[name], "accept": surface.accept, **surface.headers} for name in ROLES}
    if surface.seconds is not None:
        # A catalogue has sixteen places for streams.
        names = list(headers)
        answers = {}
        for some in (names[::2], names[1::2]):
            asked = told.asking.beside([(surface.address, headers[name]) for name in some], seconds=surface.seconds)
            answers |= dict(zip(some, asked, strict=True))
    else:
        answers = {name: told.asking.ask("GET", surface.address, each) for name, each in headers.items()}
    return {ROLES[name]: answer for name, answer in answers.items()}


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


# --- scopes


@each(OfScope)
def test_a_hidden_scope_answers_as_one_that_never_was(told: Told, surface: OfScope) -> None:
    wrong: list[str] = []
    for role in ROLES.values():
        for scope in SCOPES:
            none = NO_SCOPE[scope]
            twin = ask_scope(told, surface, role, none)
            answer = ask_scope(told, surface, role, scope)
            if not (role.reads(scope) if surface.rule == "reads" else role.knows(scope)):
                if answer.but(scope, scope.replace("/", "%2F")) != twin.but(none, none.replace("/", "%2F")):
                    wrong.append(
                        f"{role.name}, {scope}: {answer.status} {answer.text[:200]} differs from {twin.status} {twin.text[:200]}"
                    )
            elif surface.rule != "asks":
                may = {
                    "reads": True,
                    "governs": role.governs(scope),
                    "manages": role.manages(scope),
                    "audited": role.manages(scope),
                }
                if (answer.status == 200) != may[surface.rule]:
                    wrong.append(f"{role.name}, {scope}: {answer.status} {answer.text[:200]}")
            if betrayed := betrays(answer, role):
                wrong.append(f"{role.name}, {scope}: tells {betrayed}")
    assert wrong == []


def ask_scope(told: Told, surface: OfScope, role: Role, scope: str) -> Answer:
    return told.ask(role.name, surface.address.format(scope=scope), surface.accept)  # type: ignore[no-any-return]


# --- changes


@each(Change)
def test_a_change_of_what_is_hidden_is_refused_as_of_what_never_was(told: Told, surface: Change) -> None:
    wrong: list[str] = []
    method = next(method for (method, _), surfaces in SURFACES.items() if surface in surfaces)
    for role in ROLES.values():
        if role.inside(OPEN):
            # May enter new records of this source, which is then no refusal to compare with.
            hidden = [kept for kept in STATES.values() if role.by_id(kept) == "absent" and kept.source == "gamma"]
        else:
            hidden = [kept for kept in STATES.values() if role.by_id(kept) == "absent" and not role.inside(kept.scope)]
        twins: dict[str, tuple[Answer, Kept]] = {}
        for kept in hidden:
            if kept.source not in twins:
                twins[kept.source] = change(told, role, method, surface, kept.absent), kept.absent
            answer, (absent, twin) = change(told, role, method, surface, kept), twins[kept.source]
            where = f"{role.name}, {kept.state}: {answer.status} {answer.text[:160]!r}"
            if answer.but(*plain(kept)) != absent.but(*plain(twin)):
                wrong.append(f"{where} differs from {absent.status} {absent.text[:160]!r}")
            if answer.status < 400 and "refused" not in answer.text:
                wrong.append(f"{where} was done")
    assert wrong == []


def change(told: Told, role: Role, method: str, surface: Change, kept: Kept) -> Answer:
    return told.send(  # type: ignore[no-any-return]
        role.name, method, surface.address.format(id=kept.id), filled(surface.document, kept), **surface.headers
    )


def filled(document: Any, kept: Kept) -> Any:
    if isinstance(document, str):
        return document.format(id=kept.id, key=kept.key, source=kept.source)
    if isinstance(document, dict):
        return {name: filled(value, kept) for name, value in document.items()}
    return document


@each(ChangeOfScope)
def test_a_change_of_a_scope_that_is_hidden_is_refused_as_of_one_that_never_was(
    told: Told, surface: ChangeOfScope
) -> None:
    wrong: list[str] = []
    method = next(method for (method, _), surfaces in SURFACES.items() if surface in surfaces)
    for role in ROLES.values():
        for scope in SCOPES:
            if role.knows(scope) or role.inside(scope) or role.everything:
                continue
            none = NO_SCOPE[scope]
            twin = change_scope(told, role, method, surface, none)
            answer = change_scope(told, role, method, surface, scope)
            one, other = (NEW.sub("…", str(each)) for each in (answer.but(scope), twin.but(none)))
            if one != other:
                wrong.append(f"{role.name}, {scope}: {one[:300]} differs from {other[:300]}")
    assert wrong == []


def change_scope(told: Told, role: Role, method: str, surface: ChangeOfScope, scope: str) -> Answer:
    document = {
        name: value.format(scope=scope) if isinstance(value, str) else value for name, value in surface.document.items()
    }
    return told.send(role.name, method, surface.address.format(scope=scope), document)  # type: ignore[no-any-return]


# --- what tells nothing of records


@each(Nothing)
def test_what_has_nothing_of_records_tells_nothing_of_them(told: Told, surface: Nothing) -> None:
    if surface.address is None:
        return
    method = next(method for (method, _), surfaces in SURFACES.items() if surface in surfaces)
    for name in ("anonymous", "signed in", "another facility's administrator"):
        if method == "GET":
            answer = told.ask(name, surface.address, "*/*")
        else:
            answer = told.send(name, method, surface.address, surface.document)
        assert answer.status in surface.status, f"{name}: {answer.status} {answer.text[:300]}"
        assert betrays(answer, ROLES[name]) == [], name
