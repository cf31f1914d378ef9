"""A catalogue over HTTP: questions, pages, search, and records entered, withdrawn and read; refusals are the catalogue's own errors."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Literal, Self

import httpx

from catalog import errors
from catalog.client.inputs import Mode, SubmissionInput
from catalog.records.finding import Finding, Severity

Outcome = Literal["CREATED", "REVISED", "UNCHANGED", "QUARANTINED"]
PAGE: Final = 100
# What is submitted at a time; the server takes 1,000.
BATCH: Final = 500
RETRIES: Final = 3

_SEVERITIES: Final[Mapping[str, Severity]] = {"VIOLATION": "violation", "WARNING": "warning", "INFO": "info"}

_REFUSAL: Final = """\
  __typename
  ... on Refusal { message }
  ... on Invalid { findings { pointer rule severity breaks message expected } }
  ... on Conflict { currentRevision }
  ... on Unavailable { retryAfterSeconds }
"""
_SUBMIT: Final = f"""
mutation Submit($submission: SubmissionInput!, $mode: Mode!, $dryRun: Boolean!) {{
  submit(submission: $submission, mode: $mode, dryRun: $dryRun) {{
    ... on Submitted {{ id outcome revision position }} {_REFUSAL}
  }}
}}
"""
_SUBMIT_MANY: Final = f"""
mutation SubmitMany($submissions: [SubmissionInput!]!, $mode: Mode!) {{
  submitMany(submissions: $submissions, mode: $mode) {{
    ... on SubmittedMany {{ results {{ ... on Submitted {{ id outcome revision position }} {_REFUSAL} }} }}
    ... on Refusal {{ __typename message }}
    ... on Unavailable {{ retryAfterSeconds }}
  }}
}}
"""
_WITHDRAW: Final = f"""
mutation Withdraw($id: ID!, $reason: String!) {{
  withdraw(id: $id, reason: $reason) {{ {_REFUSAL} }}
}}
"""


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of a record that was entered."""

    id: str
    outcome: Outcome
    revision: int
    position: int | None  # null if nothing changed


class Client:
    """One catalogue, asked by one somebody. Safe to use from several threads; to be closed, or used in `with`."""

    def __init__(
        self,
        address: str,
        token: str | None = None,
        *,
        language: Literal["en", "ja"] = "en",
        timeout_seconds: float = 60,
    ) -> None:
        headers = {"Accept": "application/graphql-response+json", "Accept-Language": language}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self._endpoint = address.rstrip("/") + "/graphql"
        self._http = httpx.Client(headers=headers, timeout=timeout_seconds)
        self._filters: dict[str, str] = {}  # the type of the filter of each list

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    # --- asking

    def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The data that are answered; the first error is raised as the catalogue's own (NotFound, Invalid, Forbidden …)."""
        for again in range(RETRIES + 1):
            answer = self._http.post(self._endpoint, json={"query": query, "variables": variables or {}})
            wait = answer.headers.get("retry-after", "")
            # Nothing was done where the service says that it is busy, so it may be asked again, writing or not.
            if answer.status_code not in (429, 503) or again == RETRIES or not wait.isdigit():
                break
            time.sleep(min(int(wait), 30))
        told = _document(answer)
        if told.get("errors"):
            raise _error(told["errors"][0])
        data: dict[str, Any] = told["data"]
        return data

    def record(self, id: str, fields: str = "id kind title") -> dict[str, Any] | None:
        """A record with these fields of GraphQL; None if there is none that the asker may see."""
        told = self.ask(f"query Record($id: ID!) {{ record(id: $id) {{ {fields} }} }}", {"id": id})
        found: dict[str, Any] | None = told["record"]
        return found

    def every(
        self, plural: str, fields: str = "id title", *, where: Mapping[str, Any] | None = None, page: int = PAGE
    ) -> Iterator[dict[str, Any]]:
        """Every record of a kind, told by its plural (`datasets`), that fits a filter of GraphQL, page by page."""
        filter_type = self._filter_type(plural)
        query = (
            f"query Every($where: {filter_type}, $first: Int!, $after: String) {{ {plural}(where: $where, first: $first, after: $after)"
            f" {{ nodes {{ {fields} }} pageInfo {{ hasNextPage endCursor }} }} }}"
        )
        after: str | None = None
        while True:
            found = self.ask(query, {"where": where, "first": page, "after": after})[plural]
            yield from found["nodes"]
            if not found["pageInfo"]["hasNextPage"]:
                return
            after = found["pageInfo"]["endCursor"]

    def _filter_type(self, plural: str) -> str:
        """What the argument `where` of a list is; NotFound if there is no such list."""
        if not self._filters:
            told = self.ask("{ __schema { queryType { fields { name args { name type { name } } } } } }")
            for field in told["__schema"]["queryType"]["fields"]:
                types = {argument["name"]: argument["type"]["name"] for argument in field["args"]}
                if types.get("where") and {"first", "after"} <= types.keys():
                    self._filters[field["name"]] = types["where"]
        if plural not in self._filters:
            raise errors.NotFound(f"{plural}: there is no such list here; there are {', '.join(self._filters)}")
        return self._filters[plural]

    # --- writing

    def submit(self, submission: SubmissionInput, *, mode: Mode = "STRICT", dry_run: bool = False) -> Submitted:
        """Enter a record, or what is said now of the one that is known by source, kind and local id; refusals are raised."""
        variables = {"submission": submission, "mode": mode, "dryRun": dry_run}
        return _submitted(self.ask(_SUBMIT, variables)["submit"])

    def submit_each(
        self, submissions: Iterable[SubmissionInput], *, mode: Mode = "STRICT"
    ) -> Iterator[Submitted | errors.CatalogError]:
        """Enter many, some at a time and in their order; each is answered for itself, a refusal as the error that it would raise."""
        batch: list[SubmissionInput] = []
        for submission in submissions:
            batch.append(submission)
            if len(batch) == BATCH:
                yield from self._submit_batch(batch, mode)
                batch = []
        if batch:
            yield from self._submit_batch(batch, mode)

    def _submit_batch(self, batch: Sequence[SubmissionInput], mode: Mode) -> Iterator[Submitted | errors.CatalogError]:
        told = _accept(self.ask(_SUBMIT_MANY, {"submissions": batch, "mode": mode})["submitMany"])
        for each in told["results"]:
            yield _refusal(each) if "message" in each else _submitted(each)

    def withdraw(self, id: str, reason: str) -> None:
        """Withdraw a record, saying why; refusals are raised."""
        _accept(self.ask(_WITHDRAW, {"id": id, "reason": reason})["withdraw"])


def _document(answer: httpx.Response) -> dict[str, Any]:
    try:
        told = answer.json()
    except ValueError as cause:
        raise errors.Unavailable(f"The service answered {answer.status_code}, and not in JSON.") from cause
    if not isinstance(told, dict) or not ("data" in told or "errors" in told):
        # A problem document: who asks is not known, or the service is busy.
        message = told.get("detail") or told.get("title") if isinstance(told, dict) else None
        message = message or f"The service answered {answer.status_code}."
        if answer.status_code in (401, 403):
            raise errors.Forbidden(message)
        raise errors.Unavailable(message)
    return told


def _error(told: Mapping[str, Any]) -> errors.CatalogError:
    """An entry of `errors` as the catalogue's own error."""
    message, extensions = str(told.get("message")), told.get("extensions") or {}
    match extensions.get("code"):
        case "NOT_FOUND" | "MOVED":
            return errors.NotFound(message)
        case "GONE":
            return errors.Gone(message, reason=str(extensions.get("reason", "")), at=str(extensions.get("at", "")))
        case "FORBIDDEN" | "UNAUTHENTICATED":
            return errors.Forbidden(message)
        case "COST_LIMIT":
            return errors.TooCostly(message)
        case "TIMEOUT":
            return errors.TooSlow(message)
        case "UNAVAILABLE" | "INTERNAL":
            return errors.Unavailable(message)
    return errors.Invalid(message)


def _refusal(told: Mapping[str, Any]) -> errors.CatalogError:
    """A typed refusal of a mutation as the catalogue's own error."""
    message = str(told["message"])
    match told["__typename"]:
        case "Conflict":
            return errors.Conflict(message, revision=told["currentRevision"])
        case "Forbidden" | "Unauthenticated":
            return errors.Forbidden(message)
        case "NotFound":
            return errors.NotFound(message)
        case "Gone":
            return errors.Gone(message, reason="", at="")
        case "Unavailable":
            return errors.Unavailable(message, retry_after_seconds=told["retryAfterSeconds"])
    return errors.Invalid(message, [_finding(each) for each in told.get("findings", ())])


def _finding(told: Mapping[str, Any]) -> Finding:
    messages = {"en": told["message"], "ja": told["message"]}
    return Finding(
        told["pointer"], told["rule"], _SEVERITIES[told["severity"]], messages, told["breaks"], tuple(told["expected"])
    )


def _accept(told: Mapping[str, Any]) -> Mapping[str, Any]:
    if "message" in told:
        raise _refusal(told)
    return told


def _submitted(told: Mapping[str, Any]) -> Submitted:
    _accept(told)
    return Submitted(told["id"], told["outcome"], told["revision"], told["position"])
