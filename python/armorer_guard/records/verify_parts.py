"""
One long log followed by several processes, each a part of it.

Every part begins with the hash that the line before it states. When all parts are sound, and each ends with what the
next one began with, the whole is sound. As soon as anything is odd the log is followed again from its beginning by one
process, which says what it is.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import BinaryIO, cast

from armorer_guard.records.files import MAX_LINE, SEAL_CLOSE, SEAL_LEN, SEAL_OPEN, members, open_regular
from armorer_guard.records.verify_chain import Follower
from armorer_guard.records.verify_lines import Plain
from armorer_guard.records.verify_report import Anchor

_Begin = tuple[int, int, int, bytes]
"""Where a part begins: byte, lines before, position of its first record, and the hash that it continues."""


class _Window:
    """A file that ends earlier than it does."""

    def __init__(self, file: BinaryIO, end: int) -> None:
        self._file, self._end = file, end

    def seek(self, offset: int) -> int:
        return self._file.seek(offset)

    def readinto(self, buffer: memoryview) -> int:
        left = max(self._end - self._file.tell(), 0)
        return int(self._file.readinto(buffer[:left]))  # type: ignore[attr-defined]  # it is a `RawIOBase`


def submit(
    pool: Executor, path: Path, store: str, chain: str, anchors: Sequence[Anchor], plain: Plain, parts: int
) -> list[Future[Follower]] | None:
    """Let the parts of a log be followed; None when it cannot be divided."""
    try:
        size = path.lstat().st_size
        begins = [_begin(path, size * part // parts) for part in range(1, parts)]
    except OSError:
        return None
    if any(begin is None for begin in begins):
        return None
    starts = [(0, 0, 0, b""), *(begin for begin in begins if begin)]
    ends = [(start[0], start[2]) for start in starts[1:]] + [(size, 1 << 62)]
    return [
        pool.submit(
            _follow,
            path,
            store,
            chain,
            [anchor for anchor in anchors if start[2] <= anchor.seq < end[1]],
            plain,
            start,
            end[0],
        )
        for start, end in zip(starts, ends, strict=True)
    ]


def joined(parts: list[Follower]) -> Follower | None:
    """The log as one follower would have left it; None when the parts do not make a sound whole."""
    first = parts[0]
    if len(parts) == 1:
        return first
    for before, part in itertools.pairwise(parts):
        if before.prev != part.begun or before.seq != part.began_at:
            return None
        first.report.records += part.report.records
        first.report.recovered += part.report.recovered
        first.report.notes += part.report.notes
        first.blobs += part.blobs
    if any(part.report.problems or part.anchors for part in parts):
        return None
    last = parts[-1]
    first.prev, first.seq, first.report.bytes, first.report.head = (
        last.prev,
        last.seq,
        last.report.bytes,
        last.report.head,
    )
    return first


def _begin(path: Path, near: int) -> _Begin | None:
    """The first line that begins behind a byte, when the line before it is a record."""
    with open_regular(path) as file:
        start = max(near - MAX_LINE, 0)
        file.seek(start)
        held = file.read(2 * MAX_LINE)
    at = held.find(b"\n", near - start)
    line = held[:at].rpartition(b"\n")[2] if at >= 0 else b""
    found = members(line) if SEAL_LEN < len(line) < MAX_LINE else None
    seq, seal = found.get("seq") if found else None, line[-SEAL_LEN:]
    if not isinstance(seq, int) or not seal.startswith(SEAL_OPEN) or not seal.endswith(SEAL_CLOSE):
        return None
    # Lines are records and nothing else, or the parts will not fit together.
    return start + at + 1, seq + 1, seq + 1, seal[len(b',"hash":"') : -len(SEAL_CLOSE)]


def _follow(
    path: Path, store: str, chain: str, anchors: list[Anchor], plain: Plain, begin: _Begin, end: int
) -> Follower:
    offset, lines, seq, prev = begin
    follower = Follower(path, store, chain, anchors, plain=plain)
    if offset:
        follower.prev, follower.seq, follower.start = prev, seq, (lines, offset)
        follower.begun, follower.began_at = prev, seq
    try:
        with open_regular(path) as file:
            follower.follow(cast("BinaryIO", _Window(file, end)), None)
    except OSError:
        # Whoever follows the whole log says what is wrong with the file.
        follower.problem("unreadable", f"`{path.name}` cannot be read", lines, offset)
    return follower
