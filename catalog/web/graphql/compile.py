"""From a selection to what the database is asked: the document's tree and its variables become tellings and their fillers.

Fields are collected as the specification says (CollectFields), by graphql-core itself, for each concrete type that may
stand in a place; kinds that are asked the same are one way of a telling. What a field's recipe does not say is not known
here: there is no second way to read a record.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

import orjson
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)
from graphql import Node as AstNode
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_subfields
from graphql.execution.values import VariableValues, get_argument_values
from strawberry import Info

from catalog.assembly import Catalog
from catalog.discovery.telling import checked, prepared, tell
from catalog.errors import Invalid
from catalog.questions.cursor import read_cursor
from catalog.questions.question import MOST_ITEMS, MOST_VALUES, Condition, Order
from catalog.questions.telling import (
    Asked,
    ById,
    ByIds,
    Constant,
    Cursor,
    Drawn,
    EdgeList,
    EdgeMember,
    Edges,
    LinkTold,
    Listing,
    Member,
    Mirrored,
    Node,
    Nodes,
    OfKind,
    PageInfo,
    PageMember,
    Telling,
    Total,
    TotalIsExact,
    Way,
)
from catalog.questions.telling import (
    Told as ToldOf,
)
from catalog.questions.vocabulary import Vocabulary
from catalog.recent import Recent
from catalog.records.kinds import Kinds
from catalog.web.graphql.context import Context
from catalog.web.graphql.documents import Document
from catalog.web.graphql.drawn import ForReader, documents_for, drawer, held_page
from catalog.web.graphql.fill import (
    DateOf,
    Filler,
    How,
    LinkOf,
    Named,
    ObjectOf,
    Origin,
    PartOf,
    Piece,
    Plain,
    QuantityOf,
    TermOf,
    Text,
    Texts,
    Typed,
    cursor_writer,
    documents_of,
    unit_named,
    writer,
)
from catalog.web.graphql.filters import Filters
from catalog.web.graphql.given import Bound, Later, Shape, all_bound, bound, see
from catalog.web.graphql.naming import pascal
from catalog.web.graphql.recipes import (
    RECIPE,
    AlongLinks,
    DrawnOf,
    EdgeOf,
    Entities,
    InBody,
    KeptOf,
    ListOf,
    OneOf,
    PageInfoOf,
    PageOf,
    Part,
    Recipe,
    SeveralOf,
)
from catalog.web.graphql.types import Types

FIRST: Final = 20
# Where a schema keeps what it was made of.
TYPES: Final = "types"
Selected = Sequence[FieldDetails]
AtRoot = OneOf | SeveralOf | Entities | ListOf


# So many operations are kept compiled, each with the shape of its variables and the values in them that decided what it asks.
KEPT: Final = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """The schema as the compiler reads it, and what its arguments and documents are read by."""

    schema: GraphQLSchema
    catalog: Catalog
    filters: Filters
    compiled: Recent[Any] = field(default_factory=lambda: Recent(KEPT))
    shapes: Recent[Shape] = field(default_factory=lambda: Recent(KEPT))
    _deciding: Recent[frozenset[str]] = field(default_factory=lambda: Recent(KEPT))
    _texts: Recent[frozenset[str] | None] = field(default_factory=lambda: Recent(KEPT))
    _recipes: dict[tuple[str, str], Recipe | None] = field(default_factory=dict)
    _kinds: dict[str, str] = field(default_factory=dict)

    @property
    def kinds(self) -> Kinds:
        """The kinds of the catalogue."""
        return self.catalog.kinds

    @property
    def vocabulary(self) -> Vocabulary:
        """What can be asked about them."""
        return self.catalog.vocabulary

    def origin(self, source: str) -> Origin | None:
        """What a source's bodies are read by."""
        return self.catalog.sources.find(source)

    def where(self, told: Mapping[str, Any] | None, kind: str | None) -> Condition | None:
        """The condition that a filter of a kind, or of any, asks for."""
        return self.filters.condition_from(told, kind, self.vocabulary)

    def deciding(self, document: Document, operation: OperationDefinitionNode) -> frozenset[str]:
        """The variables that decide what is asked of the database, or that may: all in fields that are compiled, but plain ids."""
        return self._deciding.about(operation, lambda: _Deciding(self, document.fragments).of(operation))

    def takes_as_given(self, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> bool:
        """Whether the variables are texts that are wanted as texts, and no more: then nothing about them has to be worked out."""
        texts = self._texts.about(operation, lambda: _texts_wanted(operation))
        return texts is not None and variables.keys() == texts and all(type(each) is str for each in variables.values())

    def recipe(self, of: str, name: str) -> Recipe | None:
        """How a field of a type is answered; None if a function does."""
        key = of, name
        if key not in self._recipes:
            type_ = cast("GraphQLObjectType", self.schema.type_map[of])
            definition = type_.fields.get(name)
            self._recipes[key] = None if definition is None else recipe_of(definition)
        return self._recipes[key]

    def kind(self, type_name: str) -> str:
        """The kind that a type stands for."""
        if not self._kinds:
            self._kinds.update({pascal(kind): kind for kind in self.kinds})
        return self._kinds[type_name]

    def type_named(self, kind: str) -> GraphQLObjectType:
        """The type that stands for a kind."""
        return cast("GraphQLObjectType", self.schema.type_map[pascal(kind)])


def types_behind(schema: GraphQLSchema) -> Types:
    """What a schema was made of."""
    types: Types = schema.extensions[TYPES]
    return types


_WORDS: Final[Recent[Words]] = Recent(16)


def words_of(schema: GraphQLSchema, catalog: Catalog) -> Words:
    """What a catalogue's schema is read by, made once."""
    # Both are kept in what is made, so that nothing else comes to bear their numbers.
    return _WORDS.get((id(schema), id(catalog)), lambda: Words(schema, catalog, types_behind(schema).filters))


def _texts_wanted(operation: OperationDefinitionNode) -> frozenset[str] | None:
    """The names of an operation's variables, if all of them are texts or ids."""
    names = []
    for each in operation.variable_definitions or ():
        type_ = each.type.type if isinstance(each.type, NonNullTypeNode) else each.type
        if not isinstance(type_, NamedTypeNode) or type_.name.value not in ("ID", "String"):
            return None
        names.append(each.variable.name.value)
    return frozenset(names)


@dataclass(slots=True)
class _Deciding:
    """The names of variables that a statement may depend on."""

    words: Words
    fragments: Mapping[str, FragmentDefinitionNode]
    names: set[str] = field(default_factory=set)

    def of(self, operation: OperationDefinitionNode) -> frozenset[str]:
        self._at_root(operation.selection_set)
        return frozenset(self.names)

    def _at_root(self, selections: SelectionSetNode) -> None:
        query = self.words.schema.query_type
        assert query is not None
        for selection in selections.selections:
            self._in(selection.directives)
            if isinstance(selection, FragmentSpreadNode):
                self._at_root(self.fragments[selection.name.value].selection_set)
            elif isinstance(selection, InlineFragmentNode):
                self._at_root(selection.selection_set)
            elif isinstance(selection, FieldNode):
                recipe = self.words.recipe(query.name, selection.name.value)
                if not isinstance(recipe, AtRoot):
                    continue
                for argument in selection.arguments or ():
                    # An id is bound, whatever it is (see `Making.root`).
                    if not (
                        isinstance(recipe, OneOf)
                        and argument.name.value == "id"
                        and isinstance(argument.value, VariableNode)
                    ):
                        self._in(argument)
                self._in(selection.selection_set)

    def _in(self, node: Any) -> None:
        if isinstance(node, VariableNode):
            self.names.add(node.name.value)
        elif isinstance(node, FragmentSpreadNode):
            self._in(node.directives)
            self._in(self.fragments[node.name.value].selection_set)
        elif isinstance(node, AstNode):
            for key in node.keys:
                if key != "loc":
                    self._in(getattr(node, key))
        elif isinstance(node, tuple | list):
            for each in node:
                self._in(each)


def recipe_of(definition: GraphQLField) -> Recipe | None:
    """The recipe that stands beside a field of the schema."""
    told = definition.extensions.get("strawberry-definition")
    found: Recipe | None = None if told is None else told.metadata.get(RECIPE)
    return found


@dataclass(slots=True)
class Making:
    """One operation with its variables, on its way to what is asked; fillers that would write the same are one."""

    words: Words
    operation: OperationDefinitionNode
    fragments: dict[str, FragmentDetails]
    variables: VariableValues
    named: bool = False  # whether each record is told with the name of its type, for an executor that has to know
    fillers: list[ForReader] = field(default_factory=list)
    _numbers: dict[Any, int] = field(default_factory=dict)

    # --- at the root

    def root(self, recipe: AtRoot, definition: GraphQLField, details: Selected) -> Asked:
        """What a field of the root asks."""
        given = self.arguments(definition, details)
        match recipe:
            case OneOf(kinds):
                telling = self.record(details, definition.type)
                return ById(telling, kinds, self._later(details, "id", given["id"]))
            case SeveralOf(kinds):
                telling = self.record(details, definition.type)
                # A variable as a whole is bound as a whole.
                variable = _variable(details, "ids") is not None
                return ByIds(telling, kinds, _ids(all_bound(given["ids"]) if variable else given["ids"]))
            case Entities():
                telling = self.record(details, definition.type)
                return ByIds(telling, (), _ids([self._entity(each) for each in given["representations"]]))
            case ListOf(kinds):
                return self._listing(kinds, definition, details, given)

    def _later(self, details: Selected, name: str, value: Any) -> str:
        """The value itself, or where it comes from, if that is a variable and no more."""
        if (variable := _variable(details, name)) is not None:
            bound(value)
            # It is bound like the text that it stands for.
            return cast("str", Later((variable,), id_of))
        return id_of(value)

    def _entity(self, told: Any) -> str:
        """The id in a representation; one of no record where type and id do not fit together."""
        if not isinstance(told, Mapping):
            raise Invalid(
                "representations: each is an object with __typename and id",
                ja="representations: 各要素は __typename と id を持つオブジェクトです",
            )
        type_name, id = told.get("__typename"), told.get("id")
        if not isinstance(id, str) or not isinstance(type_name, str):
            raise Invalid(
                "representations: each has __typename and id", ja="representations: __typename と id が必要です"
            )
        kind = id.partition("/")[0]
        return id if kind in self.words.kinds and pascal(kind) == type_name else ""

    def _listing(
        self, kinds: tuple[str, ...], definition: GraphQLField, details: Selected, given: Mapping[str, Any]
    ) -> Listing:
        of = kinds[0] if kinds else None
        kinds = kinds or tuple(given.get("kinds") or ())
        statuses = tuple(dict.fromkeys(given.get("statuses") or ("public",)))
        order = self.words.filters.orders_from(given.get("orderBy"), of)
        after = given.get("after")
        page, counted = self._page(definition.type, details, order, mirrored=statuses == ("public",))
        return Listing(
            page,
            kinds,
            self.words.where(given.get("where"), of),
            statuses,
            order,
            first_of(given),
            None if after is None else read_cursor(after, order, self.words.catalog.cursor_key),
            "bounded" if counted else "none",
        )

    # --- pages

    def _page(
        self, type_: GraphQLOutputType, details: Selected, order: tuple[Order, ...], *, mirrored: bool
    ) -> tuple[tuple[PageMember, ...], bool]:
        """What is told of a connection, and whether it is counted."""
        of = cast("GraphQLObjectType", get_named_type(type_))
        members: list[PageMember] = []
        counted = False
        for key, inner in self.collected(of, details).items():
            name = inner[0].node.name.value
            if name == "__typename":
                members.append(Constant(key, f'"{of.name}"'))
                continue
            recipe = self.words.recipe(of.name, name)
            assert isinstance(recipe, PageOf), f"{of.name}.{name} has no recipe of a page"
            definition = of.fields[name]
            match recipe.part:
                case "nodes":
                    members.append(Nodes(key, self.record(inner, definition.type, mirrored=mirrored)))
                case "edges":
                    members.append(EdgeList(key, self._edge(inner, definition.type, order, mirrored=mirrored)))
                case "pageInfo":
                    members.append(self._page_info(key, inner, definition.type, order))
                case "totalCount":
                    counted = True
                    members.append(Total(key))
                case "totalIsExact":
                    counted = True
                    members.append(TotalIsExact(key))
        return tuple(members), counted

    def _edge(
        self, details: Selected, type_: GraphQLOutputType, order: tuple[Order, ...], *, mirrored: bool
    ) -> tuple[EdgeMember, ...]:
        of = cast("GraphQLObjectType", get_named_type(type_))
        members: list[EdgeMember] = []
        for key, inner in self.collected(of, details).items():
            name = inner[0].node.name.value
            if name == "__typename":
                members.append(Constant(key, f'"{of.name}"'))
                continue
            recipe = self.words.recipe(of.name, name)
            assert isinstance(recipe, EdgeOf), f"{of.name}.{name} has no recipe of an edge"
            if recipe.part == "node":
                members.append(Node(key, self.record(inner, of.fields[name].type, mirrored=mirrored)))
            elif recipe.part == "cursor":
                members.append(Cursor(key, self._cursors(order)))
            else:
                members.append(LinkTold(key, recipe.part))
        return tuple(members)

    def _page_info(self, key: str, details: Selected, type_: GraphQLOutputType, order: tuple[Order, ...]) -> PageInfo:
        of = cast("GraphQLObjectType", get_named_type(type_))
        members: list[tuple[str, Any]] = []
        for inner_key, inner in self.collected(of, details).items():
            name = inner[0].node.name.value
            recipe = self.words.recipe(of.name, name)
            members.append((inner_key, recipe.part if isinstance(recipe, PageInfoOf) else "__typename"))
        return PageInfo(key, tuple(members), self._cursors(order))

    # --- records

    def record(self, details: Selected, type_: GraphQLOutputType, *, mirrored: bool = False) -> Telling:
        """What is told of a record of a type, whatever kinds may stand there."""
        named = get_named_type(type_)
        if isinstance(named, GraphQLObjectType):
            kind = self.words.kind(named.name)
            return Telling((Way((kind,), self._members(named, kind, details, mirrored=mirrored)),))
        assert isinstance(named, GraphQLInterfaceType | GraphQLUnionType)
        ways: dict[tuple[Member, ...], list[str]] = {}
        possible = self.words.schema.get_possible_types(named)
        names = tuple((self.words.kind(each.name), f'"{each.name}"') for each in possible)
        for each in possible:
            kind = self.words.kind(each.name)
            # What every kind's mirror would have to be looked at for is read from the body.
            ways.setdefault(self._members(each, kind, details, names), []).append(kind)
        if len(ways) == 1 and len(possible) == len(self.words.kinds):
            return Telling((Way((), next(iter(ways))),))
        return Telling(tuple(Way(tuple(kinds), members) for members, kinds in ways.items()))

    def _members(
        self,
        of: GraphQLObjectType,
        kind: str,
        details: Selected,
        names: tuple[tuple[str, str], ...] = (),
        *,
        mirrored: bool = False,
    ) -> tuple[Member, ...]:
        """What is told of a record of one kind; `names` are those of all types that may stand in its place."""
        made: list[Member | list[Piece]] = []

        def type_name(key: str) -> None:
            # Before what is drawn beside it, so that that stays one.
            place = len(made) - 1 if made and isinstance(made[-1], list) else len(made)
            made.insert(place, OfKind(key, names) if names else Constant(key, f'"{of.name}"'))

        def piece(one: Piece) -> None:
            if made and isinstance(made[-1], list):
                made[-1].append(one)
            else:
                made.append([one])

        if self.named:
            type_name("__typename")
        for key, inner in self.collected(of, details).items():
            name = inner[0].node.name.value
            if name == "__typename":
                if not (self.named and key == "__typename"):
                    type_name(key)
                continue
            definition = of.fields[name]
            match self.words.recipe(of.name, name):
                case KeptOf(kept):
                    made.append(ToldOf(key, kept))
                case InBody() as recipe:
                    piece(self.piece(key, recipe, definition, inner))
                case AlongLinks() as recipe:
                    made.append(self._along(key, kind, recipe, definition, inner))
                case DrawnOf() as recipe:
                    made.append(self._drawn(key, recipe, definition, inner))
                case other:
                    raise AssertionError(f"{of.name}.{name} has no recipe of a record: {other}")
        members: list[Member] = []
        for each in made:
            if not isinstance(each, list):
                members.append(each)
            elif mirrored and all(self._is_mirrored(kind, one) for one in each):
                members += [_mirrored(one) for one in each]
            else:
                pieces = tuple(each)
                names_read = tuple(dict.fromkeys(one.name for one in pieces))
                members.append(Drawn(self._written(pieces), documents_of(pieces), names_read))
        return tuple(members)

    def _is_mirrored(self, kind: str, one: Piece) -> bool:
        """Whether the mirror has just what the body has."""
        known = self.words.vocabulary.kinds[kind].fields.get(one.name)
        if known is None or one.many or one.called is not None or not known.columns:
            return False
        if isinstance(one.how, Text):
            return known.sort == "text" and one.how.language in (None, "en", "ja")
        told = self.words.kinds[kind].field[one.name]
        # What may be written with a prefix, or as text or number, stands otherwise in a column.
        return isinstance(one.how, Plain) and told.form == "scalar" and told.scalar != "mixed" and told.format is None

    def _along(self, key: str, kind: str, recipe: AlongLinks, definition: GraphQLField, details: Selected) -> Edges:
        given = self.arguments(definition, details)
        kinds, name = recipe.kinds, recipe.field
        if name is None:
            kinds, name = tuple(given.get("kinds") or ()), given.get("field")
        elif recipe.direction == "out":
            kinds = self.words.vocabulary.kinds[kind].fields[name].kinds
        of = kinds[0] if recipe.field is not None and len(kinds) == 1 else None
        order = self.words.filters.orders_from(given.get("orderBy"), of)
        where, after = self.words.where(given.get("where"), of), given.get("after")
        page, counted = self._page(definition.type, details, order, mirrored=True)
        # All that a field may lead to is no condition: without one, what lies outside is told, too.
        held = recipe.field is None or recipe.direction == "in" or where is not None or _of_fields(order)
        return Edges(
            key,
            recipe.direction,
            page,
            name,
            kinds if held else (),
            where,
            bound(given.get("role")),
            order,
            first_of(given),
            None if after is None else read_cursor(after, order, self.words.catalog.cursor_key),
            "exact" if counted else "none",
        )

    # --- of bodies

    def piece(
        self, key: str, recipe: InBody, definition: GraphQLField, details: Selected, unit: str | None = None
    ) -> Piece:
        """A member of a body, or of an object in it; `unit` is one that quantities in it are asked for in."""
        given = self.arguments(definition, details)
        if (told := given.get("in")) is not None:
            unit_named(told)  # refuses what is no unit before anything is asked
            unit = told
        called = given["name"] if recipe.named else None
        return Piece(key, recipe.name, self._how(recipe, definition, details, given, unit), recipe.many, called)

    def _how(
        self, recipe: InBody, definition: GraphQLField, details: Selected, given: Mapping[str, Any], unit: str | None
    ) -> How:
        of = get_named_type(definition.type)
        match recipe.form:
            case "plain":
                return named(of) if isinstance(of, GraphQLEnumType) else Plain()
            case "json":
                return Plain()
            case "text":
                return Text(given.get("language"))
            case "texts":
                return Texts(given.get("language"))
            case "date":
                return DateOf(self._parts(of, details))
            case "quantity":
                return QuantityOf(self._parts(of, details), unit)
            case "term":
                return TermOf(self._parts(of, details))
            case "object":
                return ObjectOf(self.pieces(of, details, unit))
            case "links":
                if not isinstance(of, GraphQLObjectType):
                    return LinkOf(())
                return LinkOf(self.pieces(of, details, unit))

    def pieces(self, of: Any, details: Selected, unit: str | None = None) -> tuple[Piece, ...]:
        """What is told of an object in a document."""
        assert isinstance(of, GraphQLObjectType)
        made: list[Piece] = []
        for key, inner in self.collected(of, details).items():
            name = inner[0].node.name.value
            recipe = self.words.recipe(of.name, name)
            if name == "__typename":
                made.append(Piece(key, "", Typed(of.name)))
            else:
                if isinstance(recipe, PageInfoOf):
                    made.append(Piece(key, recipe.part, Plain()))
                    continue
                assert isinstance(recipe, InBody), f"{of.name}.{name} has no recipe of a body"
                made.append(self.piece(key, recipe, of.fields[name], inner, unit))
        return tuple(made)

    def _parts(self, of: Any, details: Selected) -> tuple[tuple[str, PartOf | Typed], ...]:
        assert isinstance(of, GraphQLObjectType)
        made: list[tuple[str, PartOf | Typed]] = []
        for key, inner in self.collected(of, details).items():
            name = inner[0].node.name.value
            if name == "__typename":
                made.append((key, Typed(of.name)))
                continue
            recipe = self.words.recipe(of.name, name)
            assert isinstance(recipe, Part), f"{of.name}.{name} has no recipe of a part"
            made.append((key, PartOf(recipe.name, self.arguments(of.fields[name], inner).get("language"))))
        return tuple(made)

    # --- by functions of their own

    def _drawn(self, key: str, recipe: DrawnOf, definition: GraphQLField, details: Selected) -> Drawn:
        of = get_named_type(definition.type)
        pieces = self.pieces(of, details) if isinstance(of, GraphQLObjectType) else ()
        page = held_page(self.arguments(definition, details)) if definition.args else None
        number = self._filler((key, recipe, pieces, page), lambda: drawer(key, recipe, pieces, page))
        return Drawn(number, documents_for(recipe))

    # --- what all of it needs

    def collected(self, of: GraphQLObjectType, details: Selected) -> Mapping[str, Selected]:
        """The fields that are selected of a type, by response key, in order."""
        return collect_subfields(
            self.words.schema, self.fragments, self.variables, self.operation, of, list(details)
        ).grouped_field_set

    def arguments(self, definition: GraphQLField, details: Selected) -> Mapping[str, Any]:
        """The values of a field's arguments, which are counted as given to it."""
        if not definition.args:
            return {}
        values = get_argument_values(definition, details[0].node, self.variables)
        see(values)
        return values

    def _written(self, pieces: tuple[Piece, ...]) -> int:
        return self._filler(pieces, lambda: for_all(writer(pieces, self.words.origin)))

    def led_to(
        self, details: Selected, type_: GraphQLOutputType, path: tuple[str, ...]
    ) -> dict[tuple[str, ...], tuple[Selected, GraphQLOutputType]]:
        """What is selected at the end of a way along fields, by the response keys on it."""
        ends: dict[tuple[str, ...], tuple[list[FieldDetails], GraphQLOutputType]] = {(): (list(details), type_)}
        for name in path:
            further: dict[tuple[str, ...], tuple[list[FieldDetails], GraphQLOutputType]] = {}
            for keys, (selected, of_type) in ends.items():
                of = get_named_type(of_type)
                objects = (
                    [of]
                    if isinstance(of, GraphQLObjectType)
                    else self.words.schema.get_possible_types(cast("GraphQLUnionType", of))
                )
                for each in objects:
                    for key, inner in self.collected(each, selected).items():
                        if inner[0].node.name.value == name:
                            end = further.setdefault((*keys, key), ([], each.fields[name].type))
                            end[0].extend(one for one in inner if one not in end[0])
            ends = further
        return {keys: (selected, of_type) for keys, (selected, of_type) in ends.items()}

    def _cursors(self, order: tuple[Order, ...]) -> int:
        return self._filler(("cursor", order), lambda: for_all(cursor_writer(order, self.words.catalog.cursor_key)))

    def _filler(self, of: Any, make: Callable[[], ForReader]) -> int:
        """The number of the filler that does this; made once."""
        if of not in self._numbers:
            self._numbers[of] = len(self.fillers)
            self.fillers.append(make())
        return self._numbers[of]


def for_all(filler: Filler) -> ForReader:
    """A filler that writes the same whoever asks."""
    return lambda catalog, reader: filler


def first_of(given: Mapping[str, Any]) -> int:
    """How many a page is to have, or Invalid."""
    told = given.get("first")
    first: int = FIRST if told is None else bound(told, page=True)
    if not 1 <= first <= MOST_ITEMS:
        raise Invalid(
            f"first: {first} is not between 1 and {MOST_ITEMS}", ja=f"first: 1から{MOST_ITEMS}の範囲で指定してください"
        )
    return first


def _of_fields(order: tuple[Order, ...]) -> bool:
    return any(one.by not in ("id", "created", "modified", "order") for one in order)


def _ids(told: Sequence[Any]) -> tuple[str, ...]:
    if len(told) > MOST_VALUES:
        raise Invalid(
            f"more than {MOST_VALUES} ids; ask in parts",
            ja=f"ID が{MOST_VALUES}個を超えています。分けて指定してください",
        )
    return tuple(cast("str", each) if isinstance(each, Bound) else str(each) for each in told)


def _variable(details: Selected, name: str) -> str | None:
    """The variable that an argument is, if it is no more."""
    for argument in details[0].node.arguments or ():
        if argument.name.value == name and isinstance(argument.value, VariableNode):
            return argument.value.name.value
    return None


def id_of(told: Any) -> str:
    """An id as it may be bound; what no text can hold is the id of nothing."""
    id = str(told)
    return id if id.isprintable() else ""


def plain(value: Any) -> Any:
    """The value that a member of an enumeration stands for."""
    return value.value if isinstance(value, enum.Enum) else value


def named(of: GraphQLEnumType) -> Named:
    """How a value is told as a member of an enumeration."""
    return Named(tuple((str(plain(value.value)), name) for name, value in of.values.items()))


def _mirrored(one: Piece) -> Mirrored:
    return Mirrored(one.key, one.name, one.how.language if isinstance(one.how, Text) else None)


# --- below fields that functions answer


class Told(dict[str, Any]):
    """A record as it was told, by response keys. Under several names for one thing it may be told otherwise under each."""

    def __init__(
        self, told: Mapping[str, Any], under: Mapping[tuple[str, ...], Mapping[str, Any]] | None = None
    ) -> None:
        super().__init__(told)
        self.under = under

    def at(self, info: GraphQLResolveInfo[Any]) -> Any:
        """What is told of it where an executor asks."""
        if self.under is None:
            return self[str(info.path.key)]
        keys = tuple(str(key) for key in info.path.as_list()[:-1] if isinstance(key, str))
        return next(told for path, told in self.under.items() if keys[-len(path) :] == path)[str(info.path.key)]


def told_under(
    info: Info[Context, Any] | GraphQLResolveInfo[Any], path: Sequence[str], ids: Sequence[str]
) -> dict[str, Told]:
    """These records, as far as the asker may see them, with what is selected below a field that a function answers.

    `path` has the names of the fields that lead from there to the record. One statement, whatever is selected.
    """
    raw = info._raw_info if isinstance(info, Info) else info
    context: Context = raw.context
    wanted = tuple(dict.fromkeys(ids))
    if not wanted:
        return {}
    words = words_of(raw.schema, context.catalog)
    below = _below(words, raw, tuple(path))
    if not below.tellings:
        return {}
    asked = prepared([checked(ByIds(telling, (), _ids(wanted)), words.vocabulary) for telling in below.tellings])
    catalog, reader = context.catalog, context.reader
    texts = tell(
        asked,
        asked.values,
        reader,
        answers=catalog.answers,
        fillers=[make(catalog, reader) for make in below.fillers],
        deadline_seconds=context.deadline_seconds,
    )
    answers = [orjson.loads(text) for text in texts]
    found: dict[str, Told] = {}
    for id, *each in zip(wanted, *answers, strict=True):
        if each[0] is not None:
            found[id] = Told(each[0], dict(zip(below.paths, each, strict=True)) if len(each) > 1 else None)
    return found


@dataclass(frozen=True, slots=True)
class _Below:
    """What is asked of records below a field, for each response path that leads to them."""

    operation: OperationDefinitionNode  # kept, so that nothing else comes to bear its number
    paths: tuple[tuple[str, ...], ...]
    tellings: tuple[Telling, ...]
    fillers: tuple[ForReader, ...]


def _below(words: Words, raw: GraphQLResolveInfo[Any], path: tuple[str, ...]) -> _Below:
    deciding = _Deciding(words, raw.fragments)
    deciding._in(tuple(raw.field_nodes))
    values = raw.variable_values.coerced
    decided = {name: values[name] for name in deciding.names if name in values}
    at = tuple(key for key in raw.path.as_list() if isinstance(key, str))

    def made() -> _Below:
        fragments = {name: FragmentDetails(each) for name, each in raw.fragments.items()}
        making = Making(words, raw.operation, fragments, raw.variable_values, named=True)
        start = [FieldDetails(node, None) for node in raw.field_nodes]
        found = making.led_to(start, raw.return_type, path)
        tellings = tuple(making.record(details, type_) for details, type_ in found.values())
        return _Below(raw.operation, tuple(found), tellings, tuple(making.fillers))

    try:
        key = (id(raw.operation), at, path, orjson.dumps(decided, default=str, option=orjson.OPT_SORT_KEYS))
    except TypeError:
        return made()
    known: _Below = words.compiled.get(key, made)
    return known
