"""What the server counts of its own work, in the text that Prometheus reads."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class Timing:
    """How long one operation took, as a histogram."""

    buckets: list[int] = field(default_factory=lambda: [0] * len(BUCKETS))
    total: float = 0.0
    count: int = 0

    def add(self, seconds: float) -> None:
        self.total += seconds
        self.count += 1
        for place, most in enumerate(BUCKETS):
            if seconds <= most:
                self.buckets[place] += 1
                break


class Metrics:
    """Counted on the event loop alone, so nothing needs a lock. Each worker process counts its own."""

    def __init__(self) -> None:
        self.started = time.time()
        self.requests: Counter[tuple[str, str, int]] = Counter()
        self.timings: defaultdict[str, Timing] = defaultdict(Timing)
        self.open = 0

    def count(self, method: str, operation: str, status: int, seconds: float) -> None:
        """One request that was answered. `operation` is one of ours, never what a client sent."""
        self.requests[method, operation, status] += 1
        self.timings[operation].add(seconds)

    def text(self, gauges: Iterable[tuple[str, str, Mapping[str, str], float]] = ()) -> str:
        """Everything counted, and `gauges` (name, meaning, labels, value) that only others know."""
        lines: list[str] = []
        told: set[str] = set()

        def say(name: str, kind: str, about: str) -> None:
            if name not in told:
                told.add(name)
                lines.extend((f"# HELP {name} {about}", f"# TYPE {name} {kind}"))

        say("musubi_start_time_seconds", "gauge", "When this process started, in seconds since 1970.")
        lines.append(f"musubi_start_time_seconds {self.started:.3f}")
        say("musubi_requests_open", "gauge", "Requests that are being answered now.")
        lines.append(f"musubi_requests_open {self.open}")
        say("musubi_requests_total", "counter", "Requests answered, by method, operation and status.")
        for (method, operation, status), count in sorted(self.requests.items()):
            labels = _labels({"method": method, "operation": operation, "status": str(status)})
            lines.append(f"musubi_requests_total{labels} {count}")
        say("musubi_request_seconds", "histogram", "How long answers took until their last byte, by operation.")
        for operation, timing in sorted(self.timings.items()):
            running = 0
            for most, count in zip(BUCKETS, timing.buckets, strict=True):
                running += count
                lines.append(
                    f"musubi_request_seconds_bucket{_labels({'operation': operation, 'le': f'{most:g}'})} {running}"
                )
            lines.append(
                f"musubi_request_seconds_bucket{_labels({'operation': operation, 'le': '+Inf'})} {timing.count}"
            )
            # In tenths: to the microsecond, everybody would have a stopwatch for telling what is hidden from what is absent.
            lines.append(f"musubi_request_seconds_sum{_labels({'operation': operation})} {timing.total:.1f}")
            lines.append(f"musubi_request_seconds_count{_labels({'operation': operation})} {timing.count}")
        for name, about, named, value in gauges:
            say(name, "gauge", about)
            lines.append(f"{name}{_labels(named)} {value:g}")
        return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
