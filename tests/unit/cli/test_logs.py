"""What a server tells on its standard error."""

from __future__ import annotations

import subprocess
import sys

import pytest

# In a process of its own, since logging is set for a whole one.
WORKER = """
import logging, sys
from granian.log import LogLevels, configure_logging
from catalog.cli.logs import logging_of
configure_logging(LogLevels.warning, logging_of(sys.argv[1]))
logging.getLogger("catalog.access").info("why a token was not taken")
logging.getLogger("_granian").info("what the server's own engine says of itself")
"""


@pytest.mark.parametrize(("level", "told"), [("info", True), ("warning", False)])
def test_our_own_words_are_told_from_the_level_that_is_set_and_not_from_the_engines(level: str, told: bool) -> None:
    said = subprocess.run([sys.executable, "-c", WORKER, level], capture_output=True, text=True, check=True).stderr
    assert ("why a token was not taken" in said) is told
    assert "the server's own engine" not in said
