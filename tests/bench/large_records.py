"""A catalogue of up to ten million made-up records with the shape of the real ones, the same bytes on every machine.

The shape (kinds, sizes, attributes, links, hubs, units, languages, dates, rights, twins, damage) is the one that the
test data's README measured and recommends; words come from the titles, descriptions and labels of those packs.
`python -m tests.bench.large_records FOLDER --factor 0.02` writes `records.ndjson`, `files.ndjson`, `damaged.ndjson` and
`scopes.json`; factor 1 is a million records.
"""

from __future__ import annotations

import argparse
import bisect
import itertools
import math
import random
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from tests.data import data_folder

SOURCES = ("archive", "beamline", "materials")
COUNTS = {
    "term": 5_000,
    "agent": 40_000,
    "instrument": 400,
    "project": 40_000,
    "sample": 340_000,
    "scan": 250_000,
    "experiment": 190_000,
    "dataset": 120_000,
    "workflow": 5_000,
    "run": 10_000,
}
GROUPS = 500
UNITS = {
    "energy": ("eV", "keV", "MeV", "J", "kJ"),
    "temperature": ("K", "℃", "mK"),
    "wavelength": ("nm", "Å", "pm", "um"),
    "pressure": ("Pa", "kPa", "MPa", "GPa", "bar", "mbar"),
    "exposure": ("s", "ms", "us", "min", "h"),
    "mass": ("g", "mg", "ug", "kg"),
    "concentration": ("mol/L", "mmol/L", "mol/m3"),
    "current": ("A", "mA", "uA"),
    "distance": ("m", "mm", "cm", "um"),
    "field": ("T", "mT", "G"),
}
MISSING = ("not collected", "not provided", "restricted access", "not applicable")
JAPANESE = (
    "正極材料 負極 電解質 薄膜 単結晶 粉末 土壌 水田 葉 根 微生物群集 全ゲノム 転写産物 放射光 回折 散乱 吸収分光 "
    "トモグラフィー 高圧下 低温 その場測定 時間分解 触媒 合金 高分子 タンパク質 結晶構造 解析 測定 評価 試料 標準 参照"
).split()
RARE = ("ｶﾞﾗｽ基板", "か\u3099らす", "𠮷野", "🧪", "ＸＡＦＳ", "ﾃﾞｰﾀ")


def _share(family: str, number: int) -> int:
    """Which percent of its family a record belongs to; it hangs on its number alone, so that its revisions agree."""
    return (number * 7919 + len(family)) % 100


def is_public(family: str, number: int) -> bool:
    """Whether everybody may read this record."""
    return _share(family, number) < 78


class Zipf:
    """Draws 0 … size-1, the first most often, with exponent s."""

    def __init__(self, size: int, s: float = 1.05) -> None:
        self.sums = list(itertools.accumulate(1 / (rank**s) for rank in range(1, size + 1)))

    def draw(self, source: random.Random) -> int:
        return bisect.bisect_left(self.sums, source.random() * self.sums[-1])


def vocabulary(folder: Path) -> list[str]:
    """The English words of the packs' titles and labels, as often as they occur."""
    texts: list[str] = []
    for path in sorted((folder / "insdc/dra").rglob("*.xml")):
        found = re.findall(
            r"<(?:TITLE|STUDY_TITLE|DESCRIPTION|STUDY_ABSTRACT)>([^<]+)<", path.read_text("utf-8", "replace")
        )
        texts += found[:40]
    for path in sorted((folder / "ontologies/panet/source").glob("*.csv")):
        texts.append(path.read_text("utf-8", "replace"))
    words = re.findall(r"[A-Za-z][A-Za-z-]{2,18}", " ".join(texts))
    if len(words) < 1_000:
        raise SystemExit(f"{folder} holds too few texts to draw words from")
    return words


class Generator:
    """All records of one factor, in id order within each kind."""

    def __init__(self, factor: float, words: Sequence[str], seed: int = 1) -> None:
        self.words = words
        self.draw = random.Random(seed)
        self.count = {name: max(2, round(number * factor)) for name, number in COUNTS.items()}
        self.factor = factor
        self.zipf = {name: Zipf(min(number, 50_000)) for name, number in self.count.items()}
        self.names = [
            f"{a} {b}".lower() for a, b in itertools.islice(zip(words[::3], words[1::3], strict=False), 2_000)
        ]
        self.name_of = Zipf(len(self.names), 1.3)
        # Hubs that Zipf alone would not make: shares of the links, as the README gives them.
        self.hub_share = {"project": 0.11, "term": 0.30}

    # -- values -----------------------------------------------------------------------------------------------------

    def text(self, length: int) -> str:
        start = self.draw.randrange(len(self.words) - 1)
        taken: list[str] = []
        size = 0
        while size < length:
            word = self.words[(start + len(taken) * 7) % len(self.words)]
            taken.append(word)
            size += len(word) + 1
        return " ".join(taken)

    def japanese(self, length: int) -> str:
        said = "".join(self.draw.choice(JAPANESE) for _ in range(max(1, length // 4)))
        return said + self.draw.choice(RARE) if self.draw.random() < 0.001 else said

    def title(self) -> dict[str, str]:
        way = self.draw.random()
        if way < 0.70:
            return {"en": self.text(60)}
        if way < 0.82:
            return {"ja": self.japanese(24)}
        if way < 0.97:
            return {"en": self.text(60), "ja": self.japanese(24)}
        return {self.draw.choice(("de", "fr", "zh")): self.text(50)}

    def description(self, facility: bool) -> dict[str, str]:
        length = min(5_000, int(self.draw.lognormvariate(math.log(250), 1.0)))
        told = {"en": self.text(max(20, length))}
        if facility and self.draw.random() < 0.5:
            told["ja"] = self.japanese(self.draw.randint(80, 400))
        return told

    def moment(self) -> str:
        # Doubling every 3.5 years up to the end of 2026.
        back = self.draw.expovariate(math.log(2) / 3.5)
        year = max(2008, 2026 - int(back))
        zone = "+09:00" if self.draw.random() < 0.02 else "Z"
        day, hour = self.draw.randint(1, 28), self.draw.randint(0, 23)
        return f"{year}-{self.draw.randint(1, 12):02d}-{day:02d}T{hour:02d}:{self.draw.randint(0, 59):02d}:00{zone}"

    def day(self) -> str:
        way = self.draw.random()
        if way < 0.2:
            return self.draw.choice(MISSING)
        return self.moment()[: 4 if way < 0.5 else 7 if way < 0.7 else 10]

    def quantity(self) -> tuple[str, dict[str, Any]]:
        name = self.draw.choice(tuple(UNITS))
        unit = self.draw.choice(UNITS[name])
        value = round(self.draw.lognormvariate(2, 1.5), 4)
        way = self.draw.random()
        if way < 0.02:
            return name, {"min": value, "max": round(value * 1.4, 4), "unit": unit}
        if way < 0.03:
            return name, {"value": value, "uncertainty": round(value / 20, 5), "unit": unit}
        return name, {"value": value, "unit": unit}

    def attribute(self) -> dict[str, Any]:
        name = self.names[self.name_of.draw(self.draw)]
        way = self.draw.random()
        if way < 0.03:
            name += " "
        elif way < 0.05:
            name = name.upper()
        way = self.draw.random()
        if way < 0.62:
            return {"name": name, "value": self.text(min(97, int(self.draw.lognormvariate(math.log(11), 1.0)) + 3))}
        if way < 0.82:
            return {"name": name, "quantity": self.quantity()[1]}
        if way < 0.90:
            return {"name": name, "value": self.day()}
        if way < 0.98:
            return {
                "name": name,
                "value": self.text(12),
                "term": {"term": f"https://w3id.org/example/t{self.draw.randint(0, 999)}"},
            }
        return {"name": name, "value": self.draw.choice(("true", "false"))}

    def attributes(self, mean: float, most: int = 60) -> list[dict[str, Any]]:
        # A negative binomial with shape 2, as a Poisson whose mean is itself drawn.
        mean_here = self.draw.gammavariate(2, mean / 2)
        count = min(most, int(self.draw.normalvariate(mean_here, math.sqrt(mean_here)) + 0.5))
        return [self.attribute() for _ in range(max(0, count))]

    def link(self, kind: str, family: str | None = None) -> str:
        family = family or kind
        if self.draw.random() < 0.005:
            return f"{kind}/{SOURCES[0]}/gone-{self.draw.randint(0, 9_999)}"
        if self.draw.random() < self.hub_share.get(kind, 0):
            return self.id_of(kind, family, 0)
        return self.id_of(kind, family, self.zipf[family].draw(self.draw))

    def one(self, kind: str, family: str) -> str:
        return self.id_of(kind, family, self.draw.randrange(self.count[family]))

    def id_of(self, kind: str, family: str, number: int) -> str:
        return f"{kind}/{self.source_of(family, number)}/{family}-{number:07d}"

    def source_of(self, family: str, number: int) -> str:
        if family in ("scan", "instrument"):
            return SOURCES[1]
        if family == "sample":
            return SOURCES[0] if number % 5 else SOURCES[2]
        return SOURCES[0]

    # -- records ----------------------------------------------------------------------------------------------------

    def records(self) -> Iterator[dict[str, Any]]:
        for family, make in self.makers().items():
            kind = {"scan": "experiment"}.get(family, family)
            for number in range(self.count[family]):
                body = make(number)
                yield self.submission(kind, family, number, body)
                if self.draw.random() < 0.04:
                    for _ in range(2):
                        body = {**body, "notes": [self.text(40)]}
                        yield self.submission(kind, family, number, body)

    def submission(self, kind: str, family: str, number: int, body: dict[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {
            "kind": kind,
            "source": self.source_of(family, number),
            "localId": f"{family}-{number:07d}",
        }
        if not is_public(family, number):
            if _share(family, number) < 96:
                made["scope"] = f"large/group-{(number * 31) % GROUPS:03d}"
            else:
                made["status"] = "private"
        made["body"] = body
        return made

    def makers(self) -> dict[str, Callable[[int], dict[str, Any]]]:
        return {
            "term": self.term,
            "agent": self.agent,
            "instrument": self.instrument,
            "project": self.project,
            "sample": self.sample,
            "scan": self.scan,
            "experiment": self.experiment,
            "dataset": self.dataset,
            "workflow": self.workflow,
            "run": self.run,
        }

    def term(self, number: int) -> dict[str, Any]:
        parents = (
            {
                self.id_of("term", "term", self.draw.randrange(number))
                for _ in range(2 if self.draw.random() < 0.08 else 1)
            }
            if number
            else set()
        )
        return {
            "identifiers": [{"scheme": "iri", "value": f"https://w3id.org/example/large/t{number}", "primary": True}],
            "labels": {"en": self.text(18), "ja": self.japanese(8)},
            "alternateLabels": {"en": sorted({self.text(14), self.text(14)})},
            "broader": sorted(parents),
        }

    def agent(self, number: int) -> dict[str, Any]:
        organisation = number % 40 == 0
        name = self.text(14).title()
        body: dict[str, Any] = {"type": "organisation" if organisation else "person", "names": {"en": name}}
        if not organisation:
            # One organisation holds 37 % of everybody.
            at = 0 if self.draw.random() < 0.37 else self.draw.randrange(max(1, self.count["agent"] // 40)) * 40
            body["affiliations"] = [self.id_of("agent", "agent", at)]
        return body

    def instrument(self, number: int) -> dict[str, Any]:
        return {"title": {"en": f"BL{number:03d} {self.text(12)}"}, "type": "beamline" if number % 4 else "facility"}

    def project(self, number: int) -> dict[str, Any]:
        body = {
            "title": self.title(),
            "description": self.description(facility=False),
            "type": ("proposal", "bioproject", "study")[number % 3],
            "code": f"P{number:07d}",
            "contributors": [
                {"to": self.link("agent"), "role": "member", "order": place}
                for place in range(1, self.draw.randint(2, 25))
            ],
            "attributes": self.attributes(10),
        }
        if number and self.draw.random() < 0.06:
            body["parents"] = [self.id_of("project", "project", self.draw.randrange(number))]
        return body

    def sample(self, number: int) -> dict[str, Any]:
        body: dict[str, Any] = {
            "title": self.title(),
            "description": {"en": self.text(120)},
            "collectedAt": self.day(),
            "projects": [self.link("project")],
            "attributes": self.attributes(15) if self.draw.random() > 0.02 else [],
        }
        if number % 5:
            taxon = 39947 if self.draw.random() < 0.2 else self.draw.randint(1, 99_999)
            body["organism"] = {"taxId": taxon, "name": self.text(16)}
        if number and self.draw.random() < 0.10:
            body["derivedFrom"] = [self.id_of("sample", "sample", self.draw.randrange(number))]
        if self.draw.random() < 0.05:
            body["identifiers"] = [
                {"scheme": "local", "value": f"L{number}"},
                {"scheme": "accession", "value": f"SAMX{number:08d}"},
            ]
        return body

    def _performed(self, mean: float) -> dict[str, Any]:
        name, quantity = self.quantity()
        return {
            "title": self.title(),
            "startedAt": self.moment(),
            "instruments": [self.link("instrument")],
            "techniques": [{"term": f"https://w3id.org/example/large/t{self.zipf['term'].draw(self.draw)}"}],
            "conditions": [{"name": name, "quantity": quantity}],
            "attributes": self.attributes(mean),
        }

    def scan(self, number: int) -> dict[str, Any]:
        parent = number % self.count["experiment"]
        return {
            **self._performed(2.5),
            "type": "scan",
            "parents": [self.id_of("experiment", "experiment", parent)],
            "samples": [{"to": self.one("sample", "sample"), "role": "measured"}],
        }

    def experiment(self, number: int) -> dict[str, Any]:
        count = 1 if self.draw.random() < 0.95 else self.draw.randint(2, 40)
        samples = {self.one("sample", "sample") for _ in range(count)}
        return {
            **self._performed(4),
            "description": self.description(facility=True),
            "type": "sequencing" if number % 2 else "measurement",
            "projects": [self.link("project")],
            "samples": [{"to": sample, "role": "measured"} for sample in sorted(samples)],
        }

    def dataset(self, number: int) -> dict[str, Any]:
        leaves = min(220, max(30, int(self.draw.lognormvariate(math.log(70), 0.6))))
        samples = {self.link("sample") for _ in range(min(50, 1 + self.zipf["instrument"].draw(self.draw) // 8))}
        body = {
            "title": self.title(),
            "description": self.description(facility=True),
            "type": "raw" if number % 3 else "derived",
            "createdAt": self.moment(),
            "size": self.draw.randrange(10**10),
            "keywords": [{"term": "https://w3id.org/example/large/t0"}] if self.draw.random() < 0.3 else [self.text(8)],
            "generatedBy": [self.one("experiment", "experiment")],
            "samples": sorted(samples),
            "instruments": [self.link("instrument")],
            "projects": [self.link("project")],
            "contributors": [{"to": self.link("agent"), "role": "creator", "order": 1}],
            "attributes": [self.attribute() for _ in range(leaves // 4)],
            "details": {"scientificMetadata": {f"group{i % 4}": {} for i in range(4)}},
        }
        for leaf in range(leaves):
            body["details"]["scientificMetadata"][f"group{leaf % 4}"][f"leaf{leaf}"] = {
                "value": self.draw.random(),
                "unit": "mm",
            }
        return body

    def workflow(self, number: int) -> dict[str, Any]:
        steps = min(14, max(2, int(self.draw.gauss(9, 3))))
        return {
            "title": self.title(),
            "version": f"1.{number % 20}",
            "engine": "galaxy",
            "nodes": [{"id": f"n{step}", "name": {"en": self.text(400)}} for step in range(steps)],
            "edges": [{"from": f"n{step}.out", "to": f"n{step + 1}.in"} for step in range(steps - 1)],
        }

    def run(self, number: int) -> dict[str, Any]:
        entities = min(350, int(self.draw.lognormvariate(math.log(42), 0.9)) + 1)
        return {
            "title": self.title(),
            "type": "analysis",
            "state": "complete",
            "plans": [self.one("workflow", "workflow")],
            "inputs": [
                {"to": self.one("dataset", "dataset"), "role": "sample", "order": place}
                for place in range(1, 2 + entities)
            ],
            "outputs": [
                {"to": self.one("dataset", "dataset"), "port": f"out{place}"} for place in range(entities // 2)
            ],
            "agents": [self.link("agent")],
        }

    # -- what lies beside -------------------------------------------------------------------------------------------

    def files(self) -> Iterator[dict[str, Any]]:
        """3 M rows at factor 1: one dataset with a thirtieth of them, ten with a three-hundredth each, Pareto else."""
        total = round(3_000_000 * self.factor)
        left = total
        for number in range(self.count["dataset"]):
            if left <= 0:
                return
            count = (
                total // 30
                if number == 0
                else total // 300
                if number <= 10
                else min(left, int(self.draw.paretovariate(1.2) * 4))
            )
            left -= count
            dataset = self.id_of("dataset", "dataset", number)
            for place in range(count):
                digest = f"{self.draw.getrandbits(256):064x}"
                yield {
                    "dataset": dataset,
                    "path": f"raw/{place // 1000:04d}/scan_{place:07d}.h5",
                    "size": self.draw.randrange(10**8),
                    "checksums": [{"algorithm": "sha256", "value": digest}],
                }

    def damaged(self) -> Iterator[dict[str, Any]]:
        """Records with one planted fault each, and where it must be found."""
        for number in range(max(10, round(10_000 * self.factor))):
            body = self.sample(number)
            if number % 2:
                body["attributes"].append({"name": "broken", "quantity": {"value": 1, "unit": "furlongs per moon"}})
                at, rule = f"/attributes/{len(body['attributes']) - 1}/quantity/unit", "unit/unknown"
            else:
                body["collectedAt"] = 20_260_510
                at, rule = "/collectedAt", "schema/type"
            submission = self.submission("sample", "sample", number, body)
            yield {"submission": {**submission, "localId": f"damaged-{number}"}, "pointer": at, "rule": rule}


def write(folder: Path, factor: float) -> Path:
    """Everything of one factor below `folder`, made once and kept."""
    if (folder / "damaged.ndjson").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    generator = Generator(factor, vocabulary(data_folder()))
    for name, rows in (
        ("records", generator.records()),
        ("files", generator.files()),
        ("damaged", generator.damaged()),
    ):
        unfinished = folder / f"{name}.part"
        with unfinished.open("wb") as out:
            for number, row in enumerate(rows):
                out.write(orjson.dumps(row) + b"\n")
                if number % 50_000 == 0:
                    print(f"{name}: {number}", file=sys.stderr)
        unfinished.rename(folder / f"{name}.ndjson")
    return folder


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--factor", type=float, default=0.02)
    given = arguments.parse_args()
    write(given.folder, given.factor)
