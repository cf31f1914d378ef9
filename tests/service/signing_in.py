"""Somebody with a browser who signs in to the served catalogue at an issuer, and what administrators say of issuers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.service.conftest import Served
from tests.service.issuers import Issuer, client_of, person, sign_in

SECRET = str(client_of("catalog")["client_secret"])
COOKIE = "musubi_session"
UNDER_WAY = "musubi_sign_in"


def add_issuer(served: Served, id: str, address: str, **said: Any) -> dict[str, Any]:
    """Let an issuer's word count; one that another test has added is the same."""
    told = {"id": id, "address": address, "clientId": "catalog", "clientSecret": SECRET, **said}
    with served.client(**served.as_administrator) as administrator:
        for each in administrator.get("issuers").json()["items"]:
            if each["address"] == address:
                return dict(each)
        made = administrator.post("issuers", json=told)
        assert made.status_code == 201, made.text
        return dict(made.json())


@contextmanager
def added(served: Served, id: str, address: str, **said: Any) -> Iterator[str]:
    """An issuer for a while; its id."""
    made = add_issuer(served, id, address, **said)
    try:
        yield str(made["id"])
    finally:
        with served.client(**served.as_administrator) as administrator:
            administrator.post(f"issuers/{made['id']}/end")


@dataclass
class Visitor:
    """Somebody with a browser, at the catalogue and at issuers."""

    served: Served
    here: httpx.Client
    there: httpx.Client

    def begin(self, issuer_id: str, **query: str) -> str:
        """Go to sign in at an issuer; the address there that one is sent to."""
        answer = self.here.get(f"sign-in/{issuer_id}", params=query)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def come_back(self, address: str) -> httpx.Response:
        """Follow an issuer back."""
        return self.here.get(address)

    def walk(self, issuer_id: str, name: str, **query: str) -> httpx.Response:
        """Sign in at an issuer by name, and come back."""
        return self.come_back(sign_in(self.begin(issuer_id, **query), name, at=self.there))

    def sign_in(self, issuer_id: str, name: str, **query: str) -> dict[str, Any]:
        """Sign in at an issuer; one's account then."""
        answer = self.walk(issuer_id, name, **query)
        assert answer.status_code == 303, answer.text
        return self.account()

    def account(self) -> dict[str, Any]:
        """Who one is here."""
        told = self.here.get("account", headers={"Accept": "application/json"})
        assert told.status_code == 200, told.text
        return dict(told.json())

    @property
    def is_signed_in(self) -> bool:
        """Whether one is anybody here."""
        return self.here.get("account").status_code == 200

    def send(self, path: str, **said: Any) -> httpx.Response:
        """Send something as a page of the catalogue does."""
        csrf = self.account()["csrf"]
        origin = self.served.address.rstrip("/")
        return self.here.post(path, json=said, headers={"Origin": origin, "X-Csrf-Token": csrf})

    def add(self, issuer_id: str, name: str) -> httpx.Response:
        """Add an identity at another issuer to one's account."""
        begun = self.send("account/identities", issuer=issuer_id)
        assert begun.status_code == 200, begun.text
        return self.come_back(sign_in(begun.json()["address"], name, at=self.there))


@contextmanager
def visiting(served: Served) -> Iterator[Visitor]:
    """Somebody who comes for the first time."""
    with served.client() as here, person() as there:
        yield Visitor(served, here, there)


def query_of(address: str) -> dict[str, str]:
    """What an address asks, each thing once."""
    return {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}


def code_from(issuer: Issuer, address: str, name: str) -> str:
    """A code that an issuer gives for an authorization request."""
    return query_of(sign_in(address, name))["code"]
