"""
Follows the chains of a store and names what is wrong with them.

Independent of the writer and of the models: it knows `FORMAT.md` and the standard library only. It reads any bytes and
never fails on them; a line that is no record is a verdict. It judges integrity, not meaning: whether the decisions were
right is nothing a verifier can say. Reading takes no lock, so a store may be verified while it is written.

Whoever calls may hand in what follows plain lines faster. It imports nothing of the writer either, it names no verdict,
and samples of what it followed are looked at here.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from armorer_guard.records import verify_chain
from armorer_guard.records.files import (
    JOURNAL,
    MAX_LINE,
    SEAL_LEN,
    is_run_file,
    members,
    open_regular,
    run_files,
    store_id,
)
from armorer_guard.records.verify_chain import BLOCK, Follower, genesis, record_hash
from armorer_guard.records.verify_journal import Copy, Journal, RunLines, skip_stubs
from armorer_guard.records.verify_lines import Plain, follow_plain
from armorer_guard.records.verify_report import (
    NOTES,
    VERDICTS,
    Anchor,
    ChainReport,
    Problem,
    Report,
    RootAnchor,
    VerdictKind,
    report_as_json,
)

__all__ = [
    "JOURNAL",
    "MAX_LINE",
    "NOTES",
    "SEAL_LEN",
    "VERDICTS",
    "Anchor",
    "ChainReport",
    "Problem",
    "Report",
    "RootAnchor",
    "VerdictKind",
    "genesis",
    "members",
    "open_regular",
    "record_hash",
    "report_as_json",
    "run_files",
    "store_id",
    "verify_file",
    "verify_store",
]

_WORTH_A_PROCESS = 128 << 20
"""Bytes of log from which on several processes are faster than one, their start included."""
_LONG = 64 << 20
"""Bytes of one log from which on it is followed by several processes, a part each."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def verify_file(
    path: Path,
    store: str,
    chain: str,
    *,
    anchors: Iterable[Anchor] = (),
    thorough: bool = False,
    plain: Plain = follow_plain,
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
        plain: As for `verify_store`.
        progress: Told how many bytes were read since it was last told.
    """
    return _Way(store, [*anchors], thorough, plain).follow(path, chain, progress).report


@dataclass(frozen=True)
class _Way:
    """How the chains of a store are followed."""

    store: str
    anchors: list[Anchor]
    thorough: bool
    plain: Plain

    def follow(
        self, path: Path, chain: str, progress: Callable[[int], None] | None, lines: RunLines | None = None
    ) -> Follower:
        """Follow the chain in one file, from its beginning to its end."""
        known, roots = _known(path, chain, self.anchors, lines)
        follower = Follower(path, self.store, chain, known, self.thorough, roots, self.plain)
        if lines is not None and lines.forgotten:
            skip_stubs(follower, lines)
        try:
            with open_regular(path) as file:
                follower.follow(file, progress)
        except OSError as error:
            follower.report.add(
                Problem("unreadable", chain, str(path), f"`{path.name}` cannot be read: {error.strerror or error}")
            )
        return follower


def _known(
    path: Path, chain: str, anchors: Iterable[Anchor], lines: RunLines | None
) -> tuple[list[Anchor], list[tuple[int, str]]]:
    """What is known of a chain beforehand: heads, and roots of its first so many records."""
    known = [anchor for anchor in anchors if anchor.chain == chain]
    if lines is None:
        return known, []
    heads, roots = lines.anchors(chain, _first_id(path) if lines.pruned else None)
    return known + heads, roots


def _first_id(path: Path) -> str | None:
    """Id of the first record of a log."""
    try:
        with open_regular(path) as file:
            found = members(file.read(MAX_LINE).split(b"\n", 1)[0])
    except OSError:
        return None
    return str(found.get("id")) if found else None


def _follow_all(
    files: Mapping[str, Path],
    way: _Way,
    journal: Journal,
    jobs: int,
    progress: Callable[[int], None] | None,
) -> Iterator[Follower]:
    sizes = {run: _size(path) for run, path in files.items()}
    long = {run for run, size in sizes.items() if size >= _LONG and not way.thorough and not journal.run(run).forgotten}
    if jobs < 2 or sum(sizes.values()) < _WORTH_A_PROCESS or (len(files) < 2 and not long):
        for run, path in files.items():
            yield way.follow(path, run, progress, journal.run(run))
        return
    # Imported here: it brings more modules than all the rest, and is needed for large stores only.
    from concurrent.futures import Future, ProcessPoolExecutor

    from armorer_guard.records import verify_parts

    with ProcessPoolExecutor(jobs) as pool:
        tasks: dict[str, list[Future[Follower]]] = {}
        # The longest first, so that no process is left alone with one at the end.
        for run in sorted(files, key=lambda run: -sizes[run]):
            path, lines = files[run], journal.run(run)
            parts = None
            if run in long:
                known = _known(path, run, way.anchors, lines)[0]
                parts = verify_parts.submit(pool, path, way.store, run, known, way.plain, jobs)
            tasks[run] = parts or [pool.submit(way.follow, path, run, None, lines)]
        for run, futures in tasks.items():
            for future in futures:
                future.result()
            if progress is not None:
                progress(sizes[run])
        for run, path in files.items():
            found = verify_parts.joined([future.result() for future in tasks[run]])
            yield found or way.follow(path, run, None, journal.run(run))


def verify_store(
    root: Path,
    *,
    runs: Iterable[str] | None = None,
    anchors: Iterable[Anchor | RootAnchor] = (),
    keys: Iterable[str] = (),
    thorough: bool = False,
    jobs: int = 1,
    plain: Plain = follow_plain,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """
    Follow every chain of a store, and hold journal, runs and objects against each other.

    Args:
        root: The store, usually `ARMORER_GUARD_HOME/store`.
        runs: Only these runs, with their lines in the journal.
        anchors: What records are known to be, and what roots the journal is known to have had.
        keys: Public keys (C2SP verifier keys) that checkpoints must be signed with; without any, the first key that the
            journal names is taken to be the right one.
        thorough: Read every line as JSON too, check every signature and every root.
        jobs: How many processes may share the work. More than 1 only in programs that guard their main module
            (`if __name__ == "__main__"`), as `multiprocessing` demands.
        plain: What follows plain lines, unless asked to be thorough: `armorer_guard._core.follow_plain` does it faster.
            Every 1,024th record is looked at by this module all the same.
        progress: Told how many bytes were read since it was last told.
    """
    started = time.perf_counter()
    given = list(anchors)
    heads = [anchor for anchor in given if isinstance(anchor, Anchor)]
    report = Report(store_id(root))
    copy = Copy.read(root)
    store = report.store
    if store is None:
        report.own_problems.append(
            Problem("missing", "store", str(root / "id"), "the file `id` does not hold the id of a store")
        )
        store = _claimed_store(root)
    # Runs before the journal: a run with a record is named in the journal already.
    files = run_files(root)
    begun = {run for run, path in files.items() if _size(path)}
    way = _Way(store, heads, thorough, plain)
    journal = Journal(way.follow(root / "journal.jsonl", JOURNAL, progress))
    wanted = set(files) if runs is None else set(runs)
    chosen = {run: path for run, path in files.items() if run in wanted}
    followers = list(_follow_all(chosen, way, journal, jobs, progress))
    if journal.follower.report.bytes or begun:
        report.chains.append(journal.follower.report)
    journal.verify_checkpoints(
        report, copy, [anchor for anchor in given if isinstance(anchor, RootAnchor)], keys, thorough
    )
    report.chains.extend(follower.report for follower in followers)
    _hold_against_journal(root, report, journal, begun & wanted, wanted if runs is not None else None)
    for anchor in heads:
        if anchor.chain not in files and anchor.chain != JOURNAL and (runs is None or anchor.chain in wanted):
            sentence = f"run {anchor.chain} is known to the anchor and has no file"
            report.own_problems.append(Problem("missing", anchor.chain, str(root / "runs"), sentence))
    _verify_objects(root, report, [journal.follower, *followers], runs is None, progress)
    for chain in report.chains:
        if chain.chain != JOURNAL:
            _note_end(chain, journal.run(chain.chain))
    report.elapsed_s = time.perf_counter() - started
    return report


def _note_end(chain: ChainReport, lines: RunLines) -> None:
    """Whether the journal states where a run ends, and whether its payload was erased."""
    sealed = max((seal.count for seal in lines.seals), default=0)
    chain.sealed = chain.records > 0 and any(seal.count == chain.records for seal in lines.seals)
    if chain.records and not chain.sealed:
        sentence = "nothing states where the run ends: records cut from its end show only against an anchor"
        if 0 < sealed < chain.records:
            sentence = (
                f"the journal states the first {sealed} records of the run: a cut in the rest shows only against an "
                "anchor"
            )
        chain.notes.append(Problem("unsealed_tail", chain.chain, chain.file, sentence))
    if chain.forgotten:
        sentence = f"the payload of {chain.forgotten} records was erased on purpose; their chain holds"
        chain.notes.append(Problem("pruned", chain.chain, chain.file, sentence, lines.forgotten[-1][2]))


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


def _hold_against_journal(root: Path, report: Report, journal: Journal, begun: set[str], only: set[str] | None) -> None:
    """Every run is named in the journal, and every run that is named there has its file."""
    reports = {chain.chain: chain for chain in report.chains}
    named = {run: lines for run, lines in journal.runs.items() if lines.starts and (only is None or run in only)}

    def problem(verdict: str, run: str, sentence: str, line: int | None = None, byte: int | None = None) -> None:
        report.own_problems.append(Problem(verdict, run, journal.follower.report.file, sentence, line, byte))

    for run in sorted(begun - named.keys()):
        problem("missing", run, f"run {run} is not named in the journal: its line is missing there")
    for run, lines in named.items():
        _, number, offset = lines.starts[-1]
        path = root / "runs" / f"{run}.jsonl"
        if not is_run_file(path.name):
            problem("edited", run, f"the journal names a run `{run}`, which is no id of a run", number, offset)
            continue
        found = reports.get(run)
        if found is None or not found.bytes:
            if any(chain.verdict == "unreadable" for chain in (found.problems if found else ())):
                continue
            if lines.pruned and not lines.present:
                sentence = f"run {run} was removed on purpose"
                note = Problem("pruned", run, journal.follower.report.file, sentence, lines.pruned[-1])
                report.own_notes.append(note)
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
        elif found.first_id is not None and found.first_id not in [first for first, *_ in lines.starts]:
            problem("rewritten", run, f"run {run} begins with another record than the journal names", number, offset)
        elif len(lines.present) > 1:
            problem(
                "missing",
                run,
                f"run {run} began {len(lines.present)} times: what it held before was removed, or its first writer was "
                "killed before it had answered",
                number,
                offset,
            )


def _begins_now(path: Path) -> bool:
    """Whether a writer is just about to write the first record of a run it has named."""
    for _ in range(10):
        if _size(path):
            return True
        time.sleep(verify_chain.PATIENCE_S)
    return False


def _verify_objects(
    root: Path,
    report: Report,
    followers: list[Follower],
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
                while block := file.read(BLOCK):
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
