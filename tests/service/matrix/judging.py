"""What is wrong with an answer: what it tells that its role may not see, lacks that they may, or says unlike what never was."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.service.matrix.asking import Answer
from tests.service.matrix.catalogue import (
    CLOSED,
    ELSEWHERE,
    LATER,
    LEAVES,
    OPEN,
    PRIVATE,
    ROLES,
    STATES,
    Kept,
    Role,
    Told,
)
from tests.service.matrix.private import Private
from tests.service.matrix.surfaces import SURFACES, Change, ChangeOfScope, Many, OfScope, One, Seen
from tests.service.matrix.words import word_of

STATUS: Mapping[Seen, tuple[int, ...]] = {
    "shown": (200,),
    "gone": (410,),
    "moved": (303, 308),
    "absent": (404,),
    "forbidden": (401, 403, 404, 406, 422),
}
CODES: Mapping[str, Seen] = {"GONE": "gone", "MOVED": "moved", "NOT_FOUND": "absent"}
# What every answer to a change says anew.
NEW = re.compile(r"\b[0-9a-f]{16,}\b|\d{4}-\d\d-\d\dT[\d:.]+Z")
SCOPES = (CLOSED, LATER, ELSEWHERE)
# For each another below its root, as long as it is, that never was.
NO_SCOPE = {CLOSED: "alpha/nowher", LATER: "alpha/nothin", ELSEWHERE: "gamma/nowher"}
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


def surfaces_of(kind: type[Any]) -> list[Any]:
    """Every surface of this sort."""
    return [surface for surfaces in SURFACES.values() for surface in surfaces if isinstance(surface, kind)]


def named(surface: Any) -> str:
    """What a surface is called among the tests."""
    return " ".join(
        part
        for part in (getattr(surface, "method", ""), surface.address or "", getattr(surface, "accept", ""))
        if part not in ("GET", "application/json")
    )


def method_of(surface: Any) -> str:
    """How it is asked."""
    return next(method for (method, _), surfaces in SURFACES.items() if surface in surfaces)


# --- one record


def wrong_of_one(told: Told, surface: One) -> list[str]:
    """What is amiss in what each role is told of each record."""
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
    return wrong


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
    if surface.coded:
        if told_as(answer) != seen:
            return f"is not {seen}"
    elif answer.status not in (STATUS[seen] if "if-none-match" not in surface.headers else (304, *STATUS[seen])):
        return f"is not {seen}"
    if seen == "shown" and word is not None and word not in answer.text:
        return f"lacks its {surface.tells}"
    return None


def told_as(answer: Answer) -> Seen:
    """What an answer of GraphQL's says that a record is: by its data, or by the code of its error."""
    document = answer.json()
    codes = {each["extensions"]["code"] for each in document.get("errors", ())}
    if codes:
        return CODES.get(codes.pop(), "forbidden") if len(codes) == 1 else "forbidden"
    (data,) = document["data"].values()
    return "shown" if data not in (None, [None]) else "absent"


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


def betrays(answer: Answer, role: Role, about: Kept | Private | None = None, many: Many | None = None) -> list[str]:
    """What an answer tells that this role may not see."""
    said = answer.told
    return [
        each.what
        for each in forbidden(role, many is not None and many.tombstones)
        if each.word in said and (each.unless is None or each.unless is not about)
    ]


class Forbidden(NamedTuple):
    """A word that somebody may not be told, what it stands for, and the record after which they may have asked by it."""

    word: str
    what: str
    unless: Kept | Private | None = None


@functools.cache
def forbidden(role: Role, tombstones: bool) -> tuple[Forbidden, ...]:
    """Every word that a role may not be told; of a surface with tombstones, what was taken out of lists is named."""
    found = []
    for kept in STATES.values():
        seen = may_read(role, kept, tombstones=tombstones)
        # Who writes where the hub lies sees what was submitted, ids of what is hidden or not yet here among it.
        if not seen and not role.inside(OPEN):
            found.append(Forbidden(kept.key, f"the id of {kept.state}", kept))
        if not seen:
            found.append(Forbidden(kept.word, f"the words of {kept.state}", kept))
        if not role.former(kept):
            found.append(Forbidden(kept.former, f"the former words of {kept.state}"))
        if not role.downloads(kept):
            found.append(Forbidden(kept.file, f"the files of {kept.state}"))
        if not role.inside(OPEN):
            found.append(Forbidden(kept.absent.key, f"a link to what is not here: {kept.absent.id}", kept))
    for private in PRIVATE:
        if not role.reads(private.scope):
            found.append(Forbidden(private.key, f"the id of the {private.kind} in {private.scope}", private))
        if not role.inside(private.scope):
            words = (*private.now, *private.formerly)
            found += [Forbidden(word, f"what is private of the {private.kind} in {private.scope}") for word in words]
    if not (role.everything or role.manage or role.share):
        found += [Forbidden(word_of(f"person {name}"), f"who {name} is") for name in ROLES if name != role.name]
        if not grouped(role):
            found += [Forbidden(word_of(f"group {name}"), f"the group {name}") for name in ("first", "second", "third")]
    for scope in (*LEAVES, ELSEWHERE):
        if not role.knows(scope):
            found.append(Forbidden(word_of(f"scope {scope}"), f"the scope {scope}"))
    return tuple(found)


def grouped(role: Role) -> bool:
    return role.name == "reader by group"


def may_read(role: Role, kept: Kept, *, tombstones: bool) -> bool:
    """Whether a role may be told of a record among others."""
    if tombstones and kept.status in ("withdrawn", "suppressed"):
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


def wrong_of_many(told: Told, surface: Many) -> list[str]:
    """What is amiss in what each role is told of all records at once."""
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
    return wrong


def ask_many(told: Told, surface: Many) -> dict[Role, Answer]:
    headers = {name: {**told.carried[name], "accept": surface.accept, **surface.headers} for name in ROLES}
    if surface.seconds is not None:
        # A catalogue has sixteen places for streams.
        names = list(headers)
        answers: dict[str, Answer] = {}
        for some in (names[::2], names[1::2]):
            asked = told.asking.beside([(surface.address, headers[name]) for name in some], seconds=surface.seconds)
            answers |= dict(zip(some, asked, strict=True))
    else:
        answers = {name: told.asking.ask("GET", surface.address, each) for name, each in headers.items()}
    return {ROLES[name]: answer for name, answer in answers.items()}


# --- scopes


def wrong_of_scope(told: Told, surface: OfScope) -> list[str]:
    """What is amiss in what each role is told of scopes."""
    wrong: list[str] = []
    for role in ROLES.values():
        for scope in SCOPES:
            none = NO_SCOPE[scope]
            twin = ask_scope(told, surface, role, none)
            answer = ask_scope(told, surface, role, scope)
            if not role.knows(scope):
                if answer.but(scope, scope.replace("/", "%2F")) != twin.but(none, none.replace("/", "%2F")):
                    wrong.append(
                        f"{role.name}, {scope}: {answer.status} {answer.text[:200]} differs from {twin.status} {twin.text[:200]}"
                    )
            elif surface.rule != "asks":
                may = {
                    "knows": True,
                    "governs": role.governs(scope),
                    "manages": role.manages(scope),
                    "audited": role.manages(scope),
                }
                if (answer.status == 200) != may[surface.rule]:
                    wrong.append(f"{role.name}, {scope}: {answer.status} {answer.text[:200]}")
            if betrayed := betrays(answer, role):
                wrong.append(f"{role.name}, {scope}: tells {betrayed}")
    return wrong


def ask_scope(told: Told, surface: OfScope, role: Role, scope: str) -> Answer:
    return told.ask(role.name, surface.address.format(scope=scope), surface.accept)  # type: ignore[no-any-return]


# --- changes


def wrong_of_change(told: Told, surface: Change) -> list[str]:
    """What is amiss in how each role is refused a change of what they do not see."""
    wrong: list[str] = []
    method = method_of(surface)
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
            if surface.done is None:
                if answer.status < 400 and "refused" not in answer.text:
                    wrong.append(f"{where} was done")
            elif answer.status != 200 or '"errors"' in answer.text:
                wrong.append(f"{where} was not tried")
            elif surface.done in answer.text and not _nothing(answer):
                wrong.append(f"{where} was done")
    return wrong


def _nothing(answer: Answer) -> bool:
    """Whether what is told to have been done was done of nothing: no record of several was entered, or would be."""
    return answer.json()["data"]["made"]["done"] in (0, [])


def change(told: Told, role: Role, method: str, surface: Change, kept: Kept) -> Answer:
    return told.send(  # type: ignore[no-any-return]
        role.name,
        method,
        surface.address.format(id=kept.id),
        filled(surface.document, id=kept.id, key=kept.key, source=kept.source),
        **surface.headers,
    )


def filled(document: Any, **words: str) -> Any:
    if isinstance(document, str):
        return document.format(**words)
    if isinstance(document, dict):
        return {name: filled(value, **words) for name, value in document.items()}
    return document


def wrong_of_change_of_scope(told: Told, surface: ChangeOfScope) -> list[str]:
    """The same of a scope."""
    wrong: list[str] = []
    method = method_of(surface)
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
    return wrong


def change_scope(told: Told, role: Role, method: str, surface: ChangeOfScope, scope: str) -> Answer:
    document = filled(surface.document, scope=scope)
    return told.send(role.name, method, surface.address.format(scope=scope), document)  # type: ignore[no-any-return]


# --- private fields

# What is built for everybody holds nothing of them, not even for those who may read them where the record is.
PROJECTED = ("search", "sparql", "void", "sitemap")


def wrong_of_private(told: Told, surface: One) -> list[str]:
    """What is amiss in what each role is told of what is private in a record."""
    wrong: list[str] = []
    for role in ROLES.values():
        if surface.few and role.name not in FEW:
            continue
        for private in PRIVATE:
            where = f"{role.name}, the {private.kind} in {private.scope}"
            headers = {**told.carried[role.name], "accept": surface.accept, **surface.headers}
            answer = told.asking.ask(surface.method, surface.address.format(id=private.id), headers)
            inside = role.inside(private.scope)
            if said := betrays(answer, role, private):
                wrong.append(f"{where}: {answer.status} tells {said}")
            if not inside and "between=" in surface.address and answer.status == 200:
                # The two differ in what is private and in nothing else.
                wrong += [f"{where}: tells that {path[0]} changed" for path in private.paths if path[0] in answer.text]
            words: tuple[str, ...] = ()
            if surface.accept == "application/json" and surface.method == "GET" and not surface.headers and inside:
                words = {"{id}": private.now, "{id}?revision=1": private.formerly}.get(surface.address, ())
            wrong += [f"{where}: lacks {word} {answer.text[:300]!r}" for word in words if word not in answer.text]
    return wrong


def wrong_of_projected(told: Told, surface: Many) -> list[str]:
    """What of a private field has come into what is built for everybody."""
    answer = told.ask("administrator", surface.address, surface.accept)
    words = [word for private in PRIVATE for word in (*private.now, *private.formerly)]
    return [f"{surface.address} tells {word}" for word in words if word in answer.told]
