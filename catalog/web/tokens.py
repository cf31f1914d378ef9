"""Positions of the ledger as clients carry them: opaque, since their distance would tell of what one may not see."""

from __future__ import annotations

import binascii
import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

from catalog.errors import Malformed

_ROUNDS = 4
_CHECK = 4


@dataclass(frozen=True, slots=True)
class Tokens:
    """Writes positions as tokens and reads them again, by a key of this installation's own."""

    key: bytes

    @classmethod
    def of(cls, secret: str) -> Tokens:
        return cls(hashlib.blake2b(secret.encode(), digest_size=32, person=b"musubi-feed").digest())

    def write(self, position: int) -> str:
        """The token of a position: the same each time, and in no order."""
        mixed = self._mixed(position.to_bytes(8, "big"))
        return urlsafe_b64encode(mixed + self._digest(b"check", mixed, _CHECK)).rstrip(b"=").decode()

    def read(self, token: str) -> int:
        """The position of a token; Malformed if it is none of ours."""
        try:
            raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        except (ValueError, binascii.Error):
            raise _refused() from None
        mixed, check = raw[:8], raw[8:]
        if len(mixed) != 8 or not hmac.compare_digest(check, self._digest(b"check", mixed, _CHECK)):
            raise _refused()
        return int.from_bytes(self._unmixed(mixed), "big")

    def _mixed(self, block: bytes) -> bytes:
        """A Feistel network over eight bytes."""
        left, right = block[:4], block[4:]
        for number in range(_ROUNDS):
            left, right = right, _xor(left, self._digest(bytes([number]), right, 4))
        return left + right

    def _unmixed(self, block: bytes) -> bytes:
        """The same, undone."""
        left, right = block[:4], block[4:]
        for number in reversed(range(_ROUNDS)):
            left, right = _xor(right, self._digest(bytes([number]), left, 4)), left
        return left + right

    def _digest(self, label: bytes, data: bytes, size: int) -> bytes:
        return hashlib.blake2b(label + data, digest_size=size, key=self.key).digest()


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _refused() -> Malformed:
    return Malformed(
        "since: this is no token of this feed; take one from an answer, or leave it out to begin at the beginning.",
        ja="since: このフィードのトークンではありません。答えにあるトークンを使うか、省略して最初から始めてください。",
    )
