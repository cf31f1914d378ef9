"""The file that gate, load and read are measured with: linked samples, experiments and datasets, the same on every machine.

A record has about 1.3 kB and 35 triples; a third of each kind. Everything is drawn from one seeded generator, so the
bytes never differ.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

SOURCE = "bench"
SCOPE = "bench"

MATERIALS = (
    ("LiCoO2 cathode", "コバルト酸リチウム正極"),
    ("SrTiO3 thin film", "チタン酸ストロンチウム薄膜"),
    ("lysozyme crystal", "リゾチーム結晶"),
    ("paddy field soil", "水田土壌"),
    ("Ni-based superalloy", "ニッケル基超合金"),
    ("zeolite powder", "ゼオライト粉末"),
    ("perovskite solar cell", "ペロブスカイト太陽電池"),
    ("rice leaf", "イネの葉"),
)
METHODS = (
    ("XAFS", "XAFS測定", "panet:PaNET01196"),
    ("powder diffraction", "粉末回折", "panet:PaNET01101"),
    ("small-angle scattering", "小角散乱", "panet:PaNET01124"),
    ("tomography", "トモグラフィー", "panet:PaNET01090"),
)
WORDS = (
    "annealed washed doped pristine aged cycled frozen ground pressed sieved dissolved filtered exposed sealed stored "
    "measured before after under between high low ambient inert humid vacuum reference series position detector slit"
).split()


def records(count: int, seed: int = 20260510) -> Iterator[dict[str, Any]]:
    """`count` submissions; sample, experiment and dataset of one number belong together."""
    draw = random.Random(seed)
    for number in range(count):
        kind = ("sample", "experiment", "dataset")[number % 3]
        yield {
            "kind": kind,
            "source": SOURCE,
            "localId": f"{kind[0]}-{number // 3:07d}",
            "body": BODIES[kind](number // 3, draw),
        }


def _sentence(draw: random.Random, words: int) -> str:
    return " ".join(draw.choice(WORDS) for _ in range(words)).capitalize() + "."


def _moment(draw: random.Random) -> str:
    day, hour, minute = draw.randint(1, 28), draw.randint(0, 23), draw.randint(0, 59)
    return f"20{draw.randint(15, 26)}-{draw.randint(1, 12):02d}-{day:02d}T{hour:02d}:{minute:02d}:00+09:00"


def _sample(number: int, draw: random.Random) -> dict[str, Any]:
    english, japanese = draw.choice(MATERIALS)
    return {
        "title": {"en": f"{english}, batch {number}", "ja": f"{japanese} 第{number}バッチ"},
        "description": {"en": _sentence(draw, 58)},
        "identifiers": [{"scheme": "local", "value": f"BATCH-{number:07d}", "primary": True}],
        "keywords": ["battery", "synchrotron", draw.choice(WORDS)],
        "formula": "LiCoO2",
        "form": draw.choice(("powder", "film", "crystal", "solution")),
        "collectedAt": f"20{draw.randint(15, 26)}-{draw.randint(1, 12):02d}",
        "amount": {"value": round(draw.uniform(0.5, 80), 2), "unit": "mg"},
        "projects": [f"project/{SOURCE}/p-{number % 200:04d}"],
        "attributes": [
            {"name": "mirror coating", "value": draw.choice(("Rh", "Pt", "Si"))},
            {"name": "particle size", "quantity": {"min": 5.0, "max": round(draw.uniform(6, 90), 1), "unit": "nm"}},
            {"name": "preparation", "value": _sentence(draw, 26)},
            {"name": "holder", "value": f"holder {draw.randint(1, 48)}"},
        ],
    }


def _experiment(number: int, draw: random.Random) -> dict[str, Any]:
    english, japanese, term = draw.choice(METHODS)
    return {
        "title": {"en": f"{english} of batch {number}", "ja": f"第{number}バッチの{japanese}"},
        "description": {"en": _sentence(draw, 48)},
        "type": "measurement",
        "sequenceId": f"seq-{number:07d}",
        "state": "complete",
        "startedAt": _moment(draw),
        "techniques": [{"term": term}],
        "projects": [f"project/{SOURCE}/p-{number % 200:04d}"],
        "instruments": [f"instrument/{SOURCE}/BL{number % 40:02d}XU"],
        "samples": [{"to": f"sample/{SOURCE}/s-{number:07d}", "role": "measured"}],
        "conditions": [
            {"name": "energy", "quantity": {"min": 7.6, "max": round(draw.uniform(8, 12), 3), "unit": "keV"}},
            {"name": "temperature", "quantity": {"value": round(draw.uniform(20, 800), 1), "unit": "℃"}},
        ],
        "attributes": [
            {"name": "detector", "value": draw.choice(("ion chamber", "SDD", "CITIUS"))},
            {"name": "comment", "value": _sentence(draw, 38)},
        ],
    }


def _dataset(number: int, draw: random.Random) -> dict[str, Any]:
    english, japanese, term = draw.choice(METHODS)
    return {
        "title": {"en": f"{english} data of batch {number}", "ja": f"第{number}バッチの{japanese}データ"},
        "description": {"en": _sentence(draw, 60)},
        "type": "raw",
        "format": "NeXus/HDF5",
        "size": draw.randint(10_000, 10_000_000_000),
        "fileCount": draw.randint(1, 400),
        "createdAt": _moment(draw),
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "identifiers": [{"scheme": "doi", "value": f"10.99999/bench.{number}", "primary": True}],
        "keywords": [{"term": term}, draw.choice(WORDS)],
        "generatedBy": [f"experiment/{SOURCE}/e-{number:07d}"],
        "samples": [f"sample/{SOURCE}/s-{number:07d}"],
        "instruments": [f"instrument/{SOURCE}/BL{number % 40:02d}XU"],
        "contributors": [{"to": f"agent/{SOURCE}/a-{draw.randint(0, 499):04d}", "role": "creator", "order": 1}],
        "attributes": [
            {"name": "dwell time", "quantity": {"value": round(draw.uniform(0.1, 5), 2), "unit": "s"}},
            {"name": "comment", "value": _sentence(draw, 24)},
        ],
    }


BODIES = {"sample": _sample, "experiment": _experiment, "dataset": _dataset}


def write(path: Path, count: int) -> Path:
    """The records as NDJSON at `path`, made once and kept."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as out:
            for record in records(count):
                out.write(orjson.dumps(record) + b"\n")
        unfinished.rename(path)
    return path


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("path", type=Path)
    arguments.add_argument("--count", type=int, default=20_000)
    given = arguments.parse_args()
    write(given.path, given.count)
