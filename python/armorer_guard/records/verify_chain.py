"""
Follows one chain: every line continues the one before, and its bytes give its hash.

Reads any bytes and never fails on them; a line that is no record is a verdict.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from binascii import hexlify
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from armorer_guard.records.files import JOURNAL, MAX_LINE, SEAL_CLOSE, SEAL_LEN, members, open_regular
from armorer_guard.records.merkle import root_of
from armorer_guard.records.verify_lines import DECISION, DOMAIN, OUTCOME, Plain, follow_plain
from armorer_guard.records.verify_report import MOST_PROBLEMS, Anchor, ChainReport, Problem

BLOCK = 1 << 16
"""Bytes read at once: small enough to be held in a cache, and to be taken from the heap again and again."""
_SEAL = re.compile(rb',"hash":"(sha256:[0-9a-f]{64})"\}\Z')
_TOLD = frozenset({"run.start", "run.stop", "checkpoint", "key.rotate", "prune", "forget"})
"""Kinds of the journal that say something about the rest of the store."""
_SAMPLE = 1_024
"""Every so many records the wall clock is held against the time since boot."""
_CLOCK_SLACK_S = 2.0
PATIENCE_S = 0.01
"""How long a writer that may be at work is waited for, each time."""


def genesis(store: str, chain: str) -> bytes:
    """What the first record of a chain continues."""
    return b"sha256:" + hashlib.sha256(f"armorer-genesis/1\n{store}\n{chain}".encode()).hexdigest().encode()


def record_hash(prev: bytes, line: bytes) -> bytes:
    """The hash of a line (without newline) that continues *prev*."""
    return b"sha256:" + hashlib.sha256(DOMAIN + prev + line[:-SEAL_LEN]).hexdigest().encode()


def _blocks(file: BinaryIO) -> Iterator[tuple[bytes, bytes, int]]:
    """
    Whole lines with their newlines, and what stands behind the last newline at the end.

    Of a line that is longer than any record only the beginning is kept, so that memory stays bounded; the last number
    says how many bytes of the first line were left out.
    """
    buffer = bytearray(BLOCK + 2 * MAX_LINE)
    view = memoryview(buffer)
    held = left_out = waited = 0
    while True:
        count = file.readinto(view[held : held + BLOCK])  # type: ignore[attr-defined]  # it is a `RawIOBase`
        if not count:
            # A writer may be in the middle of a line: give it a moment before calling the line torn.
            if held and waited < 5:
                waited += 1
                time.sleep(PATIENCE_S)
                continue
            break
        held += count
        if end := buffer.rfind(b"\n", 0, held) + 1:
            yield bytes(view[:end]), b"", left_out
            view[: held - end] = view[end:held]
            held, left_out = held - end, 0
        if held > 2 * MAX_LINE:
            left_out += held - 2 * MAX_LINE
            held = 2 * MAX_LINE
    yield b"", bytes(view[:held]), left_out


class Follower:
    """Follows one chain. What is remembered grows with what is wrong, never with the log."""

    def __init__(
        self,
        path: Path,
        store: str,
        chain: str,
        anchors: Iterable[Anchor] = (),
        thorough: bool = False,
        roots: Iterable[tuple[int, str]] = (),
        plain: Plain = follow_plain,
    ) -> None:
        self.path = path
        self.plain = plain
        self.store = store
        self.report = ChainReport(chain, str(path))
        self.thorough = thorough or chain == JOURNAL
        self.prev = genesis(store, chain)
        self.seq = 0
        self.doubtful = -1
        """The last line that was broken: what the line after it continues is not known."""
        self.broken = 0
        """How many lines up to that one may stand in the place of a record."""
        self.anchors: dict[int, list[Anchor]] = {}
        for anchor in anchors:
            self.anchors.setdefault(anchor.seq, []).append(anchor)
        self.roots = dict(roots) if self.thorough else {}
        """Roots that are stated of the first so many records: held against the records when all are read as JSON."""
        self.hashes: list[bytes] | None = [] if self.roots or chain == JOURNAL else None
        """The 32 bytes of every record's hash, where somebody needs them."""
        self.begun, self.began_at = self.prev, 0
        """What the first record that is followed continues, and its position."""
        self.start = (0, 0)
        """Line and byte where to begin: behind the stubs of a log whose payload was erased."""
        self.last_ts = b""
        self.clock: tuple[Any, float, float, int] | None = None
        self.told: list[tuple[dict[str, Any], int, int]] = []
        """Records of the journal about runs, keys and checkpoints, with line and byte."""
        self.blobs: list[tuple[str, int, int]] = []

    def problem(self, verdict: str, sentence: str, line: int, byte: int) -> None:
        self.report.add(Problem(verdict, self.report.chain, self.report.file, sentence, line, byte, self.seq))

    def note(self, verdict: str, sentence: str, line: int, byte: int) -> None:
        if len(self.report.notes) < MOST_PROBLEMS:
            self.report.notes.append(
                Problem(verdict, self.report.chain, self.report.file, sentence, line, byte, self.seq)
            )

    def follow(self, file: BinaryIO, progress: Callable[[int], None] | None) -> ChainReport:
        """Read the whole file."""
        number, offset = self.start
        file.seek(offset)
        for block, rest, left_out in _blocks(file):
            begin, at = offset, 0
            if left_out and block:
                number += 1
                at = block.index(b"\n") + 1
                self._line(block[: at - 1], number, offset)
                offset, left_out = offset + left_out, 0
            number = self._whole_lines(block, at, number, offset)
            offset += len(block)
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

    def _whole_lines(self, block: bytes, begin: int, number: int, offset: int) -> int:
        """
        Follow the lines from a byte of a block on that begins at byte *offset*, the first behind line *number*; returns
        the number of the last.
        """
        while begin < len(block):
            begin, number = self._plain(block, begin, number)
            if begin < len(block):
                end = block.index(b"\n", begin)
                number += 1
                self._line(block[begin:end], number, offset + begin)
                begin = end + 1
        return number

    def _plain(self, block: bytes, begin: int, number: int) -> tuple[int, int]:
        """
        Follow plain lines from a byte of a block on.

        Returns:
            Where the first line begins that must be looked at more closely, or the end of the block, and how many lines
            stand before it.
        """
        if self.thorough or self.report.problems:
            # Where something is wrong the next line may state another position than it has.
            return begin, number
        most = self._next_to_look_at() - self.seq
        begin, lines, self.prev, self.last_ts = self.plain(block, begin, self.prev, self.last_ts, most)
        self.seq += lines
        self.report.records += lines
        return begin, number + lines

    def _next_to_look_at(self) -> int:
        """The next position from here on that is looked at however plain its line is."""
        return min([self.seq + -self.seq % _SAMPLE, *(seq for seq in self.anchors if seq >= self.seq)])

    def _line(self, line: bytes, number: int, offset: int) -> None:
        """
        Follow one line.

        Only what is searched from the end of a line is trusted to be a member of the record itself: no text of a call
        stands behind `kind` in canonical order, and quotes inside strings are escaped.
        """
        digest = hashlib.sha256(DOMAIN + self.prev + line[:-SEAL_LEN]).digest()
        found = b"sha256:" + hexlify(digest)
        sound = line.endswith(b',"hash":"' + found + SEAL_CLOSE) and len(line) < MAX_LINE
        stamp = line.rfind(b',"ts":"')
        place = line.rfind(b',"seq":%d,"src":' % self.seq, 0, stamp)
        if not sound or place <= 0:
            self._diagnose(line, number, offset)
            return
        ts = line[stamp + 7 : stamp + 34]
        if (
            (line[:16] != DECISION and line[line.rfind(b',"kind":"', 0, place) :][:11] != OUTCOME)
            or line.find(b'"blobs":[', 0, line.find(b'"boot":')) > 0
            or ts < self.last_ts
            or self.seq % _SAMPLE == 0
            or self.seq in self.anchors
            or self.thorough
        ):
            self._look_into(line, number, offset)
            self._hold_against_anchor(found, number, offset)
        if self.hashes is not None:
            self.hashes.append(digest)
        self.prev, self.last_ts = found, ts
        self.seq += 1
        self.report.records += 1

    def _hold_against_anchor(self, found: bytes, number: int, offset: int) -> None:
        for anchor in self.anchors.pop(self.seq, ()):
            if anchor.hash.encode("utf-8", "replace") != found:
                sentence = f"record {self.seq} is not the one that {anchor.source} knows"
                self.problem("rewritten", sentence, number, offset)

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
            self._keep_hash(stated)
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
        self._keep_hash(stated)
        self.prev, self.seq = stated, self.seq + 1
        self.report.records += 1

    def _keep_hash(self, stated: bytes) -> None:
        if self.hashes is not None:
            self.hashes.append(bytes.fromhex(stated[7:].decode()))

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
                while end > 0 and (block := file.read(min(BLOCK, end))):
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
        kind, gap = found.get("kind"), found.get("gap")
        match kind:
            case "gap" if isinstance(gap, dict) and gap.get("reason") == "shortened":
                self.problem(
                    "truncated",
                    f"records up to {gap.get('expected_seq')} had been written before line {number} and were cut off",
                    number,
                    offset,
                )
            case "gap" if isinstance(gap, dict) and isinstance(count := gap.get("count"), int):
                self.report.unrecorded += max(count, 0)
            case "recovery":
                self._recovery(found.get("recovery"), number, offset)
            case _:
                pass
        if chain == JOURNAL and kind in _TOLD:
            self.told.append((found, number, offset))
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
        for anchor in (anchor for some in self.anchors.values() for anchor in some):
            if anchor.seq >= self.seq:
                sentence = f"the log ends with record {self.seq - 1}, {anchor.source} knows record {anchor.seq}"
                self.problem("truncated", sentence, lines, offset)
        for count, stated in self.roots.items():
            if self.hashes is not None and 0 < count <= len(self.hashes):
                found = "sha256:" + root_of(self.hashes[:count]).hex()
                if found != stated:
                    sentence = f"the first {count} records have another root than the journal states"
                    self.problem("rewritten", sentence, lines, offset)
        self.report.head = self.prev.decode() if self.report.records else None
