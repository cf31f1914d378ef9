"""Servers of a test's own that may die: loads sent by a raw connection, what was answered of them, and what is then there."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalog.ledger.append import Ledger
from catalog.store.engine import open_store
from tests.contract.ledgers import kinds
from tests.service.conftest import Served, start, stop


def line(local_id: str, **body: Any) -> bytes:
    """A submission of the source `lab` as a line of NDJSON."""
    told = {"kind": "sample", "source": "lab", "localId": local_id, "body": {"title": {"en": local_id}, **body}}
    return json.dumps(told).encode() + b"\n"


@contextmanager
def running(data: Path, *more: str) -> Iterator[Served]:
    """A server on this folder; one that is dead by the end was meant to be."""
    served = start(data, *more)
    try:
        yield served
    finally:
        if served.process.poll() is None:
            stop(served)


def kill(served: Served) -> None:
    """What `kill -9` of everything that the server started does."""
    os.killpg(served.process.pid, signal.SIGKILL)
    served.process.wait(20)


def processes(served: Served) -> list[int]:
    """The server's processes, the one that was started first."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            group = int(stat.read_text().rpartition(")")[2].split()[2])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if group == served.process.pid:
            found.append(int(stat.parent.name))
    return sorted(found, key=lambda pid: (pid != served.process.pid, pid))


def peak(served: Served) -> int:
    """The most MiB that the server's processes have held, each at its own worst moment."""
    total = 0
    for pid in processes(served):
        status = Path(f"/proc/{pid}/status").read_text()
        total += sum(int(each.split()[1]) for each in status.splitlines() if each.startswith("VmHWM:"))
    return total // 1024


@dataclass
class Sending:
    """A load under way on a connection of its own: what has been answered so far."""

    connection: socket.socket
    answer: bytearray = field(default_factory=bytearray)

    def read_until(self, lines: int) -> None:
        """Take answers until there are so many lines, or the other side has gone."""
        while len(self.outcomes) < lines and self._more():
            pass

    def read_all(self) -> None:
        """Take everything that is answered."""
        while self._more():
            pass

    def _more(self) -> bool:
        try:
            piece = self.connection.recv(1 << 20)
        except ConnectionError:
            return False
        self.answer += piece
        return bool(piece)

    @property
    def load(self) -> str | None:
        """The load's id, once the answer has begun."""
        for header in bytes(self.answer).partition(b"\r\n\r\n")[0].split(b"\r\n"):
            name, _, value = header.partition(b": ")
            if name.lower() == b"musubi-load":
                return value.decode()
        return None

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The whole lines of the answer."""
        whole = bytes(self.answer).splitlines(keepends=True)
        return [json.loads(each) for each in whole if each.startswith(b"{") and each.endswith(b"}\n")]

    @property
    def outcomes(self) -> list[dict[str, Any]]:
        """The lines that say what became of a submission."""
        return [each for each in self.lines if "outcome" in each]


@contextmanager
def sending(served: Served, chunks: Iterable[bytes], media_type: str = "application/x-ndjson") -> Iterator[Sending]:
    """Send a load while its answer is read; a sender who is cut off gives up, as it must."""
    host, _, port = served.host.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        head = (
            f"POST /records HTTP/1.1\r\nHost: x\r\nContent-Type: {media_type}\r\nTransfer-Encoding: chunked\r\n"
            f"Connection: close\r\nAuthorization: Bearer {served.token}\r\n\r\n"
        )

        def send() -> None:
            try:
                connection.sendall(head.encode())
                for chunk in chunks:
                    connection.sendall(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
                connection.sendall(b"0\r\n\r\n")
            except OSError:
                # The server has gone, or whoever reads the answer has: the answer tells.
                return

        sender = threading.Thread(target=send)
        sender.start()
        try:
            yield Sending(connection)
        finally:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            sender.join()


@contextmanager
def ledger_of(served: Served, database: str | None = None) -> Iterator[Ledger]:
    """The server's ledger, looked at past the server."""
    store = open_store(database or f"sqlite:///{served.data / 'catalog.sqlite'}")
    ledger = Ledger(store, kinds())
    ledger.mirrors.prepare()
    try:
        yield ledger
    finally:
        store.close()
