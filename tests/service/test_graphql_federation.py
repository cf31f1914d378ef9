"""Federation with Apollo's gateway: two catalogues of ours and a subgraph of somebody else's, composed and asked as one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from catalog.client import Client
from tests.service.conftest import Served, prepare, start, stop
from tests.service.test_graphql_http import npm as npm

FEDERATION: Final = Path(__file__).parent / "federation"
CITED: Final = {f"dataset/lab/cited-{number}": number for number in range(1, 6)}

pytestmark = pytest.mark.service


@contextmanager
def node(script: str, *arguments: str | Path) -> Iterator[str]:
    """A script that answers over HTTP; its address."""
    # Leaving it closes its pipes.
    with subprocess.Popen(
        ["node", FEDERATION / script, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            line = process.stdout.readline()
            assert line, process.stderr.read()
            yield json.loads(line)["address"]
        finally:
            process.kill()


def fill(running: Served) -> None:
    """Datasets that somebody else knows to be cited, one of them limited."""
    prepare(running)
    with Client(running.address, running.token) as client:
        for number, id in enumerate(CITED):
            client.submit(
                {
                    "source": "lab",
                    "localId": id.rpartition("/")[2],
                    "scope": "lab/closed" if number == 4 else "lab",
                    "body": {"dataset": {"title": {"en": f"Cited {number + 1}"}, "size": number}},
                }
            )


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, npm: Path) -> Iterator[tuple[str, Served]]:
    """The gateway's address, and the first of the two catalogues."""
    with ExitStack() as stack:
        catalogues = []
        for name in ("first", "second"):
            running = start(tmp_path_factory.mktemp(name) / "data")
            stack.callback(stop, running)
            fill(running)
            catalogues.append(running)
        citations = stack.enter_context(node("citations.mjs", npm, *(f"{id}={count}" for id, count in CITED.items())))
        named = [
            f"{name}={running.address}graphql" for name, running in zip(("first", "second"), catalogues, strict=True)
        ]
        yield stack.enter_context(node("gateway.mjs", npm, *named, f"citations={citations}")), catalogues[0]


def ask(address: str, query: str, token: str | None = None, **variables: Any) -> dict[str, Any]:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    answer = httpx.post(address, json={"query": query, "variables": variables}, headers=headers, timeout=60)
    told: dict[str, Any] = answer.json()
    assert answer.status_code == 200, told
    return told


def test_what_somebody_else_knows_of_our_records_is_told_with_them(gateway: tuple[str, Served]) -> None:
    told = ask(gateway[0], "{ datasets(first: 10, orderBy: [{by: size}]) { nodes { id title size citations } } }")
    assert told.get("errors") is None
    assert told["data"]["datasets"]["nodes"] == [
        {"id": f"dataset/lab/cited-{number}", "title": f"Cited {number}", "size": number - 1, "citations": number}
        for number in range(1, 5)
    ]


def test_what_is_ours_of_the_records_that_somebody_else_names_comes_in_one_request_for_all(
    gateway: tuple[str, Served],
) -> None:
    told = ask(gateway[0], "{ mostCited(first: 5) { id citations title size kind } }")
    found = told["data"]["mostCited"]
    assert [each["citations"] for each in found if each] == [5, 4, 3, 2, 1]
    assert [each["title"] for each in found] == [None, "Cited 4", "Cited 3", "Cited 2", "Cited 1"]
    ours = [each for each in told["extensions"]["asked"] if each["subgraph"] != "citations"]
    assert [each["representations"] for each in ours] == [5]


def test_who_asks_the_gateway_is_who_asks_us(gateway: tuple[str, Served]) -> None:
    told = ask(gateway[0], "{ mostCited(first: 1) { id title } }", gateway[1].token)
    assert told["data"]["mostCited"] == [{"id": "dataset/lab/cited-5", "title": "Cited 5"}]


def test_a_record_of_any_kind_and_its_links_are_asked_through_the_gateway(gateway: tuple[str, Served]) -> None:
    query = "query One($id: ID!) { record(id: $id) { __typename id ... on Dataset { size samples { totalCount } } } }"
    told = ask(gateway[0], query, id="dataset/lab/cited-2")
    assert told.get("errors") is None
    assert told["data"]["record"] == {
        "__typename": "Dataset",
        "id": "dataset/lab/cited-2",
        "size": 1,
        "samples": {"totalCount": 0},
    }
