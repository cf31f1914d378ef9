"""What is asked of issuers is bounded in size and time, and goes nowhere but where it was sent."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from catalog.access.fetching import demand_address, fetch
from catalog.errors import Invalid, Unavailable

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
Speaks = Callable[[socket.socket], None]


@contextmanager
def server(speaks: Speaks) -> Iterator[str]:
    """A server that says whatever it likes to one who asks."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.recv(65_536)
                    speaks(connection)
                except OSError:
                    # Whoever asked has gone away, which is what these tests are about.
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    thread.join(30)


def says(data: bytes) -> Speaks:
    return lambda connection: connection.sendall(data)


def test_a_document_is_read() -> None:
    with server(says(HEAD + b'Content-Length: 8\r\n\r\n{"a": 1}')) as address:
        assert fetch(address).document() == {"a": 1}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"a"', b"\xff", b"[" * 5_000])
def test_what_is_no_json_object_is_no_document(body: bytes) -> None:
    with (
        server(says(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)) as address,
        pytest.raises(Unavailable, match="no JSON"),
    ):
        fetch(address).document()


def test_a_redirect_is_not_followed() -> None:
    with (
        server(says(HEAD + b'Content-Length: 8\r\n\r\n{"a": 1}')) as elsewhere,
        server(
            says(b"HTTP/1.1 302 Found\r\nLocation: " + elsewhere.encode() + b"\r\nContent-Length: 0\r\n\r\n")
        ) as address,
    ):
        answered = fetch(address)
        assert answered.status == 302
        with pytest.raises(Unavailable, match="it answered 302"):
            answered.document()
        assert fetch(elsewhere).document() == {"a": 1}


@pytest.mark.parametrize("ending", [b"Content-Length: 5000000\r\n\r\n", b"\r\n"])
def test_an_answer_without_end_is_cut_off(ending: bytes) -> None:
    def speaks(connection: socket.socket) -> None:
        connection.sendall(HEAD + ending)
        while True:
            connection.sendall(b" " * 65_536)

    with server(speaks) as address, pytest.raises(Unavailable, match="larger than 1000 bytes"):
        fetch(address, largest=1_000)


def test_an_answer_that_unpacks_to_much_is_not_unpacked() -> None:
    packed = gzip.compress(b"{" + b" " * 5_000_000 + b"}")
    told = f"Content-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    with server(says(HEAD + told + packed)) as address:
        answered = fetch(address)
        assert answered.body == packed
        with pytest.raises(Unavailable, match="no JSON"):
            answered.document()


@pytest.mark.parametrize("beginning", [b"", HEAD, HEAD + b"\r\n"])
def test_who_says_a_byte_now_and_then_is_not_waited_for(beginning: bytes) -> None:
    def speaks(connection: socket.socket) -> None:
        connection.sendall(beginning)
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)

    with server(speaks) as address, pytest.raises(Unavailable, match=r"did not answer within 0\.5 seconds"):
        fetch(address, seconds=0.5)


def test_who_says_nothing_sense_or_is_not_there_is_unavailable() -> None:
    with server(says(b"")) as address, pytest.raises(Unavailable):
        fetch(address)
    with server(says(b"SSH-2.0-OpenSSH\r\n")) as address, pytest.raises(Unavailable):
        fetch(address)
    with pytest.raises(Unavailable):
        fetch(address)


@pytest.mark.parametrize(
    "address",
    [
        "https://login.example.org",
        "https://login.example.org:8443/realms/x?y=1",
        "http://127.0.0.1:8180/realms/x",
        "http://localhost/x",
        "http://[::1]:80/x",
    ],
)
def test_an_address_that_is_asked(address: str) -> None:
    assert demand_address("address", address) == address


@pytest.mark.parametrize(
    "address",
    [
        None,
        7,
        "",
        "login.example.org",
        "http://login.example.org",
        "http://127.0.0.1.example.org",
        "http://localhost.example.org",
        "http://127.0.0.1@login.example.org/",
        "https://user:secret@login.example.org/",
        "https://",
        "https://login.example.org/#x",
        "https://login.example.org\\@127.0.0.1/",
        "https://login.example.org/ x",
        "https://login.example.org/\n",
        "https://login.example.org:x/",
        "ftp://login.example.org/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://ログイン.example.org/",
        "https://login.example.org/" + "x" * 2_000,
    ],
)
def test_an_address_that_is_not_asked(address: object) -> None:
    with pytest.raises(Invalid, match=r"write https://"):
        demand_address("address", address)


def test_an_issuer_elsewhere_names_no_address_of_this_machine() -> None:
    here, elsewhere = "http://127.0.0.1:9/jwks", "https://login.example.org"
    assert demand_address("jwks_uri", here, near="http://127.0.0.1:8/") == here
    with pytest.raises(Invalid, match="jwks_uri"):
        demand_address("jwks_uri", here, near=elsewhere)
    assert demand_address("jwks_uri", "https://keys.example.org/", near=elsewhere)
