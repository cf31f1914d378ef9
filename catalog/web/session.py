"""Who asks: the bearer of the administrator's token, or the public."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from starlette.datastructures import Headers

from catalog.questions.reader import ADMINISTRATOR, PUBLIC, Reader
from catalog.web.refusals import Unauthorized


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """Knows the administrator's token by its digest only."""

    token_digest: bytes

    @classmethod
    def of(cls, token: str) -> Doorkeeper:
        return cls(_digest(token))

    def reader(self, headers: Headers) -> Reader:
        """Who asks; a token that is not known is refused rather than taken for the public."""
        said = headers.get("authorization")
        if said is None:
            return PUBLIC
        scheme, _, token = said.partition(" ")
        # Digests are compared in constant time, so that neither the token nor its length shows in how long it took.
        if scheme.lower() == "bearer" and hmac.compare_digest(_digest(token.strip()), self.token_digest):
            return ADMINISTRATOR
        raise Unauthorized(
            "The Authorization header names no token that is known here: send `Bearer <token>`, or nothing at all.",
            ja="Authorization ヘッダーのトークンは登録されていません。`Bearer <トークン>` を送るか、ヘッダーを外してください。",
        )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
