"""`catalog kind`: what sorts of record there are, and what each can say."""

from __future__ import annotations

import difflib
from typing import Any

import click

from catalog.assembly import kinds_of
from catalog.cli.opening import data_option, json_option, settings_of
from catalog.cli.tables import show
from catalog.cli.words import answer, by_language, t
from catalog.errors import NotFound


@click.group("kind", help=t("What sorts of record there are.", "レコードの種別。"))
def kind_() -> None:
    """The kinds that this installation has."""


@kind_.command("list", help=t("List the kinds.", "種別の一覧。"))
@data_option
@json_option
def list_kinds(as_json: bool, **given: Any) -> None:
    kinds = kinds_of(settings_of(given))
    if as_json:
        for kind in kinds.values():
            answer(
                {"kind": kind.name, "title": kind.titles, "fields": len(kind.fields), "fingerprint": kind.fingerprint}
            )
        return
    show(
        [
            (kind.name, len(kind.fields), by_language(dict(kind.titles)), by_language(dict(kind.descriptions)))
            for kind in kinds.values()
        ],
        (t("kind", "種別"), t("fields", "項目数"), t("title", "名称"), t("meaning", "意味")),
    )


@kind_.command(
    "show", help=t("Show a kind's fields, or with --json its JSON Schema.", "項目を表示する。--json なら JSON Schema。")
)
@click.argument("name")
@data_option
@json_option
def show_kind(name: str, as_json: bool, **given: Any) -> None:
    kinds = kinds_of(settings_of(given))
    if name not in kinds:
        near = difflib.get_close_matches(name, kinds, n=3)
        raise NotFound(
            f"there is no kind '{name}'"
            + (f": did you mean {' or '.join(near)}?" if near else f": there are {', '.join(kinds)}"),
            ja=f"種別「{name}」はありません。"
            + (f"もしかして: {'、'.join(near)}" if near else f"使えるもの: {'、'.join(kinds)}"),
        )
    kind = kinds[name]
    if as_json:
        answer(kind.schema)
        return
    click.echo(f"{by_language(dict(kind.titles))}: {by_language(dict(kind.descriptions))}\n")
    rows = []
    for field in kind.fields:
        form = {"links": "link", "object": "object", "scalar": field.scalar or ""}.get(field.form, field.form)
        about = ", ".join(
            word
            for word, said in (
                (" | ".join(field.kinds), bool(field.kinds)),
                (t("required", "必須"), field.required),
                (t("private", "非公開"), field.private),
                (t("sortable", "並べ替え可"), field.sortable),
            )
            if said
        )
        rows.append((field.name, form + ("[]" if field.many else ""), about, by_language(dict(field.titles))))
    show(rows, (t("field", "項目"), t("form", "形"), "", t("title", "名称")))
