"""
Measures the log and the reading of a large store, and prints one table; exits 1 when a gate falls.

    python benches/records.py [RECORDS]     (1,000,000, a store of 2 GB in the directory for temporary files)

Times are of the processor, and are gated as they would be on the machine of the budgets: by the yardstick of
`benches/kernel`, measured before and after each. Beside them stand ratios inside this run (a large store against a small
one, taking in lines against reading them as JSON, many writers against one) and instruction counts, which other load on
the machine does not move.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from run import NOISE, Row, built_bench, calibrated, each_instruction, instruction_row, said_by
from store_fixture import make_store

from armorer_guard.cli.main import main as command
from armorer_guard.records.index import Filters, Index
from armorer_guard.records.store import Store
from armorer_guard.records.verify import verify_store

SMALL = 20_000
APPENDED = 200_000
"""Records that are appended to one log, to see that the last ones cost what the first ones did."""
APPEND_LIMIT = 31_000
"""Instructions of one append: what 10 us leave room for at 3.1 GHz and one instruction a cycle."""


@cache
def bench() -> str:
    """The program that measures the log, and the machine."""
    return built_bench("records")


def yardstick_ns() -> float:
    """How long the yardstick takes on this machine now."""
    [said] = said_by(bench(), "yardstick")
    return float(said["yardstick_ns"])


@dataclass
class Spent:
    """Seconds of the processor, and what they would be on the machine of the budgets."""

    began: float = field(default_factory=time.process_time)
    seconds: float = 0.0
    calibrated: float = 0.0


@contextlib.contextmanager
def spent() -> Iterator[Spent]:
    """Measures what is done inside."""
    before = yardstick_ns()
    found = Spent()
    yield found
    found.seconds = time.process_time() - found.began
    stick = min(before, yardstick_ns())
    found.calibrated = calibrated(found.seconds * 1e9, {"yardstick_ns": stick}) / 1e6


def ingest(home: Path) -> float:
    """Seconds to make the index anew."""
    store = Store.open(home)
    for path in store.root.glob("index.sqlite*"):
        path.unlink()
    with spent() as seconds, Index.open(store):
        return seconds()


def parse(home: Path, records: int) -> float:
    """Seconds to read as many lines as JSON, from a sample of them."""
    store, count = Store.open(home), 0
    with spent() as seconds:
        for run in store.runs():
            for stored in store.lines(run):
                json.loads(stored.line)
                count += 1
            if count > SMALL:
                break
        return seconds() * records / count


def middle(action: Callable[[], object], times: int = 15) -> float:
    """The median of so many tries, in seconds of the processor."""
    found = []
    for _ in range(times):
        with spent() as seconds:
            action()
            found.append(seconds())
    return statistics.median(found)


def said(*arguments: str) -> int:
    """A command's exit code, without what it says."""
    with contextlib.redirect_stdout(io.StringIO()):
        return command(arguments)


QUERIES = {
    "list": (),
    "list --effect deny": ("--effect", "deny"),
    "list --rule": ("--rule", "destroy.system"),
    "list --action": ("--action", "net.*"),
    "list --tool": ("--tool", "mcp__*"),
    "list --run": ("--run", "s7"),
    "list --since --until": ("--since", "2026-01-01T01:00Z", "--until", "2026-01-01T02:00Z"),
    "list --outcome overridden": ("--outcome", "overridden"),
}


def reading_rows(small: Path, large: Path) -> list[Measured]:
    """Lists and one record, of a small and a large store."""
    rows = []
    for name, filters in QUERIES.items():
        pair = [middle(lambda: said("records", "list", "--home", str(home), *filters)) for home in (small, large)]  # noqa: B023
        rows.append(_pair(f"records {name}", pair))
    shown = []
    for home in (small, large):
        with Index.open(Store.open(home)) as index:
            ends = [row.id[-8:] for row in index.find(Filters(), 200)[::20]]
        shown.append(
            statistics.median(middle(lambda: said("records", "show", end, "--home", str(home)), 3) for end in ends)  # noqa: B023
        )
    return [*rows, _pair("records show ID", shown)]


def _pair(name: str, pair: list[float]) -> Measured:
    small, large = pair
    value = f"{large * 1e3:.1f} ms ({small * 1e3:.1f} ms in the small store)"
    return Measured(name, value, "p50 <= 10 ms; <= 3x the small store", large <= 3 * small + 0.002)


def replay_row(home: Path) -> Measured:
    """Twenty thousand decisions, decided again."""
    from armorer_guard.records.replay import Policies, replay

    store, count, same = Store.open(home), 0, 0
    policies = Policies(store)
    with spent() as seconds, Index.open(store) as index:
        for row in index.find(Filters(), 20_000):
            record = index.line(row) or {}
            found = replay(record, policies.text(record["policy"]["digest"]), plain=False)
            count, same = count + 1, same + (found.divergence is None)
        took = seconds()
    return Measured(
        "replay of 20,000 decisions", f"{took:.1f} s, {same:,} of {count:,} the same", "<= 10 s, all", same == count
    )


def verify_row(home: Path) -> Measured:
    """Every chain followed by one process, against the hash function alone over the same bytes."""
    logs = [path.read_bytes() for path in Store.open(home).runs().values()]
    counted, hashed, followed = sum(log.count(b"\n") for log in logs), [], []
    for _ in range(5):
        with spent() as seconds:
            for log in logs:
                hashlib.sha256(log)
            hashed.append(seconds())
        with spent() as seconds:
            report = verify_store(home / "store")
            followed.append(seconds())
        assert report.verdict.name == "ok"
    ratio = min(followed) / min(hashed)
    return Measured(
        "verify, one process",
        f"{counted / min(followed):,.0f} records/s, {ratio:.1f}x SHA-256",
        ">= 150,000 records/s; <= 8x SHA-256",
        ratio <= 8,
    )


def rows(folder: Path, records: int) -> Iterator[Measured]:
    """Everything, in the order in which it is measured."""
    small, large = folder / "small", folder / "large"
    make_store(small, SMALL, 20)
    make_store(large, records, max(records // 2_000, 1))
    few, many = ingest(small), ingest(large)
    plain = parse(large, records)
    yield Measured("index", f"{records / many:,.0f} records/s", ">= 50,000 records/s")
    yield Measured("  against json.loads", f"{many / plain:.2f}x", "<= 1.2x", many <= 1.2 * plain)
    flat = many / records / (few / SMALL)
    yield Measured(f"  per record, {records:,} over {SMALL:,}", f"{flat:.2f}x", "flat: <= 1.6x", flat <= 1.6)

    store = Store.open(large)
    log = min(store.runs().values())
    line = log.read_bytes().splitlines(keepends=True)[-1]
    with log.open("ab") as file:
        file.write(line)
    caught_up = middle(lambda: _open(store), 1)
    yield Measured(
        "  one more record", f"{caught_up * 1e3:.1f} ms", "<= 1/100 of all", caught_up <= max(many / 100, 0.01)
    )
    yield verify_row(small)
    yield from reading_rows(small, large)
    yield replay_row(large)


def _open(store: Store) -> None:
    with Index.open(store):
        pass


def main() -> int:
    """Measure everything and print the table."""
    records = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    fell = False
    with tempfile.TemporaryDirectory() as name:
        for row in rows(Path(name), records):
            verdict = {None: "", True: "holds", False: "FALLS"}[row.holds]
            print(f"{row.name:<34}{row.value:<44}{row.budget:<38}{verdict}", flush=True)
            fell |= row.holds is False
    return 1 if fell else 0


if __name__ == "__main__":
    sys.exit(main())
