"""How the processes that stay log."""

from __future__ import annotations

from typing import Any


def logging_of(level: str) -> dict[str, Any]:
    """How the processes that stay log: everything on standard error, our own words from this level on."""
    own = {"handlers": ["console"], "level": level.upper(), "propagate": False}
    return {
        "formatters": {
            "line": {"format": "%(asctime)s %(levelname)s %(message)s", "datefmt": "%Y-%m-%dT%H:%M:%S%z"},
            "bare": {"format": "%(message)s"},
        },
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"},
            "access": {"class": "logging.StreamHandler", "formatter": "bare", "stream": "ext://sys.stderr"},
        },
        "loggers": {
            # A copy: the server writes its own level into what it finds here, and not into ours.
            "_granian": dict(own),
            "granian.access": {"handlers": ["access"], "level": "INFO", "propagate": False},
            "catalog": own,
        },
    }
