"""What there is, in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.ledger.answer import Answers
from catalog.ledger.statement import Terms
from catalog.questions.reader import PUBLIC, Reader


@dataclass(frozen=True, slots=True)
class Health:
    """The ledger answers, and this is how far it has come."""

    position: int


def counts_by_kind(reader: Reader, *, answers: Answers) -> dict[str, int]:
    """How many public records of each kind the reader may see; kinds without any are told too."""
    counts = dict.fromkeys(answers.vocabulary.kinds, 0)
    counts.update({kind: number for kind, number in answers.rows(_counts, {}, reader) if kind in counts})
    return counts


def health(*, answers: Answers) -> Health:
    """The ledger's last position; Unavailable if it cannot be read."""
    rows = answers.rows(_last_position, {}, PUBLIC)
    return Health(int(rows[0][0]))


def _counts(terms: Terms) -> str:
    # By scope first: there are far fewer scopes than records, and each is judged once. (PostgreSQL's sum is a decimal number.)
    return (
        f"{terms.beginning()} SELECT r.kind, CAST(sum(r.number) AS bigint) FROM (SELECT kind, scope, count(*) AS number FROM record WHERE status = 'public'"
        f" GROUP BY scope, kind) AS r JOIN scope s ON s.key = r.scope WHERE {terms.readable('s')} GROUP BY r.kind ORDER BY r.kind"
    ).strip()


def _last_position(terms: Terms) -> str:
    return "SELECT coalesce(max(position), 0) FROM change"
