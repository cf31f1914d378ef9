"""How the two databases say the few things that a statement says differently in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Dialect(Protocol):
    """How the two databases say the few things that they say differently."""

    joins_freely: bool  # rows that are joined to a subquery's may come in another order than these

    def value(self, name: str) -> str: ...

    def quote(self, expression: str) -> str: ...

    def literal(self, text: str) -> str: ...

    def exactly(self, expression: str) -> str: ...

    def glue(self, expression: str, order: str | None = None) -> str: ...

    def part(self, document: str, name: str) -> str: ...

    def has(self, text: str, needle: str) -> str: ...

    def bytewise(self, expression: str) -> str: ...

    def last_character(self) -> str: ...

    def each(self, value: str) -> str: ...

    def placed(self, value: str) -> str: ...

    def item(self, value: str, place: int) -> str: ...

    def whole(self, text: str) -> str: ...

    def spread(self, above: str, rows: str, columns: Sequence[str]) -> str: ...

    def numbers(self, value: str) -> str: ...

    def texts_in(self, document: str, name: str) -> str: ...

    def members(self, document: str, row: str) -> tuple[str, str]: ...

    def items_in(self, document: str, name: str, row: str) -> tuple[str, str]: ...

    def at(self, document: str, path: Sequence[str], sort: str) -> str: ...

    def number_in(self, document: str, name: str) -> str: ...

    def flag_in(self, document: str, name: str) -> str: ...

    def unindexed(self, expression: str) -> str: ...

    def then(self) -> str: ...

    def rows(self, driver: Any, statement: str, values: Mapping[str, Any]) -> list[Any]: ...


class _Sqlite:
    joins_freely = False  # what is joined by `then` stays where it is

    def value(self, name: str) -> str:
        return f":{name}"

    def quote(self, expression: str) -> str:
        return f"json_quote({expression})"

    def literal(self, text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    def exactly(self, expression: str) -> str:
        # Fifteen digits of a double are not always it; seventeen are. Text, so that it is not taken for JSON in JSON.
        whole = f"CASE WHEN json_quote({expression}) + 0.0 = {expression} THEN json_quote({expression}) ELSE printf('%!.17g', {expression}) END"
        return f"(CASE typeof({expression}) WHEN 'real' THEN {whole} ELSE json_quote({expression}) END || '')"

    def glue(self, expression: str, order: str | None = None) -> str:
        # In the order of the rows: this one has no ORDER BY in an aggregate (3.44 does).
        return f"group_concat({expression}, ',')"

    def part(self, document: str, name: str) -> str:
        return f"""({document} -> '$."{name}"')"""

    def has(self, text: str, needle: str) -> str:
        return f"instr({text}, '{needle}') > 0"

    def bytewise(self, expression: str) -> str:
        return expression

    def last_character(self) -> str:
        return "char(1114111)"

    def each(self, value: str) -> str:
        return f"SELECT value FROM json_each({value})"

    def placed(self, value: str) -> str:
        return f"(SELECT key AS place, value FROM json_each({value}))"

    def item(self, value: str, place: int) -> str:
        return f"({value} ->> {place})"

    def whole(self, text: str) -> str:
        return text

    def spread(self, above: str, rows: str, columns: Sequence[str]) -> str:
        # It has no LATERAL: what a row's own subquery finds goes through a list of lists.
        each = ", ".join(f'y."{column}"' for column in columns)
        told = ", ".join(f'(j.value ->> {place}) AS "{column}"' for place, column in enumerate(columns))
        return (
            f"SELECT above.key AS up, j.key AS place, {told} FROM ({above}) AS above"
            f" CROSS JOIN json_each((SELECT json_group_array(json_array({each})) FROM ({rows}) AS y)) AS j"
        )

    def numbers(self, value: str) -> str:
        return f"SELECT value AS key FROM json_each({value})"

    def texts_in(self, document: str, name: str) -> str:
        return f"""SELECT value FROM json_each({document}, '$."{name}"') WHERE type = 'text'"""

    def members(self, document: str, row: str) -> tuple[str, str]:
        # An object or a list has no atom.
        return f"json_each({document}) AS {row}", f"({row}.atom IS NOT NULL OR {row}.value NOT IN ('[]', '{{}}'))"

    def items_in(self, document: str, name: str, row: str) -> tuple[str, str]:
        held = f"""json_extract({document}, '$."{name}"')"""
        as_list = f"""CASE json_type({document}, '$."{name}"') WHEN 'array' THEN {held} ELSE json_array({held}) END"""
        return f"json_each({as_list}) AS {row}", f"{row}.value IS NOT NULL"

    def at(self, document: str, path: Sequence[str], sort: str) -> str:
        if not path:
            return document
        return "({} ->> '${}')".format(document, "".join(f'."{name}"' for name in path))

    def number_in(self, document: str, name: str) -> str:
        return f"({document} ->> '$.{name}')"

    def flag_in(self, document: str, name: str) -> str:
        return f"(({document} ->> '$.{name}') = 1)"

    def unindexed(self, expression: str) -> str:
        return f"+{expression}"

    def then(self) -> str:
        return "CROSS JOIN"  # https://www.sqlite.org/optoverview.html#crossjoin: the planner keeps this order

    def rows(self, driver: Any, statement: str, values: Mapping[str, Any]) -> list[Any]:
        made: list[Any] = driver.execute(statement, values).fetchall()
        return made


class _Postgresql:
    joins_freely = True

    def value(self, name: str) -> str:
        return f"%({name})s"

    def quote(self, expression: str) -> str:
        return f"coalesce(to_json({expression})::text, 'null')"

    def literal(self, text: str) -> str:
        return "'" + text.replace("'", "''").replace("%", "%%") + "'"

    def exactly(self, expression: str) -> str:
        return self.quote(expression)

    def glue(self, expression: str, order: str | None = None) -> str:
        return f"string_agg({expression}, ','{'' if order is None else f' ORDER BY {order}'})"

    def part(self, document: str, name: str) -> str:
        return f"({document}::json -> '{name}')::text"

    def has(self, text: str, needle: str) -> str:
        return f"strpos({text}, '{needle.replace('%', '%%')}') > 0"

    def bytewise(self, expression: str) -> str:
        return f'{expression} COLLATE "C"'

    def last_character(self) -> str:
        return "chr(1114111)"

    def each(self, value: str) -> str:
        return f"SELECT json_array_elements_text({value}::json)"

    def placed(self, value: str) -> str:
        return f"(SELECT place - 1 AS place, value FROM json_array_elements_text({value}::json) WITH ORDINALITY AS e (value, place))"

    def item(self, value: str, place: int) -> str:
        return f"({value}::json ->> {place})"

    def whole(self, text: str) -> str:
        return f"{text}::integer"

    def spread(self, above: str, rows: str, columns: Sequence[str]) -> str:
        told = ", ".join(f'found."{column}"' for column in columns)
        return (
            f"SELECT above.key AS up, found.place AS place, {told} FROM ({above}) AS above"
            f" CROSS JOIN LATERAL (SELECT row_number() OVER () - 1 AS place, y.* FROM ({rows}) AS y) AS found"
        )

    def numbers(self, value: str) -> str:
        # An array is read in a fraction of the time of a list of JSON.
        return f"SELECT unnest(translate({value}, '[]', '{{}}')::bigint[]) AS key"

    def texts_in(self, document: str, name: str) -> str:
        return (
            f"SELECT value #>> '{{}}' FROM json_array_elements({document}::json -> '{name}')"
            " WHERE json_typeof(value) = 'string'"
        )

    def members(self, document: str, row: str) -> tuple[str, str]:
        return f"json_each({document}::json) AS {row}", f"{row}.value::text NOT IN ('null', '[]', '{{}}')"

    def items_in(self, document: str, name: str, row: str) -> tuple[str, str]:
        held = f"({document}::json -> '{name}')"
        as_list = f"CASE json_typeof({held}) WHEN 'array' THEN {held} ELSE json_build_array({held}) END"
        return f"json_array_elements({as_list}) AS {row} (value)", f"json_typeof({row}.value) <> 'null'"

    def at(self, document: str, path: Sequence[str], sort: str) -> str:
        found = document + "".join(f" -> '{name}'" for name in path)
        told = f"(({found}) #>> '{{}}')"
        # What an older schema let in may be of another type, which no cast takes.
        if sort in ("integer", "number"):
            return f"(CASE json_typeof({found}) WHEN 'number' THEN {told}::double precision END)"
        return f"(CASE json_typeof({found}) WHEN 'boolean' THEN {told}::boolean END)" if sort == "boolean" else told

    def number_in(self, document: str, name: str) -> str:
        return f"({document}::json ->> '{name}')::bigint"

    def flag_in(self, document: str, name: str) -> str:
        return f"(({document}::json ->> '{name}') = 'true')"

    def unindexed(self, expression: str) -> str:
        return expression  # it knows how many rows each source has

    def then(self) -> str:
        return "JOIN"

    def rows(self, driver: Any, statement: str, values: Mapping[str, Any]) -> list[Any]:
        with driver.cursor() as cursor:
            cursor.execute(statement, values)
            made: list[Any] = cursor.fetchall()
        return made


DIALECTS: Mapping[str, Dialect] = {"sqlite": _Sqlite(), "postgresql": _Postgresql()}
