"""`catalog login`, `catalog logout`, `catalog whoami`: signing in at a catalogue elsewhere, without a password here."""

from __future__ import annotations

import socket
import time
from typing import Any

import click

from catalog.cli.opening import json_option
from catalog.cli.remote import Kept, address_told, answer_of, ask, document_in, find_kept, forget, keep, kept_at
from catalog.cli.words import answer, t, tell
from catalog.errors import CatalogError, Forbidden, Unavailable

plain_option = click.option(
    "--plain",
    is_flag=True,
    help=t("Allow http to another machine, where others may read along.", "暗号化なしの http 接続を許可する。"),
)


@click.command(
    "login",
    help=t(
        "Sign in at a catalogue: it shows a code, which you enter on a page of the catalogue where you are signed in. The token "
        "that comes back is kept in your configuration folder, for 90 days.",
        "カタログにサインインする。表示されたコードを、サインイン済みのブラウザーで入力する。受け取ったトークンは設定フォルダーに"
        "90日間保存される。",
    ),
)
@click.argument("address")
@click.option("--name", help=t("What this command line is called there.", "この端末の呼び名。"))
@plain_option
@json_option
def login_(address: str, name: str | None, plain: bool, as_json: bool) -> None:
    wanted = address_told(address, plain=plain)
    begun = ask("POST", wanted, "device", said={"name": name or f"catalog on {socket.gethostname()}"})
    tell(
        t(
            f"Open {begun['verification_uri']} and enter the code {begun['user_code']}",
            f"{begun['verification_uri']} を開き、コード {begun['user_code']} を入力してください",
        )
    )
    told = _token(wanted, begun)
    before = find_kept(wanted)
    kept = Kept(wanted, told["access_token"], told["id"], told["until"], told["person"]["name"])
    path = keep(kept)
    if before is not None:
        _end(before)
    if as_json:
        answer({"address": wanted, "person": told["person"], "until": kept.until, "file": str(path)})
    else:
        tell(
            t(
                f"signed in at {wanted} as {kept.person} until {kept.until[:10]}; the token is in {path}",
                f"{wanted} に {kept.person} としてサインインしました（{kept.until[:10]} まで）。トークンは {path} にあります",
            )
        )


def _token(address: str, begun: dict[str, Any]) -> dict[str, Any]:
    """The token, once its person has entered the code."""
    interval = int(begun["interval"])
    over = time.monotonic() + int(begun["expires_in"])
    while time.monotonic() < over:
        time.sleep(interval)
        got = answer_of("POST", address, "device/token", said={"device_code": begun["device_code"]})
        told = document_in(got)
        if got.is_success:
            return told
        match told.get("error"):
            case "authorization_pending":
                continue
            case "slow_down":
                interval += 5
            case "access_denied":
                raise Forbidden("it was refused on the page", ja="ページで拒否されました")
            case _:
                break
    raise Unavailable(
        "nobody entered the code in time: `catalog login` again",
        ja="時間内にコードが入力されませんでした。もう一度 `catalog login` を実行してください",
    )


def _end(kept: Kept) -> None:
    """End a token that is not needed any more; one that has ended already is no problem."""
    try:
        ask("POST", kept.address, "account/tokens/end", token=kept.token)
    except Forbidden:
        tell(t("the former token had ended already", "以前のトークンはすでに終了していました"))


@click.command(
    "logout",
    help=t(
        "Sign out: the token ends at the catalogue with those that were made by it, and is kept here no more.",
        "サインアウトする。トークンは、それで作られたトークンとともにカタログ側で終了し、ここからも消える。",
    ),
)
@click.argument("address", required=False)
@plain_option
@json_option
def logout_(address: str | None, plain: bool, as_json: bool) -> None:
    kept = kept_at(address, plain=plain)
    try:
        _end(kept)
    except CatalogError as problem:
        # It stays here then, so that it can be ended later.
        raise Unavailable(
            f"{kept.address} could not be told to end the token, which is kept until it can: {problem}",
            ja=f"{kept.address} でトークンを終了できませんでした。トークンは残してあります",
        ) from problem
    forget(kept.address)
    if as_json:
        answer({"address": kept.address, "signedOut": True})
    else:
        tell(
            t(
                f"signed out at {kept.address}; tokens that this sign-in had made have ended, too",
                f"{kept.address} からサインアウトしました。このサインインで作られたトークンも終了しました",
            )
        )


@click.command(
    "whoami",
    help=t(
        "Say as whom one is signed in at a catalogue, and until when.",
        "誰としていつまでサインインしているかを表示する。",
    ),
)
@click.argument("address", required=False)
@plain_option
@json_option
def whoami_(address: str | None, plain: bool, as_json: bool) -> None:
    kept = kept_at(address, plain=plain)
    told = ask("GET", kept.address, "whoami", token=kept.token)
    if as_json:
        answer({"address": kept.address, **told})
    else:
        role = t(" (administrator)", "（管理者）") if told["administrator"] else ""
        click.echo(f"{told['name']}{role}  {told['id']}  {kept.address}  {t('until', '期限')} {kept.until[:10]}")
