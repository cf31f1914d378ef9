"""Catalogues elsewhere, as the command line asks them: with the token that its person was given at signing in."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import orjson

from catalog.cli.words import LANGUAGE
from catalog.errors import CatalogError, Conflict, Forbidden, Invalid, Misconfigured, NotFound, Unavailable
from catalog.settings import configuration_folder

TIMEOUT_SECONDS: Final = 30
_ERRORS: Final[Mapping[int, type[CatalogError]]] = {401: Forbidden, 403: Forbidden, 404: NotFound, 409: Conflict}


@dataclass(frozen=True, slots=True)
class Kept:
    """A token that is kept for a catalogue, and who its person said that they are."""

    address: str
    token: str
    id: str
    until: str
    person: str

    def __repr__(self) -> str:
        return f"Kept({self.address})"


def address_told(told: str, *, plain: bool = False) -> str:
    """A catalogue's address; over plain HTTP only on this machine, since anybody on the way could read the token."""
    parts = urlsplit(told if "://" in told else f"https://{told}")
    try:
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right or parts.username is not None or parts.query or parts.fragment:
        raise Invalid(
            f"{told:.200}: write the catalogue's address, as https://catalogue.example.org/",
            ja=f"{told:.200}: https://catalogue.example.org/ のようにカタログのアドレスを書いてください",
        )
    if parts.scheme == "http" and not plain and not _is_here(str(parts.hostname)):
        raise Invalid(
            f"{told:.200}: over plain http anybody on the way could read your token; write https, or add --plain",
            ja=f"{told:.200}: http では途中でトークンを盗み見られます。https にするか --plain を付けてください",
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/"


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def ask(
    method: str, address: str, path: str, *, token: str | None = None, said: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What a catalogue answers; what it refuses is refused here in its own words."""
    answer = answer_of(method, address, path, token=token, said=said)
    told = document_in(answer)
    if answer.is_success:
        return told
    detail = str(told.get("detail") or told.get("title") or f"{address} answered {answer.status_code}")
    if answer.status_code >= 500 or answer.status_code == 429:
        raise Unavailable(detail)
    raise _ERRORS.get(answer.status_code, Invalid)(detail)


def answer_of(
    method: str, address: str, path: str, *, token: str | None = None, said: Mapping[str, Any] | None = None
) -> httpx.Response:
    """The answer as it came; Unavailable if there is none."""
    headers = {"Accept": "application/json", "Accept-Language": LANGUAGE}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    try:
        # Redirects are not followed: the token is for this address and for no other.
        return httpx.request(method, address + path, headers=headers, json=said, timeout=TIMEOUT_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        raise Unavailable(
            f"{address} does not answer ({type(problem).__name__})", ja=f"{address} に接続できません"
        ) from problem


def document_in(answer: httpx.Response) -> dict[str, Any]:
    """The JSON object in an answer; empty if there is none."""
    try:
        told = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}


# --- what is kept


def kept_at(address: str | None, *, plain: bool = False) -> Kept:
    """The token for a catalogue; without an address, for the only one that there is."""
    kept = _read()
    if address is not None:
        wanted = address_told(address, plain=plain)
        if wanted in kept:
            return kept[wanted]
        raise NotFound(
            f"you are not signed in at {wanted}: `catalog login {wanted}`",
            ja=f"{wanted} にサインインしていません。`catalog login {wanted}` を実行してください",
        )
    if len(kept) == 1:
        return next(iter(kept.values()))
    if not kept:
        raise NotFound(
            "you are not signed in anywhere: `catalog login ADDRESS`",
            ja="サインインしていません。`catalog login アドレス` を実行してください",
        )
    raise Invalid(
        f"you are signed in at {', '.join(kept)}: name one of them",
        ja=f"{'、'.join(kept)} にサインインしています。どれかを指定してください",
    )


def find_kept(address: str) -> Kept | None:
    """The token for a catalogue, if there is one."""
    return _read().get(address)


def keep(kept: Kept) -> Path:
    """Keep a token where only its person reads it; the file."""
    return _write({**_read(), kept.address: kept})


def forget(address: str) -> None:
    """Keep nothing for this address any more."""
    _write({each: kept for each, kept in _read().items() if each != address})


def _file() -> Path:
    return configuration_folder() / "tokens.json"


def _read() -> dict[str, Kept]:
    path = _file()
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_bytes()
    except FileNotFoundError:
        return {}
    if mode & 0o077:
        raise Misconfigured(
            f"{path} may be read by others (mode {mode:o}): `chmod 600 {path}`",
            ja=f"{path} を他の利用者が読めます（モード {mode:o}）。`chmod 600 {path}` を実行してください",
        )
    try:
        return {address: Kept(address, **told) for address, told in orjson.loads(text).items()}
    except (orjson.JSONDecodeError, AttributeError, TypeError) as problem:
        raise Misconfigured(
            f"{path} can't be read as what `catalog login` wrote: delete it and sign in again",
            ja=f"{path} を読み取れません。削除してサインインし直してください",
        ) from problem


def _write(kept: Mapping[str, Kept]) -> Path:
    path = _file()
    told = {
        each.address: {"token": each.token, "id": each.id, "until": each.until, "person": each.person}
        for each in kept.values()
    }
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made with mode 0600, and put in its place at once: nobody finds half of it.
        descriptor, made = tempfile.mkstemp(dir=path.parent, prefix=".tokens-")
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(told, option=orjson.OPT_INDENT_2))
        Path(made).replace(path)
    except OSError as problem:
        raise Misconfigured(
            f"{path} cannot be written ({problem.strerror})", ja=f"{path} に書き込めません（{problem.strerror}）"
        ) from problem
    return path
