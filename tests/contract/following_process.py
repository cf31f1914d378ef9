"""A process that follows a ledger until it is killed: `python -m tests.contract.following_process <database> <folder>`."""

from __future__ import annotations

import sys
from pathlib import Path

from catalog.upkeep import follow, generations
from tests.contract.followed import followed

if __name__ == "__main__":
    # Small pieces, so that there are many points between them at which it may be killed.
    follow.BATCH, follow.SLICE, follow.SETTLE_SECONDS = 20, 20, 0.0  # type: ignore[misc]
    generations.LOOK_SECONDS = 0.0  # type: ignore[misc]
    with followed(sys.argv[1], Path(sys.argv[2])) as here:
        follower = here.follower()
        while not follower.acquire():
            pass
        print("following", flush=True)
        while True:
            follower.step()
