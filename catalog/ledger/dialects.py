"""How the two databases say the few things that a statement says differently in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Dialect(Protocol):
    """How the two databases say the few things that they say differently."""

    def value(self, name: str) -> str: ...

    def quote(self, expression: str) -> str: ...

    def glue(self, expression: str) -> str: ...

    def part(self, document: str, name: str) -> str: ...

    def has(self, text: str, needle: str) -> str: ...

    def bytewise(self, expression: str) -> str: ...

    def last_character(self) -> str: ...

    def each(self, value: str) -> str: ...

    def numbers(self, value: str) -> str: ...

    def texts_in(self, document: str, name: str) -> str: ...

    def members(self, document: str, row: str) -> tuple[str, str]: ...

    def number_in(self, document: str, name: str) -> str: ...

    def flag_in(self, document: str, name: str) -> str: ...

    def unindexed(self, expression: str) -> str: ...

    def then(self) -> str: ...

    def rows(self, driver: Any, statement: str, values: Mapping[str, Any]) -> list[Any]: ...


class _Sqlite:
    def value(self, name: str) -> str:
        return f":{name}"

    def quote(self, expression: str) -> str:
        return f"json_quote({expression})"

    def glue(self, expression: str) -> str:
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

    def numbers(self, value: str) -> str:
        return self.each(value)

    def texts_in(self, document: str, name: str) -> str:
        return f"""SELECT value FROM json_each({document}, '$."{name}"') WHERE type = 'text'"""

    def members(self, document: str, row: str) -> tuple[str, str]:
        # An object or a list has no atom.
        return f"json_each({document}) AS {row}", f"({row}.atom IS NOT NULL OR {row}.value NOT IN ('[]', '{{}}'))"

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
    def value(self, name: str) -> str:
        return f"%({name})s"

    def quote(self, expression: str) -> str:
        return f"coalesce(to_json({expression})::text, 'null')"

    def glue(self, expression: str) -> str:
        return f"string_agg({expression}, ',')"

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

    def numbers(self, value: str) -> str:
        return f"SELECT json_array_elements_text({value}::json)::bigint"

    def texts_in(self, document: str, name: str) -> str:
        return (
            f"SELECT value #>> '{{}}' FROM json_array_elements({document}::json -> '{name}')"
            " WHERE json_typeof(value) = 'string'"
        )

    def members(self, document: str, row: str) -> tuple[str, str]:
        return f"json_each({document}::json) AS {row}", f"{row}.value::text NOT IN ('null', '[]', '{{}}')"

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
