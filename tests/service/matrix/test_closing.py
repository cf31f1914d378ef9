"""What is closed is gone at the next request on every surface, while nobody feeds the graph and the index."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from catalog.questions.reader import ADMINISTRATOR
from tests.service.matrix.asking import Answer
from tests.service.matrix.catalogue import CLOSED, CONTROLLED, FUTURE, HUB, OPEN, STATES, Kept, Told, in_seconds
from tests.service.matrix.surfaces import HTML, SURFACES, Many, One

# What links to every record, and so may tell of it.
ABOUT_HUB = (
    One(HUB),
    One(HUB, HTML),
    One(HUB, "text/turtle"),
    One(HUB, "application/ld+json"),
    One(f"links/{HUB}"),
    One(f"revisions/{HUB}"),
    One(f"{HUB}?revision=1"),
)


@dataclass(frozen=True)
class Way:
    """A way of closing: who loses sight of what, and by what."""

    name: str
    role: str
    state: str
    act: Callable[[Told], object]
    # What is left out of lists stays readable by its id.
    by_id_too: bool = True

    @property
    def kept(self) -> Kept:
        return STATES[self.state]


def revoke(holder: str) -> Callable[[Told], object]:
    def act(told: Told) -> None:
        for id in told.permissions[told.people.get(holder, holder)]:
            told.catalog.grants.revoke(id, ADMINISTRATOR)

    return act


def done(method: str, address: str, document: object) -> Callable[[Told], object]:
    return lambda told: told.made(method, address, document)


WAYS = (
    Way("a grant is taken back", "reader by grant", "limited", revoke("reader by grant")),
    Way("a grant to everyone is taken back", "anonymous", "timed public", revoke("everyone")),
    Way(
        "a group is left",
        "reader by group",
        "limited",
        lambda told: told.catalog.groups.remove("group:third", told.people["reader by group"], ADMINISTRATOR),
    ),
    Way(
        "a link is taken back",
        "reader by link in a browser",
        "limited",
        lambda told: told.catalog.links.end(told.link, ADMINISTRATOR),
    ),
    Way(
        "a group between is dissolved",
        "of a group in a group",
        "embargoed metadata",
        lambda told: told.catalog.groups.end("group:between", ADMINISTRATOR),
    ),
    Way(
        "a record is moved to another scope",
        "anonymous",
        "embargoed data",
        done("POST", f"scope/{STATES['embargoed data'].id}", {"scope": CLOSED}),
    ),
    Way(
        "an embargo is set", "anonymous", "controlled", done("PATCH", f"scopes/{CONTROLLED}", {"metadataUntil": FUTURE})
    ),
    Way("a record is hidden", "reader by link", "limited once", done("POST", f"hide/{STATES['limited once'].id}", {})),
    Way(
        "a record is withdrawn",
        "reader by link",
        "private once",
        done("POST", f"withdraw/{STATES['private once'].id}", {"reason": "by mistake"}),
    ),
    Way(
        "a record is suppressed",
        "reader by link",
        "embargoed metadata",
        done("POST", f"suppress/{STATES['embargoed metadata'].id}", {}),
        by_id_too=False,
    ),
    Way("a scope becomes limited", "signed in", "public", done("PATCH", f"scopes/{OPEN}", {"mode": "limited"})),
)


@pytest.mark.parametrize("way", WAYS, ids=[way.name for way in WAYS])
def test_what_is_closed_is_gone_from_every_surface_at_once(told: Told, way: Way) -> None:
    if way.role == "of a group in a group":
        in_groups(told, way.role)
    # The projections have followed to here: as they were copied, or at the end of the way before.
    before = [surface for surface, answer in everywhere(told, way) if way.kept.word in answer.text]
    # Nobody would notice that it is gone where it never was.
    assert len(before) > (15 if way.by_id_too else 8), [surface.address for surface in before]
    assert any("sparql" in surface.address for surface in before)
    assert any("search" in surface.address for surface in before)
    way.act(told)
    assert tells(told, way) == []
    told.catch_up()
    assert tells(told, way) == []


def test_what_was_given_until_a_time_is_gone_when_it_comes(told: Told) -> None:
    way = Way("its time is over", "for a moment", "limited", lambda _: None)
    id = told.somebody(way.role)
    before: list[str] = []
    until = in_seconds(0)
    # Long enough for a busy machine to look everywhere once before it is over.
    for seconds in (4, 20, 100):
        until = in_seconds(seconds)
        told.let(id, ("read",), (CLOSED,), until=until)
        before = [surface.address for surface, answer in everywhere(told, way) if way.kept.word in answer.text]
        if in_seconds(0) < until:
            break
    assert len(before) > 15
    while in_seconds(0) <= until:
        time.sleep(0.05)
    assert tells(told, way) == []


def tells(told: Told, way: Way) -> list[str]:
    """The surfaces on which something of a closed record is left."""
    wrong = []
    for surface, answer in everywhere(told, way):
        if isinstance(surface, One) and "{" in surface.address and not way.by_id_too:
            continue
        asked = surface.of(way.kept) if isinstance(surface, One) else surface.address
        words = [way.kept.word, way.kept.former, way.kept.file]
        if not (isinstance(surface, Many) and surface.tombstones):
            # That it is gone is told, by its id, to who could read it.
            words.append(way.kept.key)
        left = [word for word in words if word in answer.told and word not in asked]
        if left:
            wrong.append(f"{asked} ({surface.accept}): {answer.status} tells {left}")
        elif answer.status >= 500 and not ("sparql" in asked and answer.status == 503 and answer.header("retry-after")):
            wrong.append(f"{asked} ({surface.accept}): {answer.status} {answer.text[:200]}")
    return wrong


def everywhere(told: Told, way: Way) -> Iterator[tuple[One | Many, Answer]]:
    """Every surface that tells of records, as this role sees it; queries side by side, since each waits for the graph."""
    every = [one for surfaces in SURFACES.values() for one in surfaces if isinstance(one, One | Many)]
    queries = [one for one in every if one.address.startswith("sparql?")]
    carried = told.carried[way.role]
    asked = [(one.address, {**carried, "accept": one.accept}) for one in queries]
    yield from zip(queries, told.asking.beside(asked), strict=True)
    for one in (*every, *ABOUT_HUB):
        if one in queries:
            continue
        headers = {**carried, "accept": one.accept, **one.headers}
        if isinstance(one, Many):
            yield one, told.asking.ask("GET", one.address, headers, seconds=one.seconds)
        else:
            yield one, told.asking.ask(one.method, one.of(way.kept), headers)


def in_groups(told: Told, role: str) -> None:
    """Somebody in a group that is in another, which holds the right."""
    id = told.somebody(role)
    for group in ("inner", "between", "outer"):
        told.catalog.groups.create(group, group, ADMINISTRATOR)
    told.catalog.groups.add("group:outer", "group:between", ADMINISTRATOR)
    told.catalog.groups.add("group:between", "group:inner", ADMINISTRATOR)
    told.catalog.groups.add("group:inner", id, ADMINISTRATOR)
    told.let("group:outer", ("read",), ("alpha",))
