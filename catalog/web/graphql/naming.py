"""What things are called in the schema: kinds, their fields, and links from the other end, each name once.

A name follows from the kinds alone, and what an installation adds never renames what was there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from catalog.errors import Misconfigured
from catalog.records.kinds import Field, Kind, Kinds

# What every record tells besides the fields of its kind.
OF_RECORD: Final = frozenset(
    """id kind source localId profile scope status revision newest created modified entry findings files revisions submitted
    turtle jsonLd myRights outgoing incoming condition attribute""".split()
)
# What every filter takes besides the fields of its kind.
OF_FILTER: Final = frozenset(
    """and or not id source localId profile scope created modified identifier formats attribute condition measured term
    outgoing incoming""".split()
)
# Types that no kind can be.
OF_SCHEMA: Final = ("Query", "Mutation", "Subscription", "JSON", "Long", "ID", "String", "Int", "Float", "Boolean")
# A field of such a name is told and asked for as `bodyStatus`, as it is over REST as `body.status`.
SHADOWS: Final = OF_RECORD | OF_FILTER
_LEGAL: Final = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_]*")


def pascal(name: str) -> str:
    """`research-voyage` as `ResearchVoyage`."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[-.\s]+", name))


def camel(name: str) -> str:
    """`research-voyages` as `researchVoyages`; a name without hyphens as it is."""
    made = pascal(name)
    return name[:1] + made[1:] if made else name


def legal(name: str, of: str) -> str:
    """The name, or Misconfigured: GraphQL has letters, digits and underscores of ASCII alone."""
    if not _LEGAL.fullmatch(name):
        raise Misconfigured(
            f"{of}: GraphQL cannot say {name!r}; names are letters, digits and underscores, and begin with no digit",
            ja=f"{of}: {name!r} は GraphQL の名前にできません。英数字と下線だけを使い、数字で始めないでください",
        )
    return name


def taken_twice(name: str, one: str, other: str) -> Misconfigured:
    """The refusal of kinds for which one name would mean two things."""
    return Misconfigured(
        f"in GraphQL {name!r} would be both {one} and {other}; rename one of them",
        ja=f"GraphQL では {name!r} が {one} と {other} の両方を指します。どちらかの名前を変えてください",
    )


@dataclass(frozen=True, slots=True)
class Inverse:
    """A link field of another kind, seen from the record that it points to."""

    name: str
    kind: Kind  # which has the field
    field: Field


def field_names(kind: Kind) -> dict[str, Field]:
    """The fields of a kind by what they are called."""
    names: dict[str, Field] = {}
    for field in kind.fields:
        name = legal(camel(field.name), f"kind {kind.name}")
        if name in SHADOWS:
            name = "body" + name[0].upper() + name[1:]
        if name in names or name in SHADOWS:
            raise taken_twice(
                name, f"{kind.name}.{field.name}", f"{kind.name}.{names[name].name if name in names else name}"
            )
        names[name] = field
    return names


def inverses(kind: Kind, kinds: Kinds) -> tuple[Inverse, ...]:
    """How the links to records of a kind are called from there: by who links, and through which field unless it is plain.

    It is plain where the field bears the plural of the kind (`dataset.samples` is `sample.datasets`), and nothing else there
    bears that name. Fields that may point to any kind have no name here; `incoming` leads along them.
    """
    own = {camel(field.name) for field in kind.fields} | SHADOWS
    made: list[Inverse] = []
    for other in kinds.values():
        for field in other.fields:
            if field.form != "links" or kind.name not in field.kinds:
                continue
            name = camel(other.plural)
            if field.name != camel(kind.plural) or name in own:
                name += "Via" + pascal(field.name)
            if name in own:
                raise taken_twice(name, f"a field of {kind.name}", f"the links from {other.name}.{field.name}")
            own.add(name)
            made.append(Inverse(legal(name, f"kind {kind.name}"), other, field))
    return tuple(made)


def common_fields(kinds: Kinds) -> tuple[str, ...]:
    """The fields that every kind has by building on the common record, and none of them has made another."""
    return tuple(
        field.name
        for field in next(iter(kinds.values())).fields
        if field.name in kinds.common
        and all(field.name in kind.field and shape(kind.field[field.name]) == shape(field) for kind in kinds.values())
    )


def shape(field: Field) -> tuple[object, ...]:
    """What the type of a field follows from."""
    inner = () if field.form == "links" else tuple(shape(each) for each in field.fields)
    return (field.name, field.form, field.many, field.scalar, field.kinds, field.private, inner)
