"""Writes the parts of docs/ that are made from the code, between their marks; a test holds that they are up to date."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from itertools import groupby
from pathlib import Path

import click

from catalog import settings
from catalog.assembly import all_shipped_profiles
from catalog.cli import exits
from catalog.cli.words import LANGUAGE
from catalog.ledger.mirror import RECORD_COLUMNS, public_view
from catalog.records.kinds import Kind, load_kinds
from catalog.web.app import ROUTES
from catalog.web.operations import Operation

DOCS = Path(__file__).resolve().parent.parent / "docs"
MARKED = re.compile(r"(<!-- made from the code: (?P<name>[a-z-]+) -->\n)(?P<text>.*?)(<!-- end -->)", re.DOTALL)


def commands() -> str:
    """Every command with its arguments and options, as its own help says them."""
    from catalog.cli import catalog

    lines: list[str] = []

    def tell(command: click.Command, path: str, above: click.Context | None) -> None:
        context = click.Context(command, info_name=path.rsplit(" ", 1)[-1], parent=above)
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                within = command.get_command(context, name)
                if within is not None:
                    tell(within, f"{path} {name}", context)
            return
        arguments = [each for each in command.params if isinstance(each, click.Argument)]
        usage = " ".join([path, *(each.make_metavar(context) for each in arguments)])
        lines.append(f"### `{path}`\n\n```\n{usage} [OPTIONS]\n```\n\n{' '.join((command.help or '').split())}\n")
        options = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
        if options:
            lines.append("| option | meaning |\n|---|---|")
            for each in options:
                names = ", ".join([*each.opts, *each.secondary_opts])
                value = "" if each.is_flag or each.count else f" {each.make_metavar(context)}"
                told = f"{names}{value}".replace("|", "\\|")
                lines.append(f"| `{told}` | {' '.join((each.help or '').split())} |")
            lines.append("")

    tell(catalog, "catalog", None)
    return "\n".join(lines)


def mirror() -> str:
    """The columns that every kind's view has, and those of each kind alone."""
    kinds = load_kinds()
    first = next(iter(kinds.values()))
    shared = {name for name in first.field if all(name in kind.field for kind in kinds.values())}
    lines = ["Every view has `" + "`, `".join(RECORD_COLUMNS) + "`, and of the fields that all kinds share:", ""]
    lines += [*_columns(first, lambda name: name in shared), ""]
    for kind in kinds.values():
        lines += [f"### `{public_view(kind.name)}`", ""]
        lines += [*_columns(kind, lambda name: name not in shared), ""]
    return "\n".join(lines)


def _columns(kind: Kind, wanted: Callable[[str], bool]) -> list[str]:
    rows = ["| columns | field |", "|---|---|"]
    for name, columns in groupby(kind.columns, key=lambda column: column.field):
        if wanted(name):
            field = kind.field[name]
            names = "`, `".join(f"body_{each.name}" if each.name in RECORD_COLUMNS else each.name for each in columns)
            rows.append(f"| `{names}` | `{name}`: {field.titles['en']} / {field.titles['ja']} |")
    return rows


def endpoints() -> str:
    """Every operation with what it takes and answers, by the heading it is described under."""
    lines: list[str] = []
    by_heading: dict[str, list[Operation]] = {}
    for operation, _ in ROUTES:
        by_heading.setdefault(operation.tag, []).append(operation)
    for heading, operations in by_heading.items():
        lines += [f"### {heading}", ""]
        for each in operations:
            lines += [f"#### `{each.method} {each.path}`", "", f"{each.summary} / {each.ja}. {each.about}", ""]
            asked = [parameter for parameter in each.parameters if parameter.place != "path"]
            if asked:
                lines += ["| parameter | meaning |", "|---|---|"]
                lines += [f"| `{parameter.name}` ({parameter.place}) | {parameter.about} |" for parameter in asked]
                lines.append("")
            statuses = [*map(str, each.answers), *map(str, sorted(each.problems))]
            lines += [f"Answers {', '.join(statuses)}.", ""]
    return "\n".join(lines)


def profiles() -> str:
    """The profiles that come with the software."""
    there = all_shipped_profiles()
    if not there:
        return "None yet."
    lines = ["| profile | kind | for | examples |", "|---|---|---|---|"]
    for each in there:
        about = each.description.get("en") or each.title.get("en", "")
        counts = f"{len(each.good)} good, {len(each.bad)} bad"
        lines.append(f"| `{each.name}@{each.version}` | `{each.kind}` | {about} | {counts} |")
    return "\n".join(lines)


PARTS: Mapping[str, Callable[[], str]] = {
    "settings": settings.table,
    "exit-codes": exits.table,
    "commands": commands,
    "mirror": mirror,
    "endpoints": endpoints,
    "profiles": profiles,
}


def up_to_date(text: str) -> str:
    """A page with every marked part as the code has it now."""
    return MARKED.sub(lambda match: f"{match[1]}{PARTS[match['name']]().rstrip()}\n{match[4]}", text)


def main() -> int:
    if LANGUAGE != "en":
        print("the pages are written from the English texts: run this with LANG=C.UTF-8", file=sys.stderr)
        return 2
    for page in sorted(DOCS.glob("*.md")):
        before = page.read_text("utf-8")
        after = up_to_date(before)
        if after != before:
            page.write_text(after, "utf-8")
            print(f"wrote {page.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
