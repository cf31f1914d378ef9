"""From a name that a thing has elsewhere to the record that describes it here."""

from __future__ import annotations

import re
from typing import Final

from catalog.discovery.show import show
from catalog.errors import Gone, NotFound
from catalog.ledger.answer import Answers
from catalog.ledger.statement import Terms
from catalog.questions.question import Identified, Or, Question, Selection
from catalog.questions.reader import Reader
from catalog.records.identifiers import is_record_id

MOST = 100
# Where the usual schemes are resolved: people paste these addresses.
RESOLVERS: Final[dict[str, str]] = {
    r"https?://(?:dx\.)?doi\.org/": "doi",
    r"https?://orcid\.org/": "orcid",
    r"https?://ror\.org/": "ror",
    r"https?://hdl\.handle\.net/": "handle",
    r"https?://identifiers\.org/(?=[^/]+[:/])": "",
}
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9.+-]*):(?!//)(.+)", re.DOTALL)


def resolve(name: str, reader: Reader, *, answers: Answers) -> tuple[str, ...]:
    """The ids of the records that bear this name (`doi:10.1/x`, `https://doi.org/10.1/x`, an accession, an id), primary first.

    NotFound if the reader may see none.
    """
    if is_record_id(name) and _is_known(name, reader, answers):
        return (name,)
    ways = identified(name)
    question = Question(where=Or(tuple(ways)), selection=Selection(), first=MOST)
    found = [item.at.id for item in answers.find(question, reader).items]
    for way in ways if not found else ():
        # What was merged into another is in no list, and its names go on to lead there.
        rows = answers.rows(_became, {"value": way.value, "scheme": way.scheme or ""}, reader)
        found += [id for (id,) in rows if id not in found]
    if not found:
        raise NotFound(f"{name:.200}: no record bears this name", ja=f"{name:.200}: この名前を持つレコードはありません")
    if len(found) > 1:
        rows = answers.rows(_primary, {"value": ways[-1].value}, reader)
        primary = {id for (id,) in rows}
        found.sort(key=lambda id: id not in primary)
    return tuple(found)


def _is_known(id: str, reader: Reader, answers: Answers) -> bool:
    try:
        show(id, reader, answers=answers, selection=Selection())
    except NotFound:
        return False
    except Gone:
        return True  # whoever asks for it will be told so
    return True


def identified(name: str) -> list[Identified]:
    """The ways in which a name may stand among identifiers: as it is, and split into scheme and value."""
    ways = [Identified(name)]
    for resolver, scheme in RESOLVERS.items():
        if found := re.match(resolver, name, re.IGNORECASE):
            rest = name[found.end() :]
            return [*ways, Identified(rest, scheme)] if scheme else [*ways, *identified(rest)]
    if found := _SCHEME.fullmatch(name):
        ways.append(Identified(found[2], found[1].lower()))
    return ways


def _became(terms: Terms) -> str:
    scheme = terms.value("scheme")
    return (
        f"{terms.beginning()} SELECT DISTINCT bn.id FROM identifier i JOIN record r ON r.key = i.record JOIN scope s ON s.key = r.scope"
        " JOIN record b ON b.key = r.merged_into JOIN node bn ON bn.key = b.key JOIN scope bs ON bs.key = b.scope"
        f" WHERE i.value = {terms.value('value')} AND ({scheme} = '' OR i.scheme = {scheme}) AND r.status = 'public' AND {terms.readable('s')}"
        f" AND b.status = 'public' AND {terms.readable('bs')} ORDER BY bn.id LIMIT {MOST}"
    )


def _primary(terms: Terms) -> str:
    return (
        "SELECT n.id FROM identifier i JOIN node n ON n.key = i.record"
        f" WHERE i.value = {terms.value('value')} AND i.is_primary"
    )
