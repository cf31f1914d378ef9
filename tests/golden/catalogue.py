"""The catalogue that the golden queries ask: the sample, and the real records of the INSDC and facility packs beside it."""

from __future__ import annotations

import gzip
import xml.etree.ElementTree as Xml
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Final

from catalog.assembly import Catalog
from catalog.cli.installation import fill_sample
from catalog.cli.progress import Progress
from catalog.curation.sources import register_source
from catalog.curation.submit import submit
from catalog.questions.reader import ADMINISTRATOR
from catalog.records.record import Submission
from tests.conformance.real_records import (
    test_bioproject,
    test_biosample,
    test_isa,
    test_jga,
    test_panosc,
    test_rde,
    test_sra,
)

# Beside those of the sample, to which the records of JGA and of NIMS go.
SOURCES: Final[Mapping[str, str]] = {
    "insdc": "International Nucleotide Sequence Databases",
    "gea": "Genomic Expression Archive",
    "metabobank": "MetaboBank",
    "panosc": "PaNOSC",
}
PREFIXES: Final = {"biosample": "https://www.ncbi.nlm.nih.gov/biosample/docs/attributes/#"}
BATCH: Final = 500


def fill(catalog: Catalog, test_data: Path) -> int:
    """Fill an empty catalogue with the sample and the real records; how many there are then."""
    count = fill_sample(catalog, Progress("", asked=False))
    for name, title in SOURCES.items():
        catalog.scopes.create(name, ADMINISTRATOR, title={"en": title}, mode="everyone")
        told = {"id": name, "title": {"en": title}, "homeScope": name, "prefixes": PREFIXES, "zone": "Asia/Tokyo"}
        register_source(told, ADMINISTRATOR, sources=catalog.sources, scopes=catalog.scopes)
    submissions = real_records(test_data)
    while batch := list(islice(submissions, BATCH)):
        # Some were accepted before today's rules: a catalogue that harvests them keeps them with their findings.
        for outcome in submit(batch, ADMINISTRATOR, intake=catalog.intake, mode="tolerant"):
            assert outcome.outcome == "created", (outcome.id, outcome.outcome, outcome.findings)
        count += len(batch)
    return count


def real_records(folder: Path) -> Iterator[Submission]:
    """Every record of the packs, as the conformance tests read them."""
    insdc, facility = folder / "insdc", folder / "facility"
    for path in sorted((insdc / "biosample").glob("*.xml.gz")):
        yield from map(test_biosample.submission_of, Xml.fromstring(gzip.decompress(path.read_bytes())))
    for path in sorted((insdc / "bioproject").glob("*.xml")):
        yield from map(test_bioproject.submission_of, Xml.parse(path).getroot())
    for name in ("study", "dataset", "policy", "dac"):
        dates = {row["accession"]: row for row in test_jga.rows(insdc / "jga" / f"{name}.date.csv")}
        for element in Xml.parse(insdc / "jga" / f"jga-{name}.xml").getroot():
            yield test_jga.submission_of(element, dates.get(element.attrib["accession"], {}))
    for path in sorted([*insdc.glob("gea/*/*/*.idf.txt"), *insdc.glob("metabobank/*/*.idf.txt")]):
        idf = test_isa.table(path)
        sdrf = test_isa.table(path.with_name(path.name.replace(".idf.", ".sdrf.")))
        yield test_isa.submission_of(idf, sdrf)
        for part in test_isa.parts_of(idf, sdrf):
            yield from (submission for submission, _ in part)
    database = test_panosc.Database(facility / "panosc" / "data" / "db.json")
    for rows in (test_panosc.datasets(database), test_panosc.documents(database), test_panosc.things(database)):
        yield from (submission for submission, _ in rows)
    for name in test_rde.INVOICES:
        yield test_rde.submission_of(name, test_rde.read(facility / "rde" / name))
    for path in sorted((insdc / "dra").rglob("*.xml")):
        yield from map(test_sra.submission_of, test_sra.records_in(path))
