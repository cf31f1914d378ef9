"""The index in tantivy as a projection: its generations, for whoever feeds them."""

from __future__ import annotations

import errno
import os
import shutil
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import orjson
import tantivy
from tantivy import Occur, Query

from catalog.projections.projection import Damaged, Name, Tally, Tells, Unprojectable, panicked
from catalog.projections.search.analysis import ANALYZER, analyzer
from catalog.projections.search.document import (
    FORMAT,
    QUANTITY_COLUMNS,
    Columns,
    Document,
    Documents,
    Zones,
    columns_of,
    fingerprint_of,
    in_utc,
)
from catalog.records.kinds import Kinds
from catalog.records.standing import Gone, Standing

# What tantivy gathers in memory before it writes a segment.
HEAP_BYTES: Final = 96_000_000
# Removals that are remembered, so that an older standing which comes late does not bring a record back.
REMEMBERED: Final = 100_000
# Keys that are looked up at once.
SLICE: Final = 1_000
MADE: Final = "made.json"
# The last bytes of each file of a segment.
_END: Final = (1337).to_bytes(4, "little")
# What a linked form that is none leads to: whatever is wrong with it, the others go on.
_UNPROJECTABLE: Final = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


def schema_of(columns: Columns) -> tantivy.Schema:
    """The index's fields: those of every record, and the columns that these kinds need."""
    made = tantivy.SchemaBuilder()
    made.add_text_field("id", stored=True, fast=True, tokenizer_name="raw", index_option="basic")
    for name in ("key", "scope"):
        made.add_unsigned_field(name, indexed=True, fast=True)
    made.add_unsigned_field("merged", indexed=True, fast=True)
    for name in ("position", "revision", "hash_high", "hash_low"):
        made.add_unsigned_field(name, fast=True)
    made.add_unsigned_field("bucket", indexed=True, fast=True)
    for name in ("kind", "source", "profile"):
        made.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    for name in ("lies", "within", "merged_within", "has", "values", "terms", "links", "attributes"):
        made.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in ("named", "names", "parts", "label", "measures"):
        made.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in ("title", "text", "labels"):
        made.add_text_field(name, tokenizer_name=ANALYZER)
    made.add_json_field("facet", fast=True, tokenizer_name="raw", index_option="basic")
    for name in ("created", "modified", "m_created", "m_modified"):
        made.add_integer_field(name, fast=True)
    for name in columns.dates:
        for part in (f"d_{name}_from", f"d_{name}_until", f"m_{name}"):
            made.add_integer_field(part, fast=True)
    for name in (*columns.numbers, "files", "bytes"):
        made.add_float_field(f"n_{name}", fast=True)
    for name in columns.sorts:
        made.add_text_field(f"s_{name}", fast=True, tokenizer_name="raw", index_option="basic")
    for column in range(QUANTITY_COLUMNS):
        made.add_float_field(f"q{column}_low", fast=True)
        made.add_float_field(f"q{column}_high", fast=True)
    return made.build()


@dataclass(frozen=True, eq=False)
class TantivyProjection:
    """The search index as a projection. `zone_of` tells the zone in which a source's dates are meant."""

    kinds: Kinds
    zone_of: Zones = in_utc

    @property
    def name(self) -> Name:
        return "search"

    @property
    def tells(self) -> frozenset[Tells]:
        return frozenset({"titles"})

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint_of(self.kinds)

    @cached_property
    def _documents(self) -> Documents:
        return Documents(self.kinds, self.zone_of)

    def make(self, folder: Path) -> TantivyGeneration:
        """A new, empty generation in this folder (what lies there is removed)."""
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        columns = columns_of(self.kinds)
        try:
            tantivy.Index(schema_of(columns), path=str(folder))
        except ValueError as problem:
            raise _disk(problem) from problem
        told = {
            "format": FORMAT,
            "fingerprint": self.fingerprint,
            "dates": columns.dates,
            "numbers": columns.numbers,
            "sorts": columns.sorts,
            "facets": columns.facets,
            "scalars": columns.scalars,
        }
        (folder / MADE).write_bytes(orjson.dumps(told))
        return self.open(folder, None)

    def open(self, folder: Path, visible: str | None) -> TantivyGeneration:
        """The generation in this folder as it was when it settled last; Damaged if that can't be had."""
        index, _ = open_index(folder)
        opstamp = _opstamp(folder)
        if visible is not None and opstamp < int(visible):
            raise _damaged(folder, "it is older than what it had settled")
        return TantivyGeneration(folder, index, self._documents, opstamp)

    def expected(self, standings: Iterable[Standing]) -> Iterator[tuple[str, int]]:
        """The hash that each of these records should have in a generation, by record id."""
        reasons: dict[int, str] = {}
        for standing in standings:
            try:
                hash = self._documents.of(standing).hash
            except _UNPROJECTABLE as problem:
                reasons[standing.key] = _reason(standing, problem)
                continue
            yield standing.id, hash
        if reasons:
            raise Unprojectable(reasons)


def open_index(folder: Path) -> tuple[tantivy.Index, Columns]:
    """The index in a folder, read once through, with the columns that it was made with; or Damaged."""
    try:
        made = orjson.loads((folder / MADE).read_bytes())
        if made["format"] != FORMAT:
            raise _damaged(folder, "it was made by another version")
        if not tantivy.Index.is_compatible(str(folder)):
            raise _damaged(folder, "it was written by another version of tantivy")
        # Before tantivy looks: it takes a file of positions that is missing for an empty one.
        check_files(folder)
        index = tantivy.Index.open(str(folder))
        index.register_tokenizer(ANALYZER, analyzer())
        index.config_reader("manual")
        index.reload()
        # A file that was cut off is found here, not by the first who asks.
        index.searcher().aggregate(Query.all_query(), {"all": {"terms": {"field": "kind"}}})
        columns = Columns(
            *(tuple(made[name]) for name in ("dates", "numbers", "sorts", "facets", "scalars")),
        )
    except (FileNotFoundError, NotADirectoryError) as problem:
        raise _damaged(folder, "it is not there") from problem
    except (orjson.JSONDecodeError, KeyError, TypeError) as problem:
        raise _damaged(folder, f"what it was made with can't be read ({problem})") from problem
    except ValueError as problem:  # what tantivy says of anything
        if any(
            word in str(problem) for word in ("No space left", "Input/output", "Permission denied", "Too many open")
        ):
            raise _disk(problem) from problem
        raise _damaged(folder, str(problem)) from problem
    except BaseException as problem:
        if panicked(problem):
            raise _damaged(folder, str(problem)) from problem
        raise
    return index, columns


def _last_commit(folder: Path) -> dict[str, Any]:
    try:
        told: dict[str, Any] = orjson.loads((folder / "meta.json").read_bytes())
        int(told["opstamp"])
    except (FileNotFoundError, NotADirectoryError, orjson.JSONDecodeError, KeyError, TypeError) as problem:
        raise _damaged(folder, f"its last commit can't be read ({problem})") from problem
    return told


def _opstamp(folder: Path) -> int:
    """The last commit's, as its file tells."""
    return int(_last_commit(folder)["opstamp"])


def _files_of(commit: Mapping[str, Any]) -> Iterator[str]:
    """The files of which every segment of a commit is made."""
    for segment in commit["segments"]:
        parts = ["idx", "pos", "term", "store", "fast", "fieldnorm"]
        if deletes := segment.get("deletes"):
            parts.append(f"{deletes['opstamp']}.del")
        for part in parts:
            yield f"{segment['segment_id'].replace('-', '')}.{part}"


def _has_end(path: Path) -> bool:
    """Whether a file of tantivy's is there and ends as each of them does."""
    try:
        with path.open("rb") as file:
            file.seek(-len(_END), os.SEEK_END)
            return file.read() == _END
    except FileNotFoundError:
        return False
    except OSError as problem:
        if problem.errno != errno.EINVAL:
            raise
        return False  # shorter than its end


def _reason(standing: Standing, problem: Exception) -> str:
    return f"{standing.id}: {type(problem).__name__}: {problem}"


def check_files(folder: Path) -> None:
    """Damaged unless every file of the last commit is there and has its end."""
    while True:
        told = _last_commit(folder)
        broken = [name for name in _files_of(told) if not _has_end(folder / name)]
        if not broken:
            return
        # Segments are merged meanwhile, and what is merged goes.
        if _last_commit(folder) == told:
            raise _damaged(folder, f"{broken[0]} is missing or cut off")


def lengths_of(folder: Path) -> dict[str, int]:
    """How long each file of the last commit is, by its path; without those that are gone since."""
    told: dict[str, int] = {}
    for name in _files_of(_last_commit(folder)):
        with suppress(FileNotFoundError):
            told[str(folder / name)] = (folder / name).stat().st_size
    return told


@contextmanager
def _reading(folder: Path) -> Iterator[None]:
    """What the engine finds not as it wrote it is Damaged."""
    try:
        yield
    except ValueError as problem:
        if "corrupt" in str(problem).lower():
            raise _damaged(folder, str(problem)) from problem
        raise


def _damaged(folder: Path, why: str) -> Damaged:
    return Damaged(
        f"the search index in {folder.name} can't be used ({why}): it has to be built again",
        ja=f"検索索引 {folder.name} は使えません（{why}）。作り直す必要があります",
    )


# How tantivy's messages begin or what they hold where the disk is the trouble, and not what was asked.
_DISK: Final = (
    "No space left",
    "os error",
    "IoError",
    "Io(",
    "I/O error",
    "Input/output",
    "Read-only",
    "Lock",
    "killed",
)


def _of_disk(problem: Exception) -> bool:
    return any(word in str(problem) for word in _DISK)


def _disk(problem: Exception) -> OSError:
    return OSError(f"search index: {problem}")


class TantivyGeneration:
    """One generation, open for writing. After an OSError it has to be opened again: what was not settled is lost."""

    def __init__(self, folder: Path, index: tantivy.Index, documents: Documents, opstamp: int) -> None:
        self._folder = folder
        self._index = index
        self._documents = documents
        self._opstamp = opstamp  # what tantivy counts its commits by
        try:
            self._writer: tantivy.IndexWriter | None = index.writer(HEAP_BYTES, 1)
        except ValueError as problem:
            raise _disk(problem) from problem
        self._schema = index.schema
        self._searcher = index.searcher()
        self._highest = self._highest_key()
        # What came since the last settle (and what went, for longer): key -> position.
        self._shown: dict[int, int] = {}
        self._gone: OrderedDict[int, int] = OrderedDict()

    def apply(self, shown: Sequence[Standing], gone: Sequence[Gone], *, fresh: bool = False) -> None:
        """Let these records stand as told, whatever was here of them."""
        # `fresh` says nothing here: what was committed and not noted is there when it is opened again.
        writer = self._open()
        with _reading(self._folder):
            known = self._positions([*(each.key for each in shown), *(each.key for each in gone)])
        reasons: dict[int, str] = {}
        for each in gone:
            here = self._shown.get(each.key, known.get(each.key))
            if here is not None and here > each.position:
                continue
            if here is not None and each.key not in self._gone:
                _delete(writer, each.id)
            self._remember(each.key, each.position)
        for standing in shown:
            key = standing.key
            here = self._shown.get(key, known.get(key))
            if here is not None and here > standing.position:
                continue
            document = self._document(standing, reasons)
            if here is not None and key not in self._gone:
                # Also where the record can't be taken in: what is no longer true must not be found.
                _delete(writer, standing.id)
            if document is None or not self._add(writer, key, document, reasons):
                if here is not None:
                    self._remember(key, standing.position)
                continue
            self._gone.pop(key, None)
            self._shown[key] = standing.position
            self._highest = max(self._highest, key)
        if reasons:
            raise Unprojectable(reasons)

    def close_down(self, shown: Sequence[Standing], gone: Sequence[Gone]) -> None:
        """The same for records that fewer people may see than before.

        What others say of them (their titles, as labels) is not searched while a closing spreads.
        """
        self.apply(shown, gone)

    def settle(self) -> str:
        """Make everything durable and visible."""
        writer = self._open()
        try:
            self._opstamp = writer.commit()
            self._index.reload()
        except (ValueError, OSError) as problem:
            self._writer = None
            raise self._stopped(problem) from problem
        self._searcher = self._index.searcher()
        self._shown.clear()
        return str(self._opstamp)

    def check(self) -> None:
        """Damaged if what settled last has been deleted or cut off."""
        check_files(self._folder)

    def tallies(self) -> Mapping[tuple[str, int], Tally]:
        """What is really here, by kind and bucket, as of the last `settle`."""
        sums = {"high": {"sum": {"field": "hash_high"}}, "low": {"sum": {"field": "hash_low"}}}
        buckets = {"terms": {"field": "bucket", "size": 1_000, "segment_size": 1_000}, "aggs": sums}
        kinds = {"terms": {"field": "kind", "size": 10_000, "segment_size": 10_000}, "aggs": {"buckets": buckets}}
        with _reading(self._folder):
            told = self._searcher.aggregate(self._whole(), {"kinds": kinds})
        made: dict[tuple[str, int], Tally] = {}
        counted = 0
        for kind in told["kinds"]["buckets"]:
            for bucket in kind["buckets"]["buckets"]:
                count = int(bucket["doc_count"])
                counted += count
                # The halves are summed as floats, which is exact below 2^53: two million records in one bucket.
                total = (int(bucket["high"]["value"]) << 32) + int(bucket["low"]["value"])
                made[(kind["key"], int(bucket["key"]))] = Tally(count, total % 2**64)
        if stray := self._searcher.num_docs - counted:
            made[("", 0)] = Tally(stray, 0)
        return made

    def hashes(self, kind: str, bucket: int) -> Iterator[tuple[str, int]]:
        """The hash of what is here of each record of a kind and bucket, by record id; an id that is here twice twice."""
        held = [
            (Occur.Must, Query.term_query(self._schema, "kind", kind)),
            (Occur.Must, Query.term_query(self._schema, "bucket", bucket)),
        ]
        query = self._stray() if kind == "" else Query.boolean_query(held)
        searcher = self._searcher
        if searcher.num_docs == 0:
            return
        found = [address for _, address in searcher.search(query, searcher.num_docs, count=False).hits]
        for start in range(0, len(found), SLICE):
            some = found[start : start + SLICE]
            high = searcher.fast_field_values("hash_high", some)
            low = searcher.fast_field_values("hash_low", some)
            for address, upper, lower in zip(some, high, low, strict=True):
                id = searcher.doc(address).get_first("id")
                yield id or "", (int(upper or 0) << 32) + int(lower or 0)

    def remove(self, ids: Iterable[str]) -> None:
        """Take away everything that is here of these ids; the empty id is that of documents which have none."""
        writer = self._open()
        for id in ids:
            if id:
                _delete(writer, id)
            else:
                writer.delete_documents_by_query(self._stray())

    def close(self) -> None:
        """Let go of the folder, when merges that run have ended."""
        writer, self._writer = self._writer, None
        if writer is not None:
            # Where the folder is gone there is nothing to go back to.
            with suppress(ValueError, OSError):
                writer.rollback()
                writer.wait_merging_threads()

    def _open(self) -> tantivy.IndexWriter:
        if self._writer is None:
            raise OSError("search index: this generation has to be opened again")
        return self._writer

    def _document(self, standing: Standing, reasons: dict[int, str]) -> Document | None:
        try:
            return self._documents.of(standing)
        except _UNPROJECTABLE as problem:
            reasons[standing.key] = _reason(standing, problem)
            return None

    def _add(self, writer: tantivy.IndexWriter, key: int, document: Document, reasons: dict[int, str]) -> bool:
        try:
            writer.add_json(document.text)
        except ValueError as problem:
            if _of_disk(problem):
                self._writer = None
                raise self._stopped(problem) from problem
            reasons[key] = str(problem)
            return False
        return True

    def _stopped(self, problem: Exception) -> OSError:
        """Why writing has ended. tantivy says only that it has, so the likeliest reason is told beside."""
        free = shutil.disk_usage(self._folder).free // 2**20 if self._folder.exists() else 0
        return OSError(f"{_disk(problem)} ({free} MiB are free where it lies)")

    def _remember(self, key: int, position: int) -> None:
        self._shown.pop(key, None)
        self._gone[key] = position
        self._gone.move_to_end(key)
        if len(self._gone) > REMEMBERED:
            self._gone.popitem(last=False)

    def _positions(self, keys: Sequence[int]) -> dict[int, int]:
        """Of these records, those that are here or were, with their positions."""
        made = {}
        asked = []
        for key in keys:
            if (known := self._shown.get(key, self._gone.get(key))) is not None:
                made[key] = known
            elif key <= self._highest:  # keys rise, so nearly every new record is beyond all that are here
                asked.append(key)
        for start in range(0, len(asked), SLICE):
            query = Query.term_set_query(self._schema, "key", asked[start : start + SLICE])
            found = [address for _, address in self._searcher.search(query, 2 * SLICE, count=False).hits]
            if found:
                read = self._searcher.fast_field_values
                for here, position in zip(read("key", found), read("position", found), strict=True):
                    key = int(here or 0)
                    made[key] = max(int(position or 0), made.get(key, 0))
        return made

    def _highest_key(self) -> int:
        told = self._searcher.aggregate(Query.all_query(), {"highest": {"max": {"field": "key"}}})
        return int(told["highest"]["value"] or 0)

    def _whole(self) -> Query:
        """Documents that have what every document has."""
        parts = ("kind", "bucket", "hash_high", "hash_low", "key")
        return Query.boolean_query([(Occur.Must, Query.exists_query(part)) for part in parts])

    def _stray(self) -> Query:
        return Query.boolean_query([(Occur.Must, Query.all_query()), (Occur.MustNot, self._whole())])


def _delete(writer: tantivy.IndexWriter, id: str) -> None:
    # By its text: a whole number is taken for a signed one here, and finds nothing in an unsigned field.
    writer.delete_documents_by_term("id", id)
