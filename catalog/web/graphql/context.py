"""What every field of a request may ask: the site, who asks, in which language, and what the request costs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from catalog.assembly import Catalog
from catalog.questions.reader import Reader
from catalog.web.negotiation import Language
from catalog.web.session import Asker
from catalog.web.site import Site


@dataclass(slots=True)
class Context:
    """One request. What fields work out for each other is kept in `kept`, by whose it is."""

    site: Site
    asker: Asker
    language: Language = "en"
    cost: int = 0
    cost_limit: int = 0
    # How long a statement may run before it is interrupted; None: as long as it takes.
    deadline_seconds: float | None = None
    kept: dict[Any, Any] = field(default_factory=dict)
    # Who asks, with what they may by now: what goes on for minutes asks again.
    by_now: Callable[[], Awaitable[Asker]] | None = None

    @property
    def catalog(self) -> Catalog:
        """The catalogue that is asked."""
        return self.site.catalog

    @property
    def reader(self) -> Reader:
        """Who asks, with what they may."""
        return self.asker.reader
