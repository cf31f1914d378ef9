"""What an operation costs: its selections as the parts of a question (catalog.questions.cost), without running anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
    type_from_ast,
    value_from_ast_untyped,
)

from catalog.questions.cost import LEAVES, Part, part
from catalog.web.graphql.recipes import COST, RECIPE, DrawnOf, PageOf

# Arguments that say how many there will be: as a number, or as a list of that many.
_SIZES: Final = ("first", "last", "limit", "ids", "representations")
USUAL: Final = 20
# A list of records whose length nothing says.
UNKNOWN: Final = 100
# Written for each record from its whole document; or counted over more than the page.
_DRAWN: Final = 5
_COUNTED: Final = 5
# The schema is told from memory, but step by step; its lists are long all the same.
_OF_TYPES: Final = 5
_TYPES: Final = 20
_WITHIN_TYPES: Final = 2


class Weigher:
    """What the operations of a document with these fragments cost in one schema."""

    def __init__(self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self.schema = schema
        self.fragments = fragments

    def part(self, operation: OperationDefinitionNode) -> Part:
        """An operation as the parts of a question."""
        root = self.schema.get_root_type(operation.operation)
        assert root is not None
        return self._part(operation.selection_set, root, None, own=0, times=1)

    def below(self, fields: Sequence[FieldNode], of: GraphQLCompositeType, size: int) -> Part:
        """What is selected below a field, if what it leads to is a list of this length."""
        sets = [each.selection_set for each in fields if each.selection_set is not None]
        return part(0, tuple(self._part(selections, of, size, own=1, times=1) for selections in sets))

    def _part(
        self, selections: SelectionSetNode, of: GraphQLCompositeType, size: int | str | None, own: int, times: int | str
    ) -> Part:
        parts: list[Part] = []
        leaves = self._gather(selections, of, size, parts)
        return part(own + leaves // LEAVES, tuple(parts), times)

    def _gather(
        self, selections: SelectionSetNode, of: GraphQLCompositeType, size: int | str | None, parts: list[Part]
    ) -> int:
        """The parts of a selection go to `parts`; how many plain fields there are beside them."""
        leaves = 0
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                definition = self.schema.get_field(of, selection.name.value)
                assert definition is not None, "the document was checked"
                inner = get_named_type(definition.type)
                if selection.selection_set is None or not is_composite_type(inner):
                    leaves += 1
                    if (own := _own_of(definition) + _said_of(definition)) > 0:
                        parts.append(part(own))
                    continue
                told = _size_told(selection, definition)
                within, repeated = size if told is None else told, 1
                times: int | str = repeated
                if is_list_type(get_nullable_type(definition.type)):
                    times = _unsaid(inner) if within is None else within
                    within = None
                own = _OF_TYPES if inner.name.startswith("__") else 1 + _said_of(definition)
                parts.append(self._part(selection.selection_set, inner, within, own, times))
            elif isinstance(selection, FragmentSpreadNode):
                fragment = self.fragments[selection.name.value]
                condition = type_from_ast(self.schema, fragment.type_condition)
                leaves += self._gather(fragment.selection_set, condition, size, parts)  # type: ignore[arg-type]
            else:
                within_type = selection.type_condition  # type: ignore[attr-defined]
                condition = of if within_type is None else type_from_ast(self.schema, within_type)
                leaves += self._gather(selection.selection_set, condition, size, parts)  # type: ignore[attr-defined]
        return leaves


def _own_of(definition: GraphQLField) -> int:
    told = definition.extensions.get("strawberry-definition")
    recipe = None if told is None else told.metadata.get(RECIPE)
    if isinstance(recipe, DrawnOf):
        return _DRAWN
    return _COUNTED if isinstance(recipe, PageOf) and recipe.part == "totalCount" else 0


def _said_of(definition: GraphQLField) -> int:
    """What a field itself says that it costs."""
    told = definition.extensions.get("strawberry-definition")
    return 0 if told is None else int(told.metadata.get(COST, 0))


def _unsaid(of: Any) -> int:
    """How long a list is that says nothing about it."""
    if of.name.startswith("__"):
        return _TYPES if of.name == "__Type" else _WITHIN_TYPES
    interfaces = of.interfaces if isinstance(of, GraphQLObjectType | GraphQLInterfaceType) else ()
    return UNKNOWN if of.name == "Node" or any(each.name == "Node" for each in interfaces) else 1


def _size_told(selection: FieldNode, definition: GraphQLField) -> int | str | None:
    """How many a field's arguments ask for: a number, or the variable that will say it."""
    for name in _SIZES:
        argument = definition.args.get(name)
        if argument is None:
            continue
        usual = argument.default_value if isinstance(argument.default_value, int) else USUAL
        for given in selection.arguments or ():
            if given.name.value == name:
                return _size_of(given.value, usual)
        return usual
    return None


def _size_of(value: ValueNode, usual: int) -> int | str:
    match value:
        case VariableNode():
            return value.name.value
        case IntValueNode():
            return max(0, int(value.value))
        case ListValueNode():
            return len(value.values)
        case NullValueNode():
            return usual
        case _:
            return 1


def number_from(operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> Callable[[str], int]:
    """How many a variable asks for."""

    def number(name: str) -> int:
        value = variables.get(name, Undefined)
        if value is Undefined:
            declared = next(
                (each for each in operation.variable_definitions or () if each.variable.name.value == name), None
            )
            told = None if declared is None else declared.default_value
            value = None if told is None else value_from_ast_untyped(told)
        if isinstance(value, bool) or value is None:
            return USUAL
        return max(0, value) if isinstance(value, int) else len(value) if isinstance(value, list) else 1

    return number
