"""What can be asked over HTTP, each operation said once: from this come the routes, the checks and the description."""

from __future__ import annotations

import difflib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from catalog.errors import CatalogError, Malformed, NotFound
from catalog.web.negotiation import HTML, JSON, Form
from catalog.web.refusals import MethodNotAllowed

Endpoint = Callable[[Request], Awaitable[Response]]
Place = Literal["query", "path", "header"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing that a request may say beside its body."""

    name: str
    about: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    place: Place = "query"
    required: bool = False
    example: Any = None

    def document(self) -> dict[str, Any]:
        """The parameter as OpenAPI writes it."""
        told: dict[str, Any] = {
            "name": self.name,
            "in": self.place,
            "required": self.required or self.place == "path",
            "description": self.about,
            "schema": dict(self.schema),
        }
        if self.example is not None:
            told["example"] = self.example
        return told


LANG = Parameter(
    "lang", "The language to answer in, before `Accept-Language`.", {"type": "string", "enum": ["en", "ja"]}
)
FORMAT = Parameter("format", "The form to answer in, before `Accept`.")
CURSOR = Parameter("cursor", "The `next` of the page before; opaque.")
# How many items a page holds if nobody says how many.
USUAL = 100
LIMIT = Parameter(
    "limit",
    "How many items a page holds at most.",
    {"type": "integer", "minimum": 1, "maximum": 1000, "default": USUAL},
    example=25,
)


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries: an example for each media type that is read."""

    about: str
    examples: Mapping[str, Any]
    required: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back with a status: a sentence, its media types, and an example where one helps."""

    about: str
    forms: Sequence[Form] = ()
    example: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method at one address."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    name: str
    tag: str
    summary: str
    ja: str
    about: str
    answers: Mapping[int, Answer]
    problems: Sequence[int] = ()
    parameters: Sequence[Parameter] = ()
    body: Body | None = None
    # Besides those declared: filters are named by the kinds' fields, so they can't be listed one by one.
    open_query: bool = False
    # A question that is too long for an address: it changes nothing, so nobody has to say who they are.
    asks: bool = False
    # The same for everybody: who asks is not even looked at.
    alike: bool = False

    @property
    def writes(self) -> bool:
        return self.method != "GET" and not self.asks

    def document(self) -> dict[str, Any]:
        """What OpenAPI says of it beyond what the framework writes itself."""
        told: dict[str, Any] = {
            "parameters": [parameter.document() for parameter in (*self.parameters, LANG)],
            "responses": {str(status): _answer(answer) for status, answer in self.answers.items()},
            "x-ja": {"summary": self.ja},
        }
        for status in sorted({*self.problems, 401}):
            told["responses"].setdefault(str(status), {"$ref": f"#/components/responses/Problem{status}"})
        if self.body is not None:
            told["requestBody"] = {
                "required": self.body.required,
                "description": self.body.about,
                "content": {
                    media_type: {"schema": _shape(media_type), "example": example}
                    for media_type, example in self.body.examples.items()
                },
            }
        if self.writes:
            told["security"] = [{"token": []}, {"session": []}]
        return told

    def query(self, request: Request) -> dict[str, Any]:
        """The query's declared parameters, read and checked; one that is not known is refused by name."""
        declared = {parameter.name: parameter for parameter in self.parameters if parameter.place == "query"}
        values: dict[str, Any] = {}
        for name, text in request.query_params.multi_items():
            parameter = declared.get(name)
            if parameter is None:
                if name in ("lang", "format") or self.open_query:
                    continue
                raise _unknown(name, list(dict.fromkeys((*declared, "lang", "format"))))
            if name in values:
                raise Malformed(f"{name} is given twice.", ja=f"{name} が2回指定されています。")
            values[name] = _read(name, text, parameter.schema)
        for name, parameter in declared.items():
            if name not in values:
                if parameter.required:
                    raise Malformed(f"{name} is missing: {parameter.about}", ja=f"{name} がありません。")
                if "default" in parameter.schema:
                    values[name] = parameter.schema["default"]
        return values


def _unknown(name: str, known: Sequence[str]) -> Malformed:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else f" There are {', '.join(known)}."
    ja_hint = f"もしかして {near[0]} ですか。" if near else f"使えるのは {', '.join(known)} です。"
    return Malformed(f"There is no parameter '{name}' here.{hint}", ja=f"パラメーター「{name}」はありません。{ja_hint}")


def _read(name: str, text: str, schema: Mapping[str, Any]) -> Any:
    match schema.get("type"):
        case "integer":
            least, most = schema.get("minimum", 0), schema.get("maximum", 2**53)
            if not re.fullmatch(r"[0-9]{1,16}", text) or not least <= int(text) <= most:
                raise Malformed(
                    f"{name}: '{text}' is not a whole number from {least} to {most}.",
                    ja=f"{name}: 「{text}」は {least} から {most} までの整数ではありません。",
                )
            return int(text)
        case "boolean":
            if text not in ("true", "false"):
                raise Malformed(
                    f"{name}: '{text}' is neither true nor false.", ja=f"{name}: true か false を指定してください。"
                )
            return text == "true"
        case _:
            if "enum" in schema and text not in schema["enum"]:
                names = ", ".join(schema["enum"])
                raise Malformed(f"{name}: '{text}' is none of {names}.", ja=f"{name}: {names} のいずれかです。")
            return text


def _shape(media_type: str) -> dict[str, Any]:
    if media_type == "application/json":
        return {"type": "object"}
    if media_type.endswith("schema+json"):
        return {"type": "object"}
    return {"type": "string"}


def _answer(answer: Answer) -> dict[str, Any]:
    told: dict[str, Any] = {"description": answer.about}
    if answer.headers:
        told["headers"] = {
            name: {"description": about, "schema": {"type": "string"}} for name, about in answer.headers.items()
        }
    if answer.forms:
        told["content"] = {}
        for form in answer.forms:
            content: dict[str, Any] = {"schema": _shape(form.media_type) if form is JSON else {"type": "string"}}
            if answer.example is not None and form is not HTML:
                content["example"] = answer.example
            told["content"][form.media_type] = content
    return told


class Routes(list[tuple[Operation, Endpoint]]):
    """What one module answers, in the order in which it is described."""

    def add(self, told: Operation) -> Callable[[Endpoint], Endpoint]:
        """Register the function below as what answers this operation."""

        def register(endpoint: Endpoint) -> Endpoint:
            self.append((told, endpoint))
            return endpoint

        return register


def asked(request: Request) -> dict[str, Any]:
    """What the query of a request says, as its operation declares it."""
    told: Operation = request.app.state.operations[request.scope["route"].name]
    return told.query(request)


def add_routes(app: FastAPI, routes: Sequence[tuple[Operation, Endpoint]]) -> None:
    """The operations as the framework's routes, the most particular address first."""
    app.state.operations = {told.name: told for told, _ in routes}
    if len(app.state.operations) != len(routes):
        # What an operation takes and whether it writes is found by its name.
        twice = [told.name for told, _ in routes if app.state.operations[told.name] is not told]
        raise AssertionError(f"two operations have one name: {twice}")
    for told, endpoint in sorted(routes, key=lambda route: _particularity(route[0].path)):
        app.add_api_route(
            told.path,
            endpoint,
            methods=[told.method],
            name=told.name,
            operation_id=told.name,
            summary=told.summary,
            description=told.about,
            tags=[told.tag],
            response_model=None,
            response_class=Response,
            openapi_extra=told.document(),
        )


class Switchboard:
    """From a request to the function that answers it, by the first word of its address.

    The framework tries its routes one after another, and goes a long way from a route to its function: 250 µs for a
    record, of which this takes 15. What is of no word that is known here goes to the framework, which knows how to refuse.
    """

    def __init__(self, app: FastAPI) -> None:
        self._routes: dict[tuple[str, str], list[APIRoute]] = {}
        for route in app.router.routes:
            if isinstance(route, APIRoute):
                word = route.path.split("/")[1]
                for method in route.methods or ():
                    self._routes.setdefault((method, "" if word.startswith("{") else word), []).append(route)
        self._words = {word for _, word in self._routes}

    def endpoint(self, scope: Scope) -> Endpoint | None:
        """The function for a request, which then finds its route and its path's variables in the scope."""
        path: str = scope["path"]
        word = path[1:].partition("/")[0]
        for route in self._routes.get((scope["method"], word if word in self._words else ""), ()):
            found = route.path_regex.match(path)
            if found:
                scope["route"], scope["endpoint"], scope["path_params"] = route, route.endpoint, found.groupdict()
                endpoint: Endpoint = route.endpoint
                return endpoint
        if word in self._words:
            # The framework would take it for the address of a record, which every address of three words looks like.
            raise self._refusal(scope["method"], word, path)
        return None

    def _refusal(self, method: str, word: str, path: str) -> CatalogError:
        found = {
            name
            for (name, first), routes in self._routes.items()
            if first == word and any(route.path_regex.match(path) for route in routes)
        }
        if not found:
            return NotFound("There is nothing at this address.", ja="このアドレスには何もありません。")
        return MethodNotAllowed(method, tuple(sorted(found | ({"HEAD"} if "GET" in found else set()))))


def _particularity(path: str) -> tuple[int, ...]:
    """Words before variables, and the variable that takes everything last: only with words behind it before one without."""
    parts = path.split("/")
    return tuple(
        (2 if place < len(parts) else 3) if ":path}" in part else 1 if part.startswith("{") else 0
        for place, part in enumerate(parts, 1)
    )
