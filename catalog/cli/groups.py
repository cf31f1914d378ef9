"""`catalog group`: whom rights are given to together."""

from __future__ import annotations

from dataclasses import replace

import click

from catalog.access.groups import Group, Member
from catalog.access.paging import Page, through
from catalog.assembly import Catalog
from catalog.cli.opening import json_option, on_catalogue
from catalog.cli.tables import PAGE, show
from catalog.cli.words import answer, t, tell
from catalog.questions.reader import ADMINISTRATOR


@click.group("group", help=t("Groups: list, make, fill, dissolve.", "グループの一覧・作成・構成員・解散。"))
def group_() -> None:
    """People, workloads and other groups, whom rights are given to together."""


def group_id(told: str) -> str:
    """A group's id, of which the name alone may be said."""
    return told if told.startswith("group:") else f"group:{told}"


def _said(group: Group, *, as_json: bool) -> None:
    if as_json:
        answer(group.document())
        return
    tell(f"{group.id}  {group.name}")
    show(
        [
            (each.holder.id, each.holder.name, t("looks after it", "管理") if each.manages else "", each.until or "")
            for each in group.members
        ]
        + ([("…", "", "", "")] if group.next else [])
        + [(f"{issuer}: {value}", t("whom the issuer names", "発行者による"), "", "") for issuer, value in group.claims]
    )


@group_.command("list", help=t("List the groups.", "グループの一覧。"))
@json_option
@on_catalogue
def list_groups(catalog: Catalog, as_json: bool) -> None:
    found = through(lambda cursor: catalog.groups.list(ADMINISTRATOR, cursor=cursor, limit=PAGE))
    if as_json:
        for each in found:
            answer(each.document())
    else:
        show([(each.id, each.name) for each in found], (t("group", "グループ"), t("name", "名称")))


@group_.command("show", help=t("Who is in a group.", "構成員を表示する。"))
@click.argument("group")
@json_option
@on_catalogue
def show_group(catalog: Catalog, group: str, as_json: bool) -> None:
    def page(cursor: str | None) -> Page[Member]:
        found = catalog.groups.find(group_id(group), ADMINISTRATOR, cursor=cursor, limit=PAGE)
        return Page(found.members, found.next)

    members = tuple(through(page))
    found = catalog.groups.find(group_id(group), ADMINISTRATOR, limit=1)
    _said(replace(found, members=members, next=None), as_json=as_json)


@group_.command("add", help=t("Make a group.", "グループを作る。"))
@click.argument("name")
@click.option("--title", help=t("What it is called; its name if left out.", "表示名。省略すると名前と同じ。"))
@json_option
@on_catalogue
def add_group(catalog: Catalog, name: str, title: str | None, as_json: bool) -> None:
    _said(catalog.groups.create(name.removeprefix("group:"), title or name, ADMINISTRATOR), as_json=as_json)


@group_.command("end", help=t("Dissolve a group.", "グループを解散する。"))
@click.argument("group")
@on_catalogue
def end_group(catalog: Catalog, group: str) -> None:
    catalog.groups.end(group_id(group), ADMINISTRATOR)


@group_.command("join", help=t("Let somebody be in a group.", "構成員を追加する。"))
@click.argument("group")
@click.argument("member")
@click.option("--manages", is_flag=True, help=t("Who looks after it.", "グループの管理者にする。"))
@click.option("--until", metavar="TIME", help=t("Until when.", "期限。"))
@json_option
@on_catalogue
def join(catalog: Catalog, group: str, member: str, manages: bool, until: str | None, as_json: bool) -> None:
    """A person is named by id, sign-in name or ORCID; another group or a workload by id."""
    named = (
        member if member.partition(":")[0] in ("group", "workload") else catalog.people.named(member, ADMINISTRATOR).id
    )
    made = catalog.groups.add(group_id(group), named, ADMINISTRATOR, manages=manages, until=until)
    _said(made, as_json=as_json)


@group_.command("leave", help=t("Let somebody be in a group no more.", "構成員を外す。"))
@click.argument("group")
@click.argument("member")
@on_catalogue
def leave(catalog: Catalog, group: str, member: str) -> None:
    named = (
        member if member.partition(":")[0] in ("group", "workload") else catalog.people.named(member, ADMINISTRATOR).id
    )
    catalog.groups.remove(group_id(group), named, ADMINISTRATOR)


@group_.command("claim", help=t("Let an issuer say who is in a group.", "発行者のグループと対応付ける。"))
@click.argument("group")
@click.argument("issuer")
@click.argument("value")
@click.option("--end", is_flag=True, help=t("Let it say so no more.", "対応付けを解除する。"))
@on_catalogue
def claim(catalog: Catalog, group: str, issuer: str, value: str, end: bool) -> None:
    if end:
        catalog.groups.unclaim(group_id(group), issuer, value, ADMINISTRATOR)
    else:
        catalog.groups.claim(group_id(group), issuer, value, ADMINISTRATOR)
