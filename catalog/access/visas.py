"""GA4GH visas: what a data-access committee allowed somebody, signed by an issuer that we know.

A visa counts if it is a ControlledAccessGrants, signed by a key of an issuer that is registered for visas, about a resource that
this issuer may speak of, and under no conditions: one that cannot be checked here is not taken for fulfilled.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from catalog.access.issuers import Issuers
from catalog.access.signed import (
    Keyring,
    Unsound,
    claimed_issuer,
    demand_issuer,
    demand_timely,
    looks_signed,
    subject_of,
    verified,
)
from catalog.errors import Unavailable

logger = logging.getLogger("catalog.access")

GRANTS: Final = "ControlledAccessGrants"
MOST: Final = 500
# Asked for again at each sign-in, so that none counts for ever.
LONGEST_SECONDS: Final = 366 * 86_400


def allowed_by(passport: object, issuers: Issuers, keyring: Keyring, now: float) -> list[dict[str, str]]:
    """What the visas of a passport allow: resources, each until when and by whose word. Others in it are left out, and logged."""
    if not isinstance(passport, list):
        return []
    until: dict[tuple[str, str], float] = {}
    for visa in passport[:MOST]:
        if not isinstance(visa, str) or not looks_signed(visa):
            continue
        try:
            issuer, resource, ends = _allowed(visa, issuers, keyring, now)
        except (Unsound, Unavailable) as problem:
            logger.info("a visa does not count: %s", problem)
            continue
        until[(resource, issuer)] = max(ends, until.get((resource, issuer), 0.0))
    return [
        {"resource": resource, "until": _written(ends), "by": issuer}
        for (resource, issuer), ends in sorted(until.items())
    ]


def _allowed(visa: str, issuers: Issuers, keyring: Keyring, now: float) -> tuple[str, str, float]:
    """Who allows what until when."""
    claimed = claimed_issuer(visa)
    issuer = None if claimed is None else issuers.of_address(claimed, "visas")
    if issuer is None:
        raise Unsound(f"{claimed!r:.200} is not registered for visas")
    claims = verified(visa, issuer.endpoints.keys, keyring)
    demand_issuer(claims, issuer.address)
    subject_of(claims)
    ends = min(demand_timely(claims, now), now + LONGEST_SECONDS)
    granted = claims.get("ga4gh_visa_v1")
    if not isinstance(granted, Mapping) or granted.get("type") != GRANTS:
        raise Unsound(f"it is no {GRANTS}")
    if granted.get("conditions"):
        raise Unsound("it has conditions")
    return issuer.id, _resource(granted, issuer.resources), ends


def _resource(granted: Mapping[str, Any], spoken_of: tuple[str, ...]) -> str:
    value = granted.get("value")
    if not isinstance(value, str) or not 1 <= len(value) <= 2_000 or not value.isprintable():
        raise Unsound("it names no resource")
    if spoken_of and not value.startswith(spoken_of):
        raise Unsound(f"its issuer has no say about {value:.200}")
    return value


def _written(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
