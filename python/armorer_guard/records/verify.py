"""
Follows the chains of a store and names what is wrong with them.

Independent of the writer and of the models: it knows `FORMAT.md` and the standard library only. It reads any bytes and
never fails on them; a line that is no record is a verdict. It judges integrity, not meaning: whether the decisions were
right is nothing a verifier can say. Reading takes no lock, so a store may be verified while it is written.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import time
from binascii import hexlify
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

DOMAIN: Final = b"armorer-record/1\n"
SEAL_OPEN: Final = b',"hash":"sha256:'
SEAL_CLOSE: Final = b'"}'
SEAL_LEN: Final = len(SEAL_OPEN) + 64 + len(SEAL_CLOSE)
MAX_LINE: Final = 64 * 1024
JOURNAL: Final = "journal"

_BLOCK = 1 << 16
"""Bytes read at once: small enough to be held in a cache, and to be taken from the heap again and again."""
_WORTH_A_PROCESS = 32 << 20
"""Bytes of log from which on several processes are faster than one, their start included."""
_RUN_FILE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.jsonl")
_SEAL = re.compile(rb',"hash":"(sha256:[0-9a-f]{64})"\}\Z')
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MOST_PROBLEMS = 50
"""Problems listed for one chain; an editor that changed every line end would else fill the screen."""
_DECISION = b'{"action_digest"'
"""How the canonical bytes of a decision begin; all other records are told apart by their kind."""
_OUTCOME = b',"kind":"ou'
_SAMPLE = 1_024
"""Every so many records the wall clock is held against the time since boot."""
_CLOCK_SLACK_S = 2.0
_PATIENCE_S = 0.01
"""How long a writer that may be at work is waited for, each time."""


@dataclass(frozen=True)
class VerdictKind:
    """A name for what was found, what it means, and the exit code for programs."""

    name: str
    exit_code: int
    meaning: str


VERDICTS: Final = {
    kind.name: kind
    for kind in (
        # Gravest first: a report is called by the gravest thing in it.
        VerdictKind("edited", 12, "the bytes of a record or object are not those that were hashed"),
        VerdictKind("rewritten", 15, "a record was replaced by another one that is sound by itself"),
        VerdictKind("forked", 14, "two records continue the same one"),
        VerdictKind("missing", 13, "records, a run or an object that are named elsewhere are not there"),
        VerdictKind("truncated", 11, "records were cut from the end of a log"),
        VerdictKind("unreadable", 18, "a file cannot be read"),
        VerdictKind("torn_tail", 10, "the last line was not finished; the next writer moves it aside"),
        VerdictKind("clock_step", 16, "the wall clock was set while records were written; their order is not in doubt"),
        VerdictKind("unsealed_tail", 17, "nothing states where the log ends; only an anchor would show a cut"),
        VerdictKind("ok", 0, "every record is there, unchanged and in order"),
    )
}
NOTES: Final = frozenset({"clock_step", "unsealed_tail"})
"""Verdicts that alone do not fail a verification, unless they are asked to."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where: file, line from 1, byte from 0."""

    verdict: str
    chain: str
    file: str
    sentence: str
    line: int | None = None
    byte: int | None = None
    seq: int | None = None


@dataclass(frozen=True)
class Anchor:
    """The hash that a record of a chain is known to have, from a place the store's owner cannot change."""

    chain: str
    seq: int
    hash: str


@dataclass
class ChainReport:
    """What one file says."""

    chain: str
    file: str
    records: int = 0
    bytes: int = 0
    head: str | None = None
    first_id: str | None = None
    sealed: bool = False
    recovered: int = 0
    problems: list[Problem] = field(default_factory=list)
    more_problems: int = 0
    notes: list[Problem] = field(default_factory=list)

    def add(self, problem: Problem) -> None:
        """Keep a problem, or count it when there are too many."""
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(problem)
        else:
            self.more_problems += 1


@dataclass
class Report:
    """What a store says."""

    store: str | None
    chains: list[ChainReport] = field(default_factory=list)
    own_problems: list[Problem] = field(default_factory=list)
    objects: int = 0
    elapsed_s: float = 0.0

    @property
    def problems(self) -> list[Problem]:
        """Everything that is wrong, store first, then chain by chain."""
        return self.own_problems + [problem for chain in self.chains for problem in chain.problems]

    @property
    def notes(self) -> list[Problem]:
        """What is worth knowing and no failure."""
        return [note for chain in self.chains for note in chain.notes]

    @property
    def records(self) -> int:
        """How many records were followed."""
        return sum(chain.records for chain in self.chains)

    @property
    def verdict(self) -> VerdictKind:
        """The gravest thing found; `ok` when nothing is wrong."""
        found = {problem.verdict for problem in self.problems}
        return next((kind for name, kind in VERDICTS.items() if name in found), VERDICTS["ok"])

    def strict_verdict(self) -> VerdictKind:
        """As `verdict`, with notes counted as failures."""
        found = {problem.verdict for problem in self.problems + self.notes}
        return next((kind for name, kind in VERDICTS.items() if name in found), VERDICTS["ok"])

    @property
    def heads(self) -> list[Anchor]:
        """The last record of each chain: what an anchor holds."""
        return [Anchor(chain.chain, chain.records - 1, chain.head) for chain in self.chains if chain.head]


def genesis(store: str, chain: str) -> bytes:
    """What the first record of a chain continues."""
    return b"sha256:" + hashlib.sha256(f"armorer-genesis/1\n{store}\n{chain}".encode()).hexdigest().encode()


def record_hash(prev: bytes, line: bytes) -> bytes:
    """The hash of a line (without newline) that continues *prev*."""
    return b"sha256:" + hashlib.sha256(DOMAIN + prev + line[:-SEAL_LEN]).hexdigest().encode()


def members(line: bytes) -> dict[str, Any] | None:
    """The members of a line, or None when it is no JSON object."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def open_regular(path: Path) -> BinaryIO:
    """
    A file for reading, never through a link and never anything but a regular file.

    Raises:
        OSError: It cannot be opened, or is something else.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(f"`{path}` is not a regular file")
    return os.fdopen(handle, "rb", buffering=0)


def _blocks(file: BinaryIO) -> Iterator[tuple[list[bytes], bytes, int]]:
    """
    Whole lines without their newlines, a block at a time, and what stands behind the last newline at the end.

    Of a line that is longer than any record only the beginning is kept, so that memory stays bounded; the number says
    how many bytes of the first line were left out.
    """
    held, left_out, waited = b"", 0, 0
    while True:
        block = file.read(_BLOCK)
        if not block:
            # A writer may be in the middle of a line: give it a moment before calling the line torn.
            if held and waited < 5:
                waited += 1
                time.sleep(_PATIENCE_S)
                continue
            break
        lines = (held + block).split(b"\n")
        held = lines.pop()
        if lines:
            yield lines, b"", left_out
            left_out = 0
        if len(held) > 2 * MAX_LINE:
            left_out += len(held) - 2 * MAX_LINE
            held = held[: 2 * MAX_LINE]
    yield [], held, left_out


class _Follower:
    """Follows one chain. What is remembered grows with what is wrong, never with the log."""

    def __init__(self, path: Path, store: str, chain: str, anchors: Iterable[Anchor], thorough: bool) -> None:
        self.path = path
        self.store = store
        self.report = ChainReport(chain, str(path))
        self.thorough = thorough or chain == JOURNAL
        self.prev = genesis(store, chain)
        self.seq = 0
        self.doubtful = -1
        """The last line that was broken: what the line after it continues is not known."""
        self.broken = 0
        """How many lines up to that one may stand in the place of a record."""
        self.anchors = {anchor.seq: anchor for anchor in anchors}
        self.last_ts = b""
        self.clock: tuple[Any, float, float, int] | None = None
        self.named: list[tuple[str, str, int, int]] = []
        self.blobs: list[tuple[str, int, int]] = []

    def problem(self, verdict: str, sentence: str, line: int, byte: int) -> None:
        self.report.add(Problem(verdict, self.report.chain, self.report.file, sentence, line, byte, self.seq))

    def note(self, verdict: str, sentence: str, line: int, byte: int) -> None:
        if len(self.report.notes) < _MOST_PROBLEMS:
            self.report.notes.append(
                Problem(verdict, self.report.chain, self.report.file, sentence, line, byte, self.seq)
            )

    def follow(self, file: BinaryIO, progress: Callable[[int], None] | None) -> ChainReport:
        """Read the whole file."""
        number, offset = 0, 0
        for lines, rest, left_out in _blocks(file):
            begin = offset
            if left_out and lines:
                offset = self._lines(lines[:1], number, offset) + left_out
                number, lines, left_out = number + 1, lines[1:], 0
            offset = self._lines(lines, number, offset)
            number += len(lines)
            if rest:
                length = len(rest) + left_out
                self.problem("torn_tail", f"the last {length} bytes are no whole line", number + 1, offset)
                offset += len(rest)
            offset += left_out
            if progress is not None:
                progress(offset - begin)
        self.report.bytes = offset
        self._end(number, offset)
        return self.report

    def _lines(self, lines: list[bytes], number: int, offset: int) -> int:
        """
        Follow some lines; the common case, a record that continues the one before, takes few steps.

        Only what is searched from the end of a line is trusted to be a member of the record itself: no text of a call
        stands behind `kind` in canonical order, and quotes inside strings are escaped.
        """
        fresh = hashlib.sha256(DOMAIN).copy
        prev, seq, last_ts = self.prev, self.seq, self.last_ts
        always, anchors = self.thorough, self.anchors
        for line in lines:
            number += 1
            hasher = fresh()
            hasher.update(prev + line[:-SEAL_LEN])
            digest = hexlify(hasher.digest())
            stamp = line.rfind(b',"ts":"')
            place = line.rfind(b',"seq":%d,"src":' % seq, 0, stamp)
            if place > 0 and line[-SEAL_LEN:] == SEAL_OPEN + digest + SEAL_CLOSE and len(line) < MAX_LINE:
                ts = line[stamp + 7 : stamp + 34]
                prev = b"sha256:" + digest
                if (
                    (line[:16] != _DECISION and line[line.rfind(b',"kind":"', 0, place) :][:11] != _OUTCOME)
                    or line.find(b'"blobs":[', 0, line.find(b'"boot":')) > 0
                    or ts < last_ts
                    or seq % _SAMPLE == 0
                    or seq in anchors
                    or always
                ):
                    self.seq = seq
                    self._look_into(line, number, offset)
                    self._hold_against_anchor(prev, number, offset)
                seq += 1
                self.report.records += 1
                last_ts = ts
            else:
                self.prev, self.seq = prev, seq
                self._diagnose(line, number, offset)
                prev, seq = self.prev, self.seq
            offset += len(line) + 1
        self.prev, self.seq, self.last_ts = prev, seq, last_ts
        return offset

    def _hold_against_anchor(self, found: bytes, number: int, offset: int) -> None:
        anchor = self.anchors.pop(self.seq, None)
        if anchor is not None and anchor.hash.encode() != found:
            self.problem("rewritten", f"record {self.seq} is not the one that the anchor knows", number, offset)

    def _diagnose(self, line: bytes, number: int, offset: int) -> None:
        """Say what is wrong with a line, and find the way back into the chain."""
        in_doubt = self.doubtful == number - 1
        broken = self.broken if in_doubt else 0
        expected = self.seq
        seal = _SEAL.search(line[-SEAL_LEN:])
        found = members(line) if len(line) < MAX_LINE else None
        if seal is None or found is None:
            what = "is empty" if not line else "is longer than any record" if len(line) >= MAX_LINE else "is no record"
            where = f"line {number} {what}; record {expected + broken} should stand here"
            self.problem("edited", where, number, offset)
            # It may have been put in, or stand in the place of a record: the next line shows.
            self.broken, self.doubtful = broken + 1, number
            return
        stated, prev, seq = seal[1], found.get("prev"), found.get("seq")
        sound = isinstance(prev, str) and record_hash(prev.encode("utf-8", "replace"), line) == stated
        if not isinstance(seq, int) or isinstance(seq, bool) or not isinstance(prev, str) or not sound:
            self.seq += broken
            self.problem("edited", f"record {self.seq} was changed: its bytes do not give its hash", number, offset)
            if self.report.chain == JOURNAL:
                self._look_into(line, number, offset)
            # What follows continues the hash that was stated before the change, most likely.
            self.prev, self.seq, self.broken, self.doubtful = stated, self.seq + 1, 0, number
            self.report.records += 1
            return
        follows = prev.encode() == self.prev
        latest = expected + broken
        if seq > latest:
            which = f"record {latest} is" if seq == latest + 1 else f"records {latest} to {seq - 1} are"
            self.problem("missing", f"{which} missing before line {number}", number, offset)
        elif follows and seq != expected:
            self.problem("edited", f"a record states position {seq}, {expected} is expected", number, offset)
        elif seq < expected:
            self._fork(prev, seq, stated, number, offset)
        elif not follows and not in_doubt:
            of = f"record {expected - 1} was replaced" if expected else "the log begins with a record of another chain"
            self.problem("rewritten", f"{of}: what follows continues another one", number, offset)
        self.seq = max(seq, 0)
        self._look_into(line, number, offset)
        self._hold_against_anchor(stated, number, offset)
        self.prev, self.seq = stated, self.seq + 1
        self.report.records += 1

    def _fork(self, prev: str, seq: int, stated: bytes, number: int, offset: int) -> None:
        if self._stands_before(b',"hash":"' + stated + b'"}\n', offset):
            self.problem("forked", f"record {seq} stands here a second time", number, offset)
        elif seq == 0 or self._stands_before(b',"hash":"' + prev.encode() + b'"}\n', offset):
            self.problem("forked", f"a second record {seq} continues the same record", number, offset)
        else:
            self.problem("rewritten", f"record {seq} stands here and continues a record that is not", number, offset)

    def _stands_before(self, needle: bytes, end: int) -> bool:
        """Whether some bytes stand in the file before *end*. Asked only of what is wrong."""
        try:
            with open_regular(self.path) as file:
                held = b""
                while end > 0 and (block := file.read(min(_BLOCK, end))):
                    end -= len(block)
                    if needle in held + block:
                        return True
                    held = block[-len(needle) :]
        except OSError:
            pass
        return False

    def _look_into(self, line: bytes, number: int, offset: int) -> None:
        """What few lines must be read for: what the writer says about the log, objects, clocks, runs in the journal."""
        found = members(line)
        if found is None:
            self.problem("edited", f"record {self.seq} is no JSON object although its hash is right", number, offset)
            return
        if self.seq == 0 and isinstance(found.get("id"), str):
            self.report.first_id = found["id"]
        self._read_clock(found, number, offset)
        chain = self.report.chain
        if found.get("store") != self.store or (chain != JOURNAL and found.get("run") != chain):
            self.problem("rewritten", f"record {self.seq} belongs to another store or run", number, offset)
        kind = found.get("kind")
        match kind:
            case "gap" if isinstance(gap := found.get("gap"), dict) and gap.get("reason") == "shortened":
                self.problem(
                    "truncated",
                    f"records up to {gap.get('expected_seq')} had been written before line {number} and were cut off",
                    number,
                    offset,
                )
            case "recovery":
                self._recovery(found.get("recovery"), number, offset)
            case "run.stop":
                self.report.sealed = True
            case "run.start" if chain == JOURNAL:
                run, first = found.get("run"), found.get("first")
                if isinstance(run, str) and isinstance(first, str):
                    self.named.append((run, first, number, offset))
            case _:
                pass
        self._remember_blobs(found, number, offset)

    def _recovery(self, recovered: Any, number: int, offset: int) -> None:
        self.report.recovered += 1
        if isinstance(recovered, dict) and recovered.get("reason") == "unreadable":
            self.problem(
                "edited",
                f"whole lines that were no records stood before line {number}; the writer moved them to "
                f"`recovery/{recovered.get('moved_to')}`",
                number,
                offset,
            )

    def _remember_blobs(self, found: dict[str, Any], number: int, offset: int) -> None:
        pointers = found.get("blobs")
        for pointer in sorted(map(str, pointers), key=len) if isinstance(pointers, list) else ():
            value: Any = found
            for part in pointer.split("/")[1:]:
                if isinstance(value, dict) and "$blob" in value:
                    # What holds this member was moved to an object as well.
                    value = self._object(value["$blob"])
                value = value.get(part) if isinstance(value, dict) else None
            digest = value.get("$blob") if isinstance(value, dict) else None
            if isinstance(digest, str):
                self.blobs.append((digest, number, offset))

    def _object(self, digest: object) -> Any:
        name = str(digest).removeprefix("sha256:")
        root = self.path.parent if self.report.chain == JOURNAL else self.path.parent.parent
        try:
            with open_regular(root / "objects" / name[:2] / name) as file:
                return json.loads(file.read())
        except (OSError, ValueError, RecursionError):
            return None

    def _read_clock(self, found: dict[str, Any], number: int, offset: int) -> None:
        try:
            wall = datetime.fromisoformat(str(found["ts"]).replace("Z", "+00:00")).timestamp()
            mono = int(found["mono"]) / 1e9
        except (KeyError, TypeError, ValueError, OverflowError):
            return
        if self.clock is not None:
            boot, wall_before, mono_before, since = self.clock
            same_boot = boot == found.get("boot")
            passed = mono - mono_before if same_boot else max(wall - wall_before, 0.0)
            step = wall - wall_before - passed
            if abs(step) > _CLOCK_SLACK_S + 0.001 * abs(passed) or wall < wall_before:
                self.note(
                    "clock_step",
                    f"the wall clock was set {'back' if step < 0 else 'forward'} by {abs(step):.1f} s between records "
                    f"{since} and {self.seq}",
                    number,
                    offset,
                )
        self.clock = (found.get("boot"), wall, mono, self.seq)

    def _end(self, lines: int, offset: int) -> None:
        for anchor in self.anchors.values():
            if anchor.seq >= self.seq:
                self.problem(
                    "truncated",
                    f"the log ends with record {self.seq - 1}, the anchor knows record {anchor.seq}",
                    lines,
                    offset,
                )
        self.report.head = self.prev.decode() if self.report.records else None


def verify_file(
    path: Path,
    store: str,
    chain: str,
    *,
    anchors: Iterable[Anchor] = (),
    thorough: bool = False,
    progress: Callable[[int], None] | None = None,
) -> ChainReport:
    """
    Follow the chain in one file.

    Args:
        path: The file.
        store: Id of the store it belongs to.
        chain: Id of the run, or `journal`.
        anchors: What records are known to be.
        thorough: Read every line as JSON too, and hold its members against the chain.
        progress: Told how many bytes were read since it was last told.
    """
    return _followed(path, store, chain, anchors, thorough, progress).report


def _followed(
    path: Path,
    store: str,
    chain: str,
    anchors: Iterable[Anchor],
    thorough: bool,
    progress: Callable[[int], None] | None,
) -> _Follower:
    follower = _Follower(path, store, chain, [anchor for anchor in anchors if anchor.chain == chain], thorough)
    try:
        with open_regular(path) as file:
            follower.follow(file, progress)
    except OSError as error:
        follower.report.add(
            Problem("unreadable", chain, str(path), f"`{path.name}` cannot be read: {error.strerror or error}")
        )
    return follower


def _follow_all(
    files: Mapping[str, Path],
    store: str,
    anchors: list[Anchor],
    thorough: bool,
    jobs: int,
    progress: Callable[[int], None] | None,
) -> Iterator[_Follower]:
    sizes = {run: _size(path) for run, path in files.items()}
    jobs = min(jobs, len(files))
    if jobs < 2 or sum(sizes.values()) < _WORTH_A_PROCESS:
        for run, path in files.items():
            yield _followed(path, store, run, anchors, thorough, progress)
        return
    # Imported here: it brings more modules than all the rest, and is needed for large stores only.
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(jobs) as pool:
        # The longest first, so that no process is left alone with one at the end.
        order = sorted(files, key=lambda run: -sizes[run])
        tasks = {run: pool.submit(_followed, files[run], store, run, anchors, thorough, None) for run in order}
        for run, task in tasks.items():
            task.result()
            if progress is not None:
                progress(sizes[run])
        yield from (tasks[run].result() for run in files)


def run_files(root: Path) -> dict[str, Path]:
    """The log of every run below a store's root, by run id, sorted."""
    try:
        entries = sorted((root / "runs").iterdir())
    except OSError:
        return {}
    return {path.name[:-6]: path for path in entries if _RUN_FILE.fullmatch(path.name)}


def store_id(root: Path) -> str | None:
    """The id a store states, or None when it states none."""
    try:
        with open_regular(root / "id") as file:
            text = file.read(34)
    except OSError:
        return None
    found = re.fullmatch(rb"([0-9a-f]{32})\n", text)
    return found[1].decode() if found else None


def verify_store(
    root: Path,
    *,
    runs: Iterable[str] | None = None,
    anchors: Iterable[Anchor] = (),
    thorough: bool = False,
    jobs: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """
    Follow every chain of a store, and hold journal, runs and objects against each other.

    Args:
        root: The store, usually `ARMORER_GUARD_HOME/store`.
        runs: Only these runs, with their lines in the journal.
        anchors: What records are known to be.
        thorough: Read every line as JSON too.
        jobs: How many processes may share the work. More than 1 only in programs that guard their main module
            (`if __name__ == "__main__"`), as `multiprocessing` demands.
        progress: Told how many bytes were read since it was last told.
    """
    started = time.perf_counter()
    anchors = list(anchors)
    report = Report(store_id(root))
    store = report.store
    if store is None:
        report.own_problems.append(
            Problem("missing", "store", str(root / "id"), "the file `id` does not hold the id of a store")
        )
        store = _claimed_store(root)
    # Runs before the journal: a run with a record is named in the journal already.
    files = run_files(root)
    begun = {run for run, path in files.items() if _size(path)}
    journal = _followed(root / "journal.jsonl", store, JOURNAL, anchors, thorough, progress)
    wanted = set(files) if runs is None else set(runs)
    chosen = {run: path for run, path in files.items() if run in wanted}
    followers = list(_follow_all(chosen, store, anchors, thorough, jobs, progress))
    if journal.report.bytes or begun:
        report.chains.append(journal.report)
    report.chains.extend(follower.report for follower in followers)
    _hold_against_journal(root, report, journal, begun & wanted, wanted if runs is not None else None)
    for anchor in anchors:
        if anchor.chain not in files and anchor.chain != JOURNAL and (runs is None or anchor.chain in wanted):
            sentence = f"run {anchor.chain} is known to the anchor and has no file"
            report.own_problems.append(Problem("missing", anchor.chain, str(root / "runs"), sentence))
    _verify_objects(root, report, [journal, *followers], runs is None, progress)
    for chain in report.chains:
        if chain.chain != JOURNAL and not chain.sealed and chain.records:
            sentence = "nothing states where the run ends: records cut from its end show only against an anchor"
            chain.notes.append(Problem("unsealed_tail", chain.chain, chain.file, sentence))
    report.elapsed_s = time.perf_counter() - started
    return report


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _claimed_store(root: Path) -> str:
    """The store id that the first record states, when the store itself states none."""
    try:
        with open_regular(root / "journal.jsonl") as file:
            found = members(file.read(MAX_LINE).split(b"\n", 1)[0]) or {}
    except OSError:
        found = {}
    return str(found.get("store", ""))


def _hold_against_journal(
    root: Path, report: Report, journal: _Follower, begun: set[str], only: set[str] | None
) -> None:
    """Every run is named in the journal, and every run that is named there has its file."""
    reports = {chain.chain: chain for chain in report.chains}
    named: dict[str, list[tuple[str, int, int]]] = {}
    for run, first, number, offset in journal.named:
        if only is None or run in only:
            named.setdefault(run, []).append((first, number, offset))

    def problem(verdict: str, run: str, sentence: str, line: int | None = None, byte: int | None = None) -> None:
        report.own_problems.append(Problem(verdict, run, journal.report.file, sentence, line, byte))

    for run in sorted(begun - named.keys()):
        problem("missing", run, f"run {run} is not named in the journal: its line is missing there")
    for run, lines in named.items():
        first, number, offset = lines[-1]
        path = root / "runs" / f"{run}.jsonl"
        if not _RUN_FILE.fullmatch(path.name):
            problem("edited", run, f"the journal names a run `{run}`, which is no id of a run", number, offset)
            continue
        found = reports.get(run)
        if found is None or not found.bytes:
            if any(chain.verdict == "unreadable" for chain in (found.problems if found else ())):
                continue
            if _begins_now(path):
                continue
            what = "has no file" if not path.exists() else "holds no record"
            problem(
                "missing",
                run,
                f"run {run} is named in the journal and {what}: it was removed, or its first writer was killed before "
                "it had answered",
                number,
                offset,
            )
        elif found.first_id is not None and found.first_id not in [first for first, *_ in lines]:
            problem("rewritten", run, f"run {run} begins with another record than the journal names", number, offset)
        elif len(lines) > 1:
            problem(
                "missing",
                run,
                f"run {run} began {len(lines)} times: what it held before was removed, or its first writer was killed "
                "before it had answered",
                number,
                offset,
            )


def _begins_now(path: Path) -> bool:
    """Whether a writer is just about to write the first record of a run it has named."""
    for _ in range(10):
        if _size(path):
            return True
        time.sleep(_PATIENCE_S)
    return False


def _verify_objects(
    root: Path,
    report: Report,
    followers: list[_Follower],
    every: bool,
    progress: Callable[[int], None] | None,
) -> None:
    """Objects hold what their names say, and those that records name are there."""
    for follower in followers:
        for digest, number, offset in follower.blobs:
            name = digest.removeprefix("sha256:")
            if not _DIGEST.fullmatch(digest) or not (root / "objects" / name[:2] / name).is_file():
                follower.report.add(
                    Problem(
                        "missing",
                        follower.report.chain,
                        follower.report.file,
                        f"the object {digest} that line {number} names is not there",
                        number,
                        offset,
                    )
                )
    if not every:
        return
    for path in sorted((root / "objects").glob("??/*")):
        if not re.fullmatch(r"[0-9a-f]{64}", path.name):
            continue
        hasher = hashlib.sha256()
        try:
            with open_regular(path) as file:
                while block := file.read(_BLOCK):
                    hasher.update(block)
                    if progress is not None:
                        progress(len(block))
        except OSError as error:
            sentence = f"an object cannot be read: {error.strerror or error}"
            report.own_problems.append(Problem("unreadable", "objects", str(path), sentence))
            continue
        report.objects += 1
        if hasher.hexdigest() != path.name or path.parent.name != path.name[:2]:
            sentence = "an object does not hold the bytes its name says"
            report.own_problems.append(Problem("edited", "objects", str(path), sentence))


def report_as_json(report: Report) -> Mapping[str, Any]:
    """A report for programs."""
    verdict = report.verdict

    def listed(problem: Problem) -> dict[str, Any]:
        return {name: getattr(problem, name) for name in Problem.__dataclass_fields__}

    return {
        "verdict": verdict.name,
        "meaning": verdict.meaning,
        "exit_code": verdict.exit_code,
        "store": report.store,
        "records": report.records,
        "objects": report.objects,
        "elapsed_s": round(report.elapsed_s, 6),
        "problems": [listed(problem) for problem in report.problems],
        "more_problems": sum(chain.more_problems for chain in report.chains),
        "notes": [listed(note) for note in report.notes],
        "chains": [
            {
                "chain": chain.chain,
                "file": chain.file,
                "records": chain.records,
                "bytes": chain.bytes,
                "head": chain.head,
                "recovered": chain.recovered,
                "verdict": next((n for n in VERDICTS if n in {p.verdict for p in chain.problems}), "ok"),
            }
            for chain in report.chains
        ],
    }
