"""What is kept so that a copy of the database alone tells nobody: sealed with a key that lies in the data folder."""

from __future__ import annotations

import binascii
import os
import secrets
import stat
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import cached_property
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from catalog.errors import Misconfigured

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class Seal:
    """Seals texts and opens them again (AES-256-GCM). The key is made when something is sealed for the first time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def seal(self, text: str, about: str) -> str:
        """The text, sealed; it opens only as being about the same."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), about.encode())).decode()

    def open(self, sealed: str, about: str) -> str | None:
        """What was sealed; None if it was not, or not here, or as being about something else."""
        try:
            raw = urlsafe_b64decode(sealed.encode("ascii"))
            return self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], about.encode()).decode()
        except (InvalidTag, ValueError, binascii.Error):
            return None

    @cached_property
    def _cipher(self) -> AESGCM:
        if not self._path.exists():
            self._make()
        mode = stat.S_IMODE(self._path.stat().st_mode)
        if mode & 0o077:
            raise Misconfigured(
                f"{self._path} may be read by others (mode {mode:o}): `chmod 600 {self._path}`",
                ja=f"{self._path} を他の利用者が読めます（モード {mode:o}）。`chmod 600 {self._path}` を実行してください",
            )
        try:
            key = urlsafe_b64decode(self._path.read_text("ascii").strip())
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise Misconfigured(
                f"{self._path} holds no key: put it back from a copy, or delete it and tell the issuers' secrets again",
                ja=f"{self._path} に鍵がありません。控えから戻すか、削除してから発行者のシークレットを登録し直してください",
            )
        return AESGCM(key)

    def _make(self) -> None:
        # Written whole under another name first: a process that starts at the same moment sees no half of a key, and
        # `link` lets only one of two be the key.
        draft = self._path.with_name(f".{self._path.name}-{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(draft, self._path)
            except FileExistsError:
                return
        finally:
            draft.unlink()
