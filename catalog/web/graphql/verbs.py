"""A mutation as it is asked and answered: what was done, or a typed refusal; and the audit is told of what was forbidden."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Union

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from catalog.assembly import Catalog
from catalog.errors import CatalogError, Malformed
from catalog.errors import Forbidden as Denied
from catalog.questions.reader import PUBLIC, Reader
from catalog.web.graphql.context import Context
from catalog.web.graphql.definitions import Words, argument, both
from catalog.web.graphql.payloads import Payload
from catalog.web.graphql.refusals import Refusal, Unauthenticated, refusal_of
from catalog.web.refusals import Unauthorized
from catalog.web.writing import demand_known

About = tuple[str | None, str | None]  # the scope and the record that something is about


@dataclass(frozen=True, slots=True)
class Said(Mapping[str, Any]):
    """One mutation as it was asked: its arguments as they were written, what is null among them, and by whom."""

    info: strawberry.Info[Context, Any]
    arguments: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arguments)

    def __len__(self) -> int:
        return len(self.arguments)

    @property
    def context(self) -> Context:
        """The request that it came with."""
        return self.info.context

    @property
    def catalog(self) -> Catalog:
        """The catalogue that is written to."""
        return self.context.catalog

    @property
    def reader(self) -> Reader:
        """Who writes."""
        return self.context.reader

    def tell_refused(self, about: About, **more: Any) -> None:
        """Let the audit know what was forbidden."""
        # Nothing is called so; and what can't be looked up must not keep the line from being written.
        named = about if all(each is None or each.isprintable() for each in about) else (None, None)
        asker = self.context.asker
        told = {"method": "POST", "path": "/graphql", "mutation": self.info.field_name, **more}
        self.context.site.tell_refused_write(asker.reader.id, asker.address, named, **told)


def about_arguments(said: Mapping[str, Any]) -> About:
    """What the arguments name."""
    return said.get("scope"), said.get("id")


def verb(
    name: str,
    do: Callable[[Said], Any],
    payload: type[Payload] | tuple[type[Payload], ...],
    refusals: Sequence[Refusal],
    words: Words,
    *arguments: StrawberryArgument,
    about: Callable[[Said], About] = about_arguments,
) -> StrawberryField:
    """The field of a mutation: `do` answers with its payload or raises, of which what may be expected is part of the result."""

    def run(info: strawberry.Info[Any, Any], **given: Any) -> Any:
        said = Said(info, given)
        try:
            demand_known(said.reader)
            _demand_text(given)
            return do(said)
        except CatalogError as error:
            if isinstance(error, Denied | Unauthorized) and not said.get("dryRun"):
                said.tell_refused(about(said))
            return told_of(said, error, refusals)

    field = StrawberryField(
        python_name=name,
        graphql_name=name,
        type_annotation=StrawberryAnnotation(result_of(name, payload, refusals)),
        base_resolver=StrawberryResolver(run),
        description=both(words),
    )
    field.arguments = list(arguments)
    return field


def _demand_text(value: Any) -> None:
    """Malformed if a text holds what a literal of GraphQL can say, and no database and no JSON of ours keeps."""
    match value:
        case str() if "\0" in value:
            raise Malformed(
                "A text holds the character NUL (U+0000).", ja="文字列に NUL 文字（U+0000）が含まれています。"
            )
        case Mapping():
            for each in value.values():
                _demand_text(each)
        case list():
            for each in value:
                _demand_text(each)
        case _:
            pass


def result_of(name: str, payload: type[Payload] | tuple[type[Payload], ...], refusals: Sequence[Refusal]) -> Any:
    """The type of a mutation's result. Whoever is forbidden something may not have said yet who they are."""
    words = both((f"What became of `{name}`.", f"`{name}` の結果。"))
    union = strawberry.union(f"{name[:1].upper()}{name[1:]}Result", description=words)
    payloads = payload if isinstance(payload, tuple) else (payload,)
    return Annotated[Union[(*payloads, *refusals, Unauthenticated)], union]


def told_of(said: Said, error: CatalogError, refusals: Sequence[Refusal]) -> Payload:
    """The refusal that an error is; one that nobody expects of this mutation goes on as an error."""
    made = refusal_of(error, anonymous=said.reader.id == PUBLIC.id)
    if made is None or type(made) not in (*refusals, Unauthenticated):
        raise error
    return made


# --- arguments that several have

ID: Final = argument("id", strawberry.ID, ("The record's id: `sample/lab/s-1`.", "レコードの ID（`sample/lab/s-1`）。"))
EXPECTED: Final = argument(
    "expectedRevision",
    int | None,
    (
        "The revision that it was decided from; if the record has moved on, the answer is a `Conflict`.",
        "判断のもとになった版の番号。レコードが進んでいれば `Conflict`。",
    ),
)
REASON: Final = argument("reason", str, ("Why, in a sentence that readers will see.", "理由（閲覧者に表示されます）。"))
