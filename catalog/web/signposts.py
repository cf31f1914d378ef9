"""Where programs go on from a record: typed links as FAIR signposting has them (signposting.org, RFC 8288, RFC 9264)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import orjson

from catalog.discovery.show import Shown
from catalog.records.identifiers import is_iri, is_record_id
from catalog.web import schema_org
from catalog.web.negotiation import HTML, Form

# More than a few would outgrow what servers let pass as headers; a link set tells them all.
MOST_IN_HEADER: Final = 20
ASCII: Final = "%!#$&'()*+,/:;=?@[]-._~"
LINKSET: Final = Form("linkset", "application/linkset+json", "Linkset")


@dataclass(frozen=True, slots=True)
class Signpost:
    """One link: how what it leads to is related to where it stands, and the media type that is to be expected there."""

    rel: str
    href: str
    type: str | None = None


def header(signposts: Iterable[Signpost]) -> str:
    """The links as the value of a Link header, of those that may be many only the first."""
    counts: defaultdict[str, int] = defaultdict(int)
    told = []
    for each in signposts:
        counts[each.rel] += 1
        if counts[each.rel] <= MOST_IN_HEADER:
            type_ = f'; type="{each.type}"' if each.type else ""
            # A header holds ASCII; an IRI may hold more.
            told.append(f'<{quote(each.href, safe=ASCII)}>; rel="{each.rel}"{type_}')
    return ", ".join(told)


def linkset(sets: Mapping[str, Iterable[Signpost]]) -> bytes:
    """The links of several resources, by the address of each, as a link set (RFC 9264, 4.2)."""
    told = []
    for anchor, signposts in sets.items():
        links: dict[str, Any] = {"anchor": anchor}
        for each in signposts:
            target = {"href": each.href, **({"type": each.type} if each.type else {})}
            links.setdefault(each.rel, []).append(target)
        told.append(links)
    return orjson.dumps({"linkset": told})


def of_page(
    id: str,
    root: str,
    forms: Sequence[Form],
    document: Mapping[str, Any] | None,
    agents: Mapping[str, Mapping[str, Any]],
    *,
    files: bool = False,
) -> list[Signpost]:
    """The links of a record's page. `document` is its linked form as the reader may see it, `agents` those of its makers."""
    told = [] if document is None else list(_said_by(document, root, agents))
    for form in forms:
        if form is not HTML:
            told.append(Signpost("describedby", _address(root, id, form), form.media_type))
            told.append(Signpost("alternate", _address(root, id, form), form.media_type))
    if files:
        told.append(Signpost("item", f"{root}files/{id}", "application/x-ndjson"))
    told.append(Signpost("linkset", _address(root, id, LINKSET), LINKSET.media_type))
    return told


def of_form(id: str, root: str, forms: Sequence[Form], form: Form, cited_as: str | None) -> list[Signpost]:
    """The links of one of a record's forms for programs: what it describes, and the other forms."""
    told = [Signpost("cite-as", cited_as)] if cited_as else []
    told.append(Signpost("describes", root + id, HTML.media_type))
    told += [
        Signpost("alternate", _address(root, id, other), other.media_type)
        for other in forms
        if other is not form and other is not HTML
    ]
    told.append(Signpost("linkset", _address(root, id, LINKSET), LINKSET.media_type))
    return told


def whole(
    id: str,
    base: str,
    forms: Sequence[Form],
    document: Mapping[str, Any],
    agents: Mapping[str, Mapping[str, Any]],
    *,
    files: bool = False,
) -> bytes:
    """The link set of a record: the links of its page and of each of its forms."""
    cited_as = schema_org.citable(document)
    sets = {base + id: of_page(id, base, forms, document, agents, files=files)}
    for form in forms:
        if form is not HTML:
            sets[_address(base, id, form)] = of_form(id, base, forms, form, cited_as)
    return linkset(sets)


def cited_in(told: bytes, found: Shown) -> str | None:
    """The address to cite a record by, from what is answered as JSON; most records need not be looked through."""
    if b'"doi"' not in told and b'"handle"' not in told:
        return None
    body = found.document.get("body")
    identifiers = body.get("identifiers") if isinstance(body, dict) else None
    # As it was submitted, an identifier's value is not yet called `text`.
    return schema_org.citable(
        {"identifiers": [{**each, "text": each.get("value")} for each in identifiers or () if isinstance(each, dict)]}
    )


def _address(root: str, id: str, form: Form) -> str:
    return f"{root}{id}?format={form.name}"


def _said_by(document: Mapping[str, Any], root: str, agents: Mapping[str, Mapping[str, Any]]) -> Iterable[Signpost]:
    if cited_as := schema_org.citable(document):
        yield Signpost("cite-as", cited_as)
    yield Signpost("type", "https://schema.org/AboutPage")
    yield Signpost("type", schema_org.CONTEXT + schema_org.type_of(document))
    licence = document.get("license")
    if isinstance(licence, str) and is_iri(licence):
        yield Signpost("license", licence)
    for maker in schema_org.creators_of(document):
        known = schema_org.known_as(agents[maker]) if maker in agents else []
        yield Signpost("author", known[0] if known else _whole(maker, root))
    for rel, field in (("item", "hasPart"), ("collection", "isPartOf")):
        for link in document.get(field) or ():
            yield Signpost(rel, _whole(link["to"], root))


def _whole(reference: str, root: str) -> str:
    return root + reference if is_record_id(reference) else reference
