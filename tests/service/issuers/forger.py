"""An issuer that says whatever a test lets it say, with keys of its own: for what no honest provider would issue."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, RSAKey

Key = RSAKey | ECKey


def new_key(kid: str, kind: str = "RSA") -> RSAKey | ECKey:
    """A key of that name."""
    told: Any = {"kid": kid, "use": "sig"}
    return RSAKey.generate_key(2048, told) if kind == "RSA" else ECKey.generate_key("P-256", told)


def signed(claims: Mapping[str, Any], key: Key, algorithm: str = "RS256", **header: Any) -> str:
    """A token of exactly these claims and this header."""
    told = {"alg": algorithm, "typ": "JWT", **header}
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    return jwt.encode(told, dict(claims), key, algorithms=[algorithm], registry=registry)


def part(value: object) -> str:
    """A part of a token, as anybody can write it."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def signed_with(secret: bytes, claims: Mapping[str, Any], **header: Any) -> str:
    """A token signed by HS256 with any bytes; joserfc itself would not take a public key for a secret."""
    told = f"{part({'alg': 'HS256', 'typ': 'JWT', **header})}.{part(dict(claims))}"
    code = hmac.new(secret, told.encode(), hashlib.sha256).digest()
    return f"{told}.{base64.urlsafe_b64encode(code).rstrip(b'=').decode()}"


class Forger:
    """The issuer: what it answers to each path, and what it was asked."""

    def __init__(self, address: str, key: RSAKey) -> None:
        self.address = address
        self.key = key
        self.answers: dict[str, Any] = {}
        self.tokens: dict[str, str] = {}  # ID tokens by the codes that are exchanged for them
        self.asked: Counter[str] = Counter()
        self.exchanged: list[dict[str, str]] = []
        self.metadata: dict[str, Any] = {
            "issuer": address,
            "authorization_endpoint": f"{address}/authorize",
            "token_endpoint": f"{address}/token",
            "userinfo_endpoint": f"{address}/userinfo",
            "jwks_uri": f"{address}/jwks",
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    def publish(self, *keys: Mapping[str, Any]) -> None:
        """Let exactly these keys stand in its JWKS."""
        self.answers["/jwks"] = {"keys": list(keys)}

    def claims(self, **more: Any) -> dict[str, Any]:
        """What an honest ID token for the catalogue says; a claim that is None is left out."""
        now = int(time.time())
        told = {
            "iss": self.address,
            "sub": "mallory-1",
            "aud": "catalog",
            "iat": now,
            "exp": now + 300,
            "name": "Mallory Example",
            "groups": [],
        }
        return {name: value for name, value in (told | more).items() if value is not None}

    def code_for(self, **claims: Any) -> str:
        """A code that is exchanged for an honest ID token with these claims."""
        code = secrets.token_hex(8)
        self.tokens[code] = signed(self.claims(**claims), self.key, kid="first")
        return code

    def answer(self, path: str, sent: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        """What comes back for a path: a document, or a status with headers and a body."""
        self.asked[path] += 1
        told = self.answers.get(path)
        if told is None and path == "/token" and sent.get("code") in self.tokens:
            told = {"access_token": "opaque", "token_type": "Bearer", "id_token": self.tokens[sent["code"]]}
        if told is None and path == "/.well-known/openid-configuration":
            told = self.metadata
        if told is None and path == "/jwks":
            told = {"keys": [self.key.as_dict(private=False)]}
        if told is None:
            return 404, {}, b"{}"
        return told if isinstance(told, tuple) else (200, {}, json.dumps(told).encode())


# Keys of forgers that are gone, for the next: making one takes most of a second. No two have the same at one time.
_SPARE: list[RSAKey] = []


@contextmanager
def forging() -> Iterator[Forger]:
    """A forger on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            sent = {name: values[0] for name, values in parse_qs(body).items()}
            forger.exchanged.append(sent)
            self._answer(sent)

        def _answer(self, sent: Mapping[str, str]) -> None:
            status, headers, body = forger.answer(self.path.partition("?")[0], sent)
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """What it was asked is counted, not printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        key = _SPARE.pop() if _SPARE else RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
        forger = Forger(f"http://127.0.0.1:{server.server_port}", key)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield forger
        finally:
            server.shutdown()
            thread.join(10)
            _SPARE.append(key)


@pytest.fixture
def forger() -> Iterator[Forger]:
    """An issuer that lies."""
    with forging() as made:
        yield made
