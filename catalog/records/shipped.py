"""Where the schemas and ontologies lie that came with the software: inside the package, or beside it in a checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from catalog.errors import Misconfigured


@cache
def shipped() -> Path:
    """The folder that holds `schemas/` and `ontologies/`."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package, package.parent):
        if (folder / "schemas" / "kinds").is_dir() and (folder / "ontologies" / "context").is_dir():
            return folder
    raise Misconfigured(
        f"neither {package} nor {package.parent} holds schemas/kinds and ontologies/context; install the package again",
        ja=f"{package} にも {package.parent} にも schemas/kinds と ontologies/context がありません。パッケージを入れ直してください",
    )
