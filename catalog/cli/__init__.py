"""The catalogue on the command line."""

from catalog.cli.command import catalog, main

__all__ = ["catalog", "main"]
