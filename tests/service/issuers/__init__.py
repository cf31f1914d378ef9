"""Issuers for tests of sign-in: OpenID providers that tests start and steer, the Keycloak of `make services`, and whoever signs in there."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.conftest import PROJECT

HERE = Path(__file__).parent
SETTINGS: Mapping[str, Any] = json.loads((HERE / "settings.json").read_text("utf-8"))
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
# The buttons of a login that end it: oidc-provider's, ours, Keycloak's.
REFUSALS = {"abort", "refuse", "cancel"}


def client_of(name: str, *redirect_uris: str) -> dict[str, Any]:
    """A registered client of `settings.json`, with other redirect URIs where some are told."""
    (client,) = (dict(each) for each in SETTINGS["clients"] if each["client_id"] == name)
    return client | ({"redirect_uris": list(redirect_uris)} if redirect_uris else {})


@dataclass(frozen=True)
class Issuer:
    """An OpenID provider that is running; `address` is exactly what it calls itself."""

    address: str
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def metadata(self) -> dict[str, Any]:
        """What its discovery document says now."""
        found = httpx.get(f"{self.address}/.well-known/openid-configuration", timeout=30)
        found.raise_for_status()
        return dict(found.json())

    @property
    def keys(self) -> list[dict[str, Any]]:
        """The keys that stand in its JWKS now."""
        found = httpx.get(self.metadata["jwks_uri"], timeout=30)
        found.raise_for_status()
        return list(found.json()["keys"])

    def change(self, **settings: Any) -> None:
        """Let it have other users, clients, clock: any of `settings.json`. What it issued stays issued."""
        self._control("settings", settings)

    def rotate(self, *, keep: bool = False) -> None:
        """Let it sign with new keys; the former ones stay in its JWKS only if they are kept."""
        self._control("rotate", {"keep": keep})

    def sign(self, claims: Mapping[str, Any], algorithm: str = "RS256", **header: Any) -> str:
        """A JWT of exactly these claims, truly signed with the key in use: for what is genuine, and yet expired or meant for others."""
        told = self._control("sign", {"claims": claims, "algorithm": algorithm, "header": header})
        return str(told["token"])

    def visa(
        self,
        subject: str,
        value: str,
        *,
        source: str = "https://committee.example.org",
        kind: str = "ControlledAccessGrants",
        by: str = "dac",
        seconds: int = 3600,
        algorithm: str = "RS256",
        **claims: Any,
    ) -> str:
        """A GA4GH visa, signed by this issuer; a claim that is told replaces its own."""
        now = int(time.time())
        granted = {"type": kind, "value": value, "source": source, "by": by, "asserted": now}
        told = {"iss": self.address, "sub": subject, "iat": now, "exp": now + seconds, "jti": secrets.token_hex(8)}
        header = {"jku": self.metadata["jwks_uri"], "typ": "vnd.ga4gh.visa+jwt"}
        return self.sign(told | {"scope": "openid", "ga4gh_visa_v1": granted} | claims, algorithm, **header)

    def asked(self, path: str) -> int:
        """How often a path of it was asked for since it started."""
        told = httpx.get(f"{self.address}/test/asked", timeout=30)
        told.raise_for_status()
        return int(told.json().get(path, 0))

    def stop(self) -> None:
        """End it, as an issuer that cannot be reached."""
        assert self.process is not None, "only an issuer that was started here is stopped here"
        self.process.kill()
        self.process.wait(10)

    def _control(self, verb: str, told: Mapping[str, Any]) -> dict[str, Any]:
        answered = httpx.post(f"{self.address}/test/{verb}", json=told, timeout=30)
        assert answered.status_code == 200, answered.text
        return dict(answered.json())


@contextmanager
def issuing(**settings: Any) -> Iterator[Issuer]:
    """An issuer of its own on a free port, or on `port`; settings replace those of `settings.json`."""
    script = PROJECT / "scripts" / "services" / "oidc.sh"
    found = subprocess.run([script, "node"], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        # Only tests marked `service` or `browser` ask for it, and whoever selects those means them to run.
        pytest.fail("no OpenID provider to test with: run `make services`")
    node = Path(found.stdout.strip())
    process = subprocess.Popen(
        [node, HERE / "provider.mjs"],
        cwd=PROJECT / ".services" / "oidc",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    said: list[str] = []
    # A pipe that nobody reads fills up, and stops who writes to it.
    listener = threading.Thread(target=said.extend, args=(process.stderr,), daemon=True)
    listener.start()
    try:
        process.stdin.write(json.dumps({**SETTINGS, **settings}) + "\n")
        process.stdin.flush()
        ready = process.stdout.readline()
        if not ready:
            process.wait(10)
            listener.join(10)
            pytest.fail("the OpenID provider did not start:\n" + "".join(said))
        yield Issuer(json.loads(ready)["issuer"], process)
    finally:
        process.kill()
        process.wait(10)
        listener.join(10)
        for each in (process.stdin, process.stdout, process.stderr):
            each.close()


def running_keycloak() -> Issuer:
    """The realm of the Keycloak that `make services` started."""
    written = PROJECT / ".services" / "keycloak.address"
    if not written.is_file():
        pytest.fail("no Keycloak to test with: run `make services`")
    return Issuer(written.read_text("utf-8").strip())


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    """An issuer for the session; a test that changes it or rotates its keys starts one of its own with `issuing`."""
    with issuing() as running:
        yield running


@pytest.fixture(scope="session")
def other_issuer() -> Iterator[Issuer]:
    """Another one, who has users of the same names."""
    with issuing() as running:
        yield running


@pytest.fixture(scope="session")
def keycloak() -> Issuer:
    """The Keycloak of `make services`: carol and dave, whose passwords are their names."""
    return running_keycloak()


def person() -> httpx.Client:
    """Somebody with a browser without scripts, who keeps cookies and follows no redirect unasked."""
    browser = httpx.Client(follow_redirects=False, timeout=60)

    def kept(_: httpx.Response) -> None:
        # Keycloak's cookies are Secure; a browser sends those to 127.0.0.1 without TLS, Python's jar would not.
        for cookie in browser.cookies.jar:
            cookie.secure = False

    browser.event_hooks["response"] = [kept]
    return browser


def sign_in(address: str, name: str, *, password: str | None = None, at: httpx.Client | None = None) -> str:
    """Sign in by the forms of an issuer, from an address of it on, and tell the first address elsewhere that it sends one to.

    That address is not asked for: it is the callback, with `code` and `state` in it, or `error`. Where an issuer sends one nowhere,
    as after a device was approved, the address of its last page is told.
    """
    with nullcontext(at) if at else person() as browser:
        return str(_walked(browser, browser.get(address), {"username": name, "password": password or name}, set()))


def refuse(address: str, *, at: httpx.Client | None = None) -> str:
    """Refuse to sign in, and tell where that sends one: the callback, with `error` in it."""
    with nullcontext(at) if at else person() as browser:
        return str(_walked(browser, browser.get(address), {}, {"refuse"}))


def _walked(browser: httpx.Client, shown: httpx.Response, typed: Mapping[str, str], pressed: set[str]) -> httpx.URL:
    home = shown.url.netloc
    # A login that fails shows its form again: nobody types the same thing for ever.
    for _ in range(20):
        if shown.has_redirect_location:
            onward = shown.url.join(shown.headers["location"])
            if onward.netloc != home:
                return onward
            shown = browser.get(onward)
            continue
        assert shown.status_code == 200, f"{shown.status_code} at {shown.url}: {shown.text[:2000]}"
        form = _Form.of(shown.text)
        if form is None:
            return shown.url
        shown = browser.post(shown.url.join(form.action), data=form.filled(typed, pressed))
    raise AssertionError(f"signing in came to no end; the last page was {shown.url}: {shown.text[:2000]}")


class _Form(HTMLParser):
    """The first form of a page, and the buttons that belong to it, inside it or not."""

    def __init__(self) -> None:
        super().__init__()
        self.found = False
        self.action = ""
        self.inputs: dict[str, str] = {}
        self.buttons: dict[str, str] = {}

    @classmethod
    def of(cls, page: str) -> _Form | None:
        form = cls()
        form.feed(page)
        return form if form.found else None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        name, kind = told.get("name", ""), told.get("type", "text")
        if tag == "form" and not self.found:
            self.found, self.action = True, told.get("action", "")
        elif tag == "button" or (tag == "input" and kind == "submit"):
            self.buttons[name] = told.get("value", "")
        elif tag == "input" and kind not in ("checkbox", "radio"):
            self.inputs[name] = told.get("value", "")

    def filled(self, typed: Mapping[str, str], pressed: set[str]) -> dict[str, str]:
        chosen = {name: value for name, value in self.buttons.items() if name in pressed}
        if not pressed:
            onward = ((name, value) for name, value in self.buttons.items() if name not in REFUSALS)
            chosen = dict([next(onward, ("", ""))])
        values = {name: typed.get(name, value) for name, value in self.inputs.items()} | chosen
        values.pop("", None)
        return values


def code_flow(
    issuer: Issuer,
    name: str,
    *,
    client_id: str = "catalog",
    redirect_uri: str = "http://127.0.0.1:1/sign-in/callback",
    scope: str = "openid profile email",
    **more: str,
) -> dict[str, Any]:
    """Walk authorization code with PKCE for a confidential client, and tell what the token endpoint answers."""
    metadata = issuer.metadata
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "client_id": client_id,
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "scope": scope,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    back = sign_in(str(httpx.URL(metadata["authorization_endpoint"], params=asked | more)), name)
    assert back.startswith(f"{redirect_uri}?"), back
    told = parse_qs(urlsplit(back).query)
    assert told.get("state") == [state], back
    return _token(
        metadata,
        client_id,
        grant_type="authorization_code",
        code=told["code"][0],
        redirect_uri=redirect_uri,
        code_verifier=verifier,
    )


def device_flow(issuer: Issuer, name: str, *, scope: str = "openid profile email") -> dict[str, Any]:
    """Walk the device flow for the public client, approved by a person, and tell what the token endpoint answers."""
    metadata = issuer.metadata
    begun = httpx.post(
        metadata["device_authorization_endpoint"], data={"client_id": "catalog-device", "scope": scope}, timeout=30
    )
    assert begun.status_code == 200, begun.text
    sign_in(begun.json()["verification_uri_complete"], name)
    return _token(
        metadata, "catalog-device", grant_type=DEVICE_CODE, device_code=begun.json()["device_code"], public=True
    )


def client_credentials(issuer: Issuer, *, client_id: str = "beamline-robot", **more: str) -> dict[str, Any]:
    """What the token endpoint answers to a workload: a JWT access token for the catalogue."""
    return _token(issuer.metadata, client_id, public=False, grant_type="client_credentials", **more)


def _token(metadata: Mapping[str, Any], client_id: str, *, public: bool = False, **asked: str) -> dict[str, Any]:
    with httpx.Client(timeout=30) as client:
        if public:
            answered = client.post(metadata["token_endpoint"], data=asked | {"client_id": client_id})
        else:
            known = (client_id, client_of(client_id)["client_secret"])
            answered = client.post(metadata["token_endpoint"], data=asked, auth=known)
    assert answered.status_code == 200, answered.text
    return dict(answered.json())
