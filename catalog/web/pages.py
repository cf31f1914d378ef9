"""Pages for people: the same answers as a program gets, laid out to be read, in English and Japanese."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from catalog.web.negotiation import HTML, Language, language_for
from catalog.web.problems import Problem
from catalog.web.session import session_in

HERE = Path(__file__).parent
STATIC = HERE / "static"


def environment() -> Environment:
    """The templates, which escape whatever they show."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters["day"] = day
    made.filters["size"] = size
    made.filters["number"] = number
    return made


def say_in(language: Language, en: str, ja: str) -> str:
    """The one of two texts that is in the reader's language."""
    return ja if language == "ja" else en


def text_in(texts: Mapping[str, str] | None, language: Language) -> tuple[str, str]:
    """A text by language as it is shown, and the language that it is in; ja and en fall back to each other."""
    if not texts:
        return "", language
    for tag in (str(language), "ja" if language == "en" else "en"):
        if tag in texts:
            return texts[tag], tag
        for near in texts:
            if near.partition("-")[0] == tag:
                return texts[near], near
    tag = next(iter(texts))
    return texts[tag], tag


def marked_text(texts: Mapping[str, str] | str | None, language: Language) -> str | Markup:
    """A text by language as it is shown; one in another language than the page says so to who reads it aloud."""
    if texts is None or isinstance(texts, str):
        return texts or ""
    text, tag = text_in(texts, language)
    if tag == language or not text or tag == "und":
        return text
    return Markup('<span lang="{}">{}</span>').format(tag, text)


# What may be done in a scope, in the words of pages.
RIGHT_NAMES: Mapping[str, tuple[str, str]] = {
    "read": ("see", "閲覧"),
    "download": ("files", "ファイル取得"),
    "share": ("share", "共有"),
    "write": ("write", "書き込み"),
    "run": ("run jobs", "ジョブ実行"),
    "manage": ("manage", "管理"),
}


def right_name(right: str, language: Language) -> str:
    """What a right is called."""
    return RIGHT_NAMES[right][language == "ja"]


def holder_name(holder: Mapping[str, str], language: Language) -> str:
    """What somebody who holds rights is called."""
    if holder["kind"] == "everyone":
        return say_in(language, "Everyone", "全員")
    if holder["kind"] == "signed-in":
        return say_in(language, "Everyone signed in", "サインインした利用者全員")
    return holder["name"] or holder["id"]


def address(root: str, keep: str | None, path: str, **query: str | None) -> str:
    """A path of ours with its query, and with the language if the reader chose one by address."""
    told = {name: value for name, value in query.items() if value is not None}
    if keep is not None:
        told.setdefault("lang", keep)
    # A path's percent signs are those of ids, already as they must stand.
    written = root + quote(path, safe="/%~:@!$&'()*+,;=-._")
    return f"{written}?{urlencode(told)}" if told else written


def in_language(request: Request, root: str, language: str) -> str:
    """This page's address in a language."""
    told = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    path = request.scope["raw_path"].partition(b"?")[0].decode("latin-1").lstrip("/")
    return f"{root}{path}?{urlencode([*told, ('lang', language)])}"


def rendered(request: Request, pages: Environment, root: str, template: str, **values: Any) -> str:
    """A page's text."""
    return pages.get_template(template).render({**_frame(request, root, language_for(request)), **values})


def page(
    request: Request,
    pages: Environment,
    root: str,
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response:
    """A page as an answer."""
    text = rendered(request, pages, root, template, **values)
    return Response(text, status, {"Content-Language": language_for(request), **(headers or {})}, HTML.content_type)


def _frame(request: Request, root: str, language: Language) -> dict[str, Any]:
    said = request.query_params.get("lang")
    keep = said if said in ("en", "ja") else None
    return {
        "language": language,
        "keep": keep,
        "root": root,
        "section": "",
        "who": session_in(request),
        "say": partial(say_in, language),
        "text": partial(marked_text, language=language),
        "right_name": partial(right_name, language=language),
        "holder_name": partial(holder_name, language=language),
        "to": partial(address, root, keep),
        "in_language": partial(in_language, request, root),
    }


def as_data(document: Mapping[str, Any]) -> Markup:
    """A document as it stands in a page's script element, where no text of it can end the element."""
    text = orjson.dumps(document).decode()
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def problem_page(request: Request, pages: Environment, root: str, problem: Problem) -> str:
    """A problem as a page."""
    language = language_for(request)
    told = {"reason": None, "at": "", "id": None, "findings": (), **problem.document}
    return pages.get_template("problem.html").render(
        **_frame(request, root, language), problem=told, name=problem.kind.name
    )


def day(time: str | None) -> str:
    """A time as the day it fell on."""
    return (time or "")[:10]


def size(count: int | None) -> str:
    """A number of bytes as people read it."""
    if count is None:
        return ""
    amount, units = float(count), iter(("B", "kB", "MB", "GB", "TB", "PB", "EB"))
    unit = next(units)
    while amount >= 1000 and unit != "EB":
        amount, unit = amount / 1000, next(units)
    return f"{amount:.3g} {unit}" if unit != "B" else f"{count} B"


def number(value: float) -> str:
    """A number as people read it: no more digits than it has, and a power of ten where it is far from one."""
    if isinstance(value, int):
        return str(value)
    text = f"{value:.12g}"
    if "e" in text:
        mantissa, _, exponent = text.partition("e")
        power = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        return f"{mantissa} × 10{power}"
    return text
