"""How large a document and its variables may be, looked at before anything else is done with them.

What a question costs the database is another matter (catalog.questions.cost); these keep reading and checking cheap, which
go on in this process and hold up others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from catalog.errors import TooCostly
from catalog.web.graphql.failures import Refused, refusal


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that is taken of each."""

    characters: int = 100_000
    tokens: int = 5_000
    comments: int = 1_000
    operations: int = 20
    fragments: int = 100
    depth: int = 24
    fields: int = 3_000  # with fragments written out
    root_fields: int = 50
    aliases: int = 100
    repeats: int = 10  # of one field in one selection
    schemas: int = 2  # times the whole schema
    directives: int = 100
    directives_at: int = 8  # one place
    variables: int = 1024 * 1024  # bytes of JSON, of a query
    values: int = 20_000  # in the variables of a query
    variable_depth: int = 32
    errors: int = 20


LIMITS: Final = Limits()

_ABOUT: Final[Mapping[str, tuple[str, str]]] = {
    "characters": ("characters", "文字数"),
    "tokens": ("tokens", "トークン数"),
    "operations": ("operations", "操作の数"),
    "fragments": ("fragments", "フラグメントの数"),
    "depth": ("levels of fields", "フィールドの深さ"),
    "fields": ("fields, with fragments written out,", "フラグメント展開後のフィールド数"),
    "root_fields": ("fields at the root", "ルートのフィールド数"),
    "aliases": ("aliases", "別名の数"),
    "repeats": ("times the same field in one selection", "同じ選択内での同一フィールドの繰り返し"),
    "comments": ("comments", "コメントの数"),
    "schemas": ("times the schema (__schema)", "スキーマ（__schema）の数"),
    "directives": ("directives", "ディレクティブの数"),
    "directives_at": ("directives at one place", "1か所のディレクティブの数"),
    "variables": ("bytes of variables", "変数のバイト数"),
    "values": ("values in its variables", "変数に含まれる値の数"),
    "variable_depth": ("levels in its variables", "変数の深さ"),
}


def over(limit: str, found: int, most: int) -> Refused:
    """The refusal of what is more than a limit, with both numbers."""
    about, ja = _ABOUT[limit]
    return refusal(
        TooCostly(
            f"A document may have {most} {about} at most; this has {found}. Ask in parts.",
            ja=f"{ja}の上限は {most} ですが、{found} あります。分けて問い合わせてください。",
        ),
        limit=limit,
        found=found,
        most=most,
    )


def _hold(limit: str, found: int, most: int) -> None:
    if found > most:
        raise over(limit, found, most)


def hold_text(text: str, limits: Limits = LIMITS) -> None:
    """Refused if the text is too long to be read at all."""
    _hold("characters", len(text), limits.characters)


def hold_document(document: DocumentNode, limits: Limits = LIMITS) -> None:
    """Refused if a document that was parsed is more than is worth checking. Rings of fragments are passed over here."""
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    _hold("operations", len(operations), limits.operations)
    _hold("fragments", len(document.definitions) - len(operations), limits.fragments)
    _hold_written(document, limits)
    sizes: dict[str, tuple[int, int]] = {}
    for operation in operations:
        _hold("root_fields", len(operation.selection_set.selections), limits.root_fields)
        fields, depth = _size_of(operation.selection_set, fragments, sizes, limits)
        _hold("depth", depth, limits.depth)
        _hold("fields", fields, limits.fields)


def _hold_written(document: DocumentNode, limits: Limits) -> None:
    """What is counted as it is written: aliases, directives, the same field again and again."""
    aliases = directives = schemas = 0
    open_: list[SelectionSetNode] = []
    for definition in document.definitions:
        found = len(getattr(definition, "directives", None) or ())
        _hold("directives_at", found, limits.directives_at)
        directives += found
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            open_.append(definition.selection_set)
    while open_:
        selections: Iterable[SelectionNode] = open_.pop().selections
        repeated: Counter[str] = Counter()
        for selection in selections:
            found = len(selection.directives or ())
            _hold("directives_at", found, limits.directives_at)
            directives += found
            if isinstance(selection, FieldNode):
                aliases += selection.alias is not None
                schemas += selection.name.value == "__schema"
                repeated[(selection.alias or selection.name).value] += 1
            elif isinstance(selection, FragmentSpreadNode):
                repeated["..." + selection.name.value] += 1
            inner = getattr(selection, "selection_set", None)
            if inner is not None:
                open_.append(inner)
        _hold("repeats", max(repeated.values(), default=0), limits.repeats)
    _hold("aliases", aliases, limits.aliases)
    _hold("directives", directives, limits.directives)
    _hold("schemas", schemas, limits.schemas)


def _size_of(
    selections: SelectionSetNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    sizes: dict[str, tuple[int, int]],
    limits: Limits,
    level: int = 1,
) -> tuple[int, int]:
    """How many fields there are with fragments written out, and how deep; each fragment is looked at once."""
    # Fragments in fragments make no level of fields, so the walk itself is bounded, too.
    if level > 2 * limits.depth + limits.fragments:
        raise over("depth", level, limits.depth)
    fields, depth = 0, 0
    for selection in selections.selections:
        if isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            if name not in sizes:
                fragment = fragments.get(name)
                # Within itself a fragment has no size yet: that it is a ring is for validation to say.
                sizes[name] = (0, 0)
                if fragment is not None:
                    sizes[name] = _size_of(fragment.selection_set, fragments, sizes, limits, level + 1)
            inner = sizes[name]
        elif isinstance(selection, InlineFragmentNode):
            inner = _size_of(selection.selection_set, fragments, sizes, limits, level + 1)
        else:
            assert isinstance(selection, FieldNode)
            below = (
                (0, 0)
                if selection.selection_set is None
                else _size_of(selection.selection_set, fragments, sizes, limits, level + 1)
            )
            inner = (1 + below[0], 1 + below[1])
        fields += inner[0]
        depth = max(depth, inner[1])
    return fields, depth


def hold_variables(variables: Mapping[str, Any], size: int, limits: Limits = LIMITS) -> None:
    """Refused if a query's variables are more than a query can want; what mutations submit the gate looks at."""
    _hold("variables", size, limits.variables)
    values = 0
    level: list[Any] = [variables]
    depth = 0
    while level:
        depth += 1
        _hold("variable_depth", depth, limits.variable_depth)
        values += len(level)
        _hold("values", values, limits.values)
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                below.extend(each.values())
            elif isinstance(each, list):
                below.extend(each)
        level = below
