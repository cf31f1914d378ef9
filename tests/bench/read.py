"""Requests a second by HTTP, asked by wrk with eight connections: one record by its id, and lists of 100 with links."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import records
from tests.bench.figures import COUNT, FOLDER, RECORDS, note, say
from tests.bench.load import enter
from tests.bench.opened import opened

SECONDS = 10
DATA = FOLDER / "read"
PATHS = 2_000


def main() -> None:
    """Fill a catalogue once, serve it as a user would, and ask."""
    records.write(RECORDS, COUNT)
    if not (DATA / "filled").exists():
        shutil.rmtree(DATA, ignore_errors=True)
        with opened(keep=DATA) as catalog:
            enter(catalog, RECORDS)
        (DATA / "filled").touch()
    measure(DATA, "")


def measure(data: Path, suffix: str, every: int = 1) -> None:
    """Say `read-one` and `read-list` of the catalogue in `data`; `every` spreads the ids that are asked for."""
    with served(data) as address:
        samples = [f"/sample/{records.SOURCE}/s-{number * every:07d}" for number in range(PATHS)]
        say(f"read-one{suffix}", asked(address, samples), "requests/s")
        lists = [f"/records?kind={kind}&limit=100" for kind in ("dataset", "experiment")]
        say(f"read-list{suffix}", asked(address, lists), "requests/s")


@contextmanager
def served(data: Path, workers: int = 1) -> Iterator[str]:
    """The address of a server that runs as `catalog serve` starts it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = str(Path(sys.executable).parent / "catalog")
    command = [program, "serve", "--data", str(data), "--port", str(port), "--workers", str(workers)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(1_200):
            try:
                with urllib.request.urlopen(f"{address}/ready", timeout=1):
                    break
            except OSError:
                time.sleep(0.1)
        else:
            raise SystemExit("the server was not ready within 120 s")
        yield address
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def asked(address: str, paths: list[str]) -> float:
    """Requests a second that wrk counted, going round these paths; SystemExit if any was not answered well."""
    script = FOLDER / "paths.lua"
    listed = ",\n".join(f'"{path}"' for path in paths)
    script.write_text(
        f"local paths = {{\n{listed}\n}}\nlocal at = 0\n"
        'request = function()\n  at = at % #paths + 1\n  return wrk.format("GET", paths[at])\nend\n'
    )
    command = [wrk(), "-t1", "-c8", f"-d{SECONDS}s", "-H", "Accept: application/json", "-s", str(script), address]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in told or "Socket errors" in told:
        raise SystemExit(told)
    found = re.search(r"Requests/sec:\s+([0-9.]+)", told)
    if found is None:
        raise SystemExit(told)
    return float(found.group(1))


def wrk() -> str:
    """The program that asks; Debian has it."""
    found = shutil.which("wrk")
    if found is None and os.geteuid() == 0:
        note("installing wrk")
        install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "wrk"]
        subprocess.run(["apt-get", "update", "-q"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL)
        found = shutil.which("wrk")
    if found is None:
        raise SystemExit("wrk is missing: apt-get install wrk")
    return found


if __name__ == "__main__":
    main()
