"""Questions in SPARQL: over the graphs that the reader may see, of the newest state that can be read."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from catalog.access.policy import SUFFICIENT
from catalog.access.scopes import Scopes
from catalog.discovery.audience import topmost
from catalog.errors import Invalid, Malformed, Unavailable
from catalog.ledger.book import Book, Pending
from catalog.projections.graph.dataset import Dataset
from catalog.projections.graph.pool import Answer, NoSuchForm, Query, SparqlPool
from catalog.questions.reader import Reader
from catalog.records.identifiers import is_iri
from catalog.records.standing import scope_path

__all__ = ["Answer", "Asked", "Closing", "Dataset", "NoSuchForm", "ask", "dataset_of", "give_up", "ready"]

# A query over 100 graphs takes seconds where one over one takes milliseconds.
MOST_GRAPHS: Final = 32


class Closing(Unavailable):
    """Something that this reader's graphs still hold was closed just now: they can be asked in a moment."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: the query, the graphs to ask (None: those of the reader), and the forms for its answer."""

    query: str
    default_graphs: tuple[str, ...] | None = None
    named_graphs: tuple[str, ...] | None = None
    scopes: tuple[str, ...] | None = None
    seconds: float = 10.0
    result_form: str | None = "json"
    graph_form: str | None = "turtle"


def dataset_of(asked: Asked, reader: Reader, *, scopes: Scopes, base: str) -> Dataset:
    """The graphs that a query is asked over; Invalid if the reader has to choose among too many."""
    prefix = base + "scopes/"
    # What lies below another scope that may be read is in its graph.
    within = None if reader.administrator else frozenset(topmost(reader.scopes_for(*SUFFICIENT["read"])))
    if asked.default_graphs is not None or asked.named_graphs is not None:
        chosen = (asked.default_graphs or (), asked.named_graphs or ())
        if asked.scopes is not None:
            raise Malformed(
                "scope= and default-graph-uri or named-graph-uri both choose graphs: use one of them.",
                ja="scope= と default-graph-uri、named-graph-uri は同時に使えません。",
            )
        for graph in (*chosen[0], *chosen[1]):
            if not is_iri(graph):
                raise Malformed(
                    f"'{graph:.200}' is no absolute IRI, and can't name a graph.",
                    ja=f"「{graph:.200}」は絶対 IRI ではないため、グラフを指定できません。",
                )
        return Dataset(prefix, within=within, chosen=chosen)
    if asked.scopes is not None:
        graphs, _ = Dataset(prefix, within=within).of((prefix + scope for scope in asked.scopes), ())
    elif within is None:
        graphs = [prefix + scope for scope in scopes.roots()]
    else:
        graphs = [prefix + scope for scope in sorted(within)]
    if len(graphs) > MOST_GRAPHS:
        raise Invalid(
            f"You may read {len(graphs)} scopes; one query is asked over {MOST_GRAPHS} at most. Choose with scope=, once for each.",
            ja=f"閲覧できるスコープが {len(graphs)} 件ありますが、1回のクエリーで対象にできるのは {MOST_GRAPHS} 件までです。"
            "scope= を必要な数だけ指定して選んでください。",
        )
    return Dataset(prefix, graphs=tuple(graphs), within=within)


def ready(dataset: Dataset, *, book: Book) -> Path:
    """The checkpoint that can be asked now; Unavailable if there is none yet, Closing if it holds what was just closed."""
    looked = book.look("graph")
    if looked is None:
        raise Unavailable(
            "The graph is being built. Try again in a moment.",
            ja="グラフを作成中です。少し待ってからもう一度お試しください。",
            retry_after_seconds=10,
        )
    seen, pending = looked
    if seen.visible is None:
        raise Unavailable("The graph is being built. Try again in a moment.", ja="グラフを作成中です。")
    if _touches(pending, dataset):
        raise Closing(
            "Something was closed just now that this query might still find. Try again in a moment.",
            ja="公開が終了したばかりのレコードをグラフから取り除いています。少し待ってからもう一度お試しください。",
            retry_after_seconds=2,
        )
    return seen.folder / "checkpoints" / seen.visible


def _touches(pending: Pending, dataset: Dataset) -> bool:
    """Whether what was closed may still be in a graph that a query over this dataset may reach."""
    if not pending:
        return False
    if pending.spreading:
        # What others say of it may be anywhere.
        return True
    if pending.lay_open and dataset.open:
        return True
    if dataset.within is None:
        return bool(pending.scopes)
    return any(above in dataset.within for scope in pending.scopes for above in scope_path(scope))


def ask(
    asked: Asked,
    dataset: Dataset,
    client: str,
    *,
    pool: SparqlPool,
    book: Book,
    base: str,
    prefixes: Mapping[str, str],
) -> Future[Answer]:
    """Have a query asked when its turn comes; whoever takes the answer closes its body."""
    query = Query(asked.query, base, prefixes, asked.seconds, asked.result_form, asked.graph_form)
    # Looked up when its turn comes: what was closed while it waited is not to be found.
    return pool.submit(query, lambda: (ready(dataset, book=book), dataset), client)


def give_up(answer: Future[Answer], *, pool: SparqlPool) -> None:
    """Nobody waits for this answer any more."""
    pool.give_up(answer)
