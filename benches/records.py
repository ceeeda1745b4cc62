"""
Measures the log and the reading of a large store, and prints one table; exits 1 when a gate falls.

    python benches/records.py [RECORDS]     (1,000,000, a store of 2 GB in the directory for temporary files)

Times are of the processor, and are gated as they would be on the machine of the budgets: by the yardstick of
`benches/kernel`, measured before and after each. Beside them stand ratios inside this run (a large store against a
small one, taking in lines against reading them as JSON, many writers against one) and instruction counts, which other
load on the machine does not move.
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
APPEND_US, DECISION_US = 10, 25
"""The second is what an in-process decision that is recorded may take beyond one that is not."""
APPEND_LIMIT, DECISION_LIMIT = 98_000, 500_000
"""Instructions, as they were counted and a tenth: most are SHA-256, which valgrind does not see in hardware."""


SETTLED_S = 2.5
"""How long readers wait before they trust that a directory has not changed."""


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


def append_rows() -> Iterator[Row]:
    """Appending: what it costs, that it stays so, and what writers at the same moment cost each other."""
    for mode, name, limit, counted in (
        ("append", "append, chained, not synced", APPEND_US, APPEND_LIMIT),
        ("decisions", "append a decision, made into a record", DECISION_US, DECISION_LIMIT),
    ):
        [said] = said_by(bench(), mode, str(APPENDED))
        least = calibrated(said["min_ns"], said)
        yield Row(
            name,
            f"p50 {said['p50_ns'] / 1e3:.1f} us, p99 {said['p99_ns'] / 1e3:.1f} us; least, calibrated, {least:.1f} us",
            f"p50 {limit} us",
            least <= limit * NOISE,
        )
        flat = said["last_p50_ns"] / said["first_p50_ns"]
        yield Row(f"  the last tenth of {APPENDED:,} over the first", f"{flat:.2f}x", "flat: <= 1.5x", flat <= 1.5)
        yield instruction_row("  instructions of one", each_instruction(bench(), mode, 100, 600), counted)
    [said] = said_by(bench(), "writers", "16", "100")
    waits = calibrated(said["shared_slowest_ns"] - said["own_slowest_ns"], said) / 1e3
    more = calibrated(said["shared_p99_ns"] - said["alone_p99_ns"], said) / 1e3
    yield Row(
        "16 short-lived writers at once, one log",
        f"p99 {said['shared_p99_ns'] / 1e3:,.0f} us; a log each {said['own_p99_ns'] / 1e3:,.0f} us; "
        f"one alone {said['alone_p99_ns'] / 1e3:,.0f} us",
        "p99 <= 1 ms more",
        more <= NOISE,
    )
    yield Row("  the slowest of a round, over a log each", f"{waits * 1e3:,.0f} us more", "<= 1 ms", waits <= NOISE)
    [said] = said_by(bench(), "threads", "8", "50")
    gain = said["alone_s"] / said["many_s"]
    yield Row("synced appends of 8 threads, one log", f"{gain:.1f}x those of one thread", ">= 2x", gain >= 2)


def ingest(home: Path) -> Spent:
    """Makes the index anew."""
    store = Store.open(home)
    for path in store.root.glob("index.sqlite*"):
        path.unlink()
    with spent() as found, Index.open(store):
        pass
    return found


def parse(home: Path, records: int) -> float:
    """Seconds to read as many lines as JSON, from a sample of them."""
    store, count = Store.open(home), 0
    with spent() as found:
        for run in store.runs():
            for stored in store.lines(run):
                json.loads(stored.line)
                count += 1
            if count > SMALL:
                break
    return found.seconds * records / count


def index_rows(small: Path, large: Path, records: int) -> Iterator[Row]:
    """Making the index, and keeping up."""
    few, many = ingest(small), ingest(large)
    plain = parse(large, records)
    rate = records / many.calibrated
    yield Row(
        "index",
        f"{records / many.seconds:,.0f} records/s; {rate:,.0f} calibrated",
        ">= 50,000 records/s",
        rate * NOISE >= 50_000,
    )
    against = many.seconds / plain
    yield Row("  against json.loads", f"{against:.2f}x", "<= 1.2x", against <= 1.2)
    flat = many.seconds / records / (few.seconds / SMALL)
    yield Row(f"  per record, {records:,} over {SMALL:,}", f"{flat:.2f}x", "flat: <= 1.6x", flat <= 1.6)

    store = Store.open(large)
    log = min(store.runs().values())
    line = log.read_bytes().splitlines(keepends=True)[-1]
    with log.open("ab") as file:
        file.write(line)
    with spent() as one, Index.open(store):
        pass
    yield Row(
        "  one more record",
        f"{one.seconds * 1e3:.1f} ms",
        "<= 1/100 of all",
        one.seconds <= max(many.seconds / 100, 0.01),
    )


def middle(action: Callable[[], object], times: int = 15) -> float:
    """The median of so many tries, in seconds of the processor."""
    found = []
    for _ in range(times):
        began = time.process_time()
        action()
        found.append(time.process_time() - began)
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


def reading_rows(small: Path, large: Path) -> Iterator[Row]:
    """Lists and one record, of a small and a large store: the whole command, in a process that has its modules."""
    stick = yardstick_ns()
    for name, filters in QUERIES.items():
        pair = [middle(lambda: said("records", "list", "--home", str(home), *filters)) for home in (small, large)]  # noqa: B023
        yield _pair(f"records {name}", pair, stick)
    shown = []
    for home in (small, large):
        with Index.open(Store.open(home)) as index:
            ends = [row.id[-8:] for row in index.find(Filters(), 200)[::20]]
        shown.append(
            statistics.median(middle(lambda: said("records", "show", end, "--home", str(home)), 3) for end in ends)  # noqa: B023
        )
    yield _pair("records show ID", shown, stick)
    with tempfile.TemporaryDirectory() as name:
        many = Path(name) / "many"
        make_store(many, SMALL, 4_000)
        # The first to come makes the index, the second finds that nothing has changed.
        for _ in range(2):
            said("records", "list", "--home", str(many))
            time.sleep(SETTLED_S)
        pair = [middle(lambda: said("records", "list", "--home", str(home))) for home in (small, many)]  # noqa: B023
        yield _pair("records list, 4,000 runs over 20", pair, stick)


def _pair(name: str, pair: list[float], before: float) -> Row:
    small, large = pair
    stick = min(before, yardstick_ns())
    half = calibrated(large * 1e9, {"yardstick_ns": stick}) / 1e3
    value = f"{large * 1e3:.1f} ms ({small * 1e3:.1f} ms in the small store); {half:.1f} ms calibrated"
    return Row(name, value, "p50 <= 10 ms; <= 3x the small store", half <= 10 * NOISE and large <= 3 * small + 0.002)


def replay_rows(home: Path) -> Iterator[Row]:
    """Twenty thousand decisions, decided again."""
    from armorer_guard.records.replay import Policies, replay

    store, count, same = Store.open(home), 0, 0
    policies = Policies(store)
    with spent() as found, Index.open(store) as index:
        for row in index.find(Filters(), 20_000):
            record = index.line(row) or {}
            again = replay(record, policies.text(record["policy"]["digest"]), plain=False)
            count, same = count + 1, same + (again.divergence is None)
    seconds = found.calibrated * 20_000 / count
    yield Row(
        f"replay of {count:,} decisions",
        f"{found.seconds:.1f} s, {same:,} the same; 20,000 in {seconds:.1f} s calibrated",
        "20,000 in <= 10 s, all the same",
        same == count and seconds <= 10 * NOISE,
    )


def verify_rows(small: Path, large: Path, records: int) -> Iterator[Row]:
    """Every chain followed: by one process, against the hash function alone over the same bytes; and by a command."""
    logs = [path.read_bytes() for path in Store.open(small).runs().values()]
    counted = sum(log.count(b"\n") for log in logs)
    hashed, followed = [], []
    for _ in range(7):
        with spent() as alone:
            for log in logs:
                hashlib.sha256(log)
        with spent() as whole:
            report = verify_store(small / "store")
        assert report.verdict.name == "ok"
        hashed.append(alone.seconds)
        followed.append(whole)
    least = min(followed, key=lambda one: one.calibrated)
    yield Row(
        "verify, one process",
        f"{counted / least.seconds:,.0f} records/s; {counted / least.calibrated:,.0f} calibrated",
        "",
    )
    ratio = min(one.seconds for one in followed) / min(hashed)
    yield Row("  against SHA-256 of the same bytes", f"{ratio:.1f}x", "<= 5x", ratio <= 5)
    processes = os.cpu_count() or 1
    before = yardstick_ns()
    began, wall = _with_children(), time.perf_counter()
    assert said("records", "verify", "--home", str(large)) == 0
    wall, took = time.perf_counter() - wall, (_with_children() - began) / processes
    stick = min(before, yardstick_ns())
    rate = records / (calibrated(took * 1e9, {"yardstick_ns": stick}) / 1e6)
    yield Row(
        f"verify, the command, {counted_processes(processes)}",
        f"{records / wall:,.0f} records/s by the clock; {rate:,.0f} calibrated, by the time of each process",
        ">= 300,000 records/s",
        rate * NOISE >= 300_000,
    )


def counted_processes(count: int) -> str:
    """So many processes, in words."""
    return f"{count} process{'es' * (count != 1)}"


def _with_children() -> float:
    """Seconds of the processor of this process and of those that it has started and waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def rows(folder: Path, records: int) -> Iterator[Row]:
    """Everything, in the order in which it is measured."""
    yield from append_rows()
    small, large = folder / "small", folder / "large"
    make_store(small, SMALL, 20)
    make_store(large, records, max(records // 2_000, 1))
    yield from verify_rows(small, large, records)
    yield from index_rows(small, large, records)
    yield from reading_rows(small, large)
    yield from replay_rows(large)


def main() -> int:
    """Measure everything and print the table."""
    records = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    fell = False
    with tempfile.TemporaryDirectory() as name:
        for row in rows(Path(name), records):
            verdict = {None: "", True: "holds", False: "FALLS"}[row.holds]
            print(f"{row.name:<48}{row.measured:<72}{row.budget:<38}{verdict}", flush=True)
            fell |= row.holds is False
    return 1 if fell else 0


if __name__ == "__main__":
    sys.exit(main())
