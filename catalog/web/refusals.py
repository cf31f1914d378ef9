"""What HTTP itself can refuse, beside what the catalogue's own errors say."""

from __future__ import annotations

from catalog.errors import CatalogError, Forbidden


class NotAcceptable(CatalogError):
    """None of the forms that were asked for exists."""

    def __init__(self, offered: tuple[str, ...]) -> None:
        there_are = ", ".join(offered)
        super().__init__(
            f"None of the media types in Accept can be made here. There are: {there_are}.",
            ja=f"Accept にある形式では返せません。返せる形式: {there_are}",
        )


class UnsupportedMediaType(CatalogError):
    """The body's media type is none that can be read here."""

    def __init__(self, came: str, readable: tuple[str, ...]) -> None:
        what = f"'{came}'" if came else "no Content-Type"
        super().__init__(
            f"The body came with {what}; what can be read here is {', '.join(readable)}.",
            ja=f"本文の Content-Type は「{came or 'なし'}」でしたが、読めるのは {', '.join(readable)} です。",
        )


class UnsupportedEncoding(CatalogError):
    """The body is compressed in a way that is not read here."""

    def __init__(self, came: str) -> None:
        super().__init__(
            f"A body with Content-Encoding: {came} is not read here; send it as it is.",
            ja=f"Content-Encoding: {came} の本文は読めません。圧縮せずに送ってください。",
        )


class Unauthorized(CatalogError):
    """Who asks has not said who they are, or said it wrongly."""


class WrongPassword(Unauthorized):
    """Name and password do not belong together, which is told to the audit as such."""


class Forged(Forbidden):
    """A browser sent it, and nothing shows that a page of ours made it do so."""


class MethodNotAllowed(CatalogError):
    """The address does not take this method, or not for what is asked."""

    def __init__(self, method: str, allowed: tuple[str, ...], what: str = "") -> None:
        super().__init__(
            f"{method} means nothing {f'to a {what}' if what else 'here'}; there is {', '.join(allowed)}.",
            ja=f"{f'{what} に' if what else 'ここでは'} {method} は使えません。使えるのは {', '.join(allowed)} です。",
        )
        self.allowed = allowed


class Stale(CatalogError):
    """If-Match named another revision than the newest, or If-None-Match a record that is there."""

    def __init__(self, asked: str | None, revision: int | None) -> None:
        self.revision = revision
        if asked is None:
            super().__init__(
                f"If-None-Match: * asks that the record be new, but it is there already, at revision {revision}.",
                ja=f"If-None-Match: * は新規のときだけ書く指定ですが、レコードはすでにあります（最新の版は {revision}）。",
            )
            return
        now = f"; the newest is {revision}" if revision is not None else ""
        super().__init__(
            f"If-Match: {asked} is not the newest revision{now}. Read the record again, then decide.",
            ja=f"If-Match: {asked} は最新の版ではありません"
            + (f"(最新は {revision})" if revision is not None else "")
            + "。もう一度読んでから決めてください。",
        )
