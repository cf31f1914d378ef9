"""A process of its own that writes into a ledger and says what it has been promised, until somebody kills it."""

from __future__ import annotations

import sys

from tests.contract.ledgers import enter, entry, opened


def main(address: str, first: int) -> None:
    ledger = opened(address)
    print("open", flush=True)
    turn = first
    while True:
        batch = [
            entry(f"{turn}-{n}", {"title": {"en": f"{turn}-{n}"}, "derivedFrom": ["sample/lab/x"]}) for n in range(40)
        ]
        batch.append(entry("counter", {"title": {"en": str(turn)}}))
        last = enter(ledger, *batch)[-1]
        print(turn, last.position, flush=True)
        turn += 1


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
