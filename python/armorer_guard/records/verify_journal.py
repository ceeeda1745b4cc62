"""
What the journal says about the rest of a store: runs that began and ended, keys and checkpoints, what was taken away.

Independent of the writer, like everything that verifies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from armorer_guard.records.files import JOURNAL, MAX_LINE, SEAL_LEN, members, open_regular
from armorer_guard.records.merkle import Tree, root_of
from armorer_guard.records.signature import CheckpointText, Key, Note
from armorer_guard.records.verify_chain import Follower
from armorer_guard.records.verify_report import Anchor, Problem, Report, RootAnchor

LATEST: Final = "checkpoint"
"""The file beside the journal that holds a copy of the latest checkpoint."""


@dataclass(frozen=True)
class Seal:
    """How long a run's log was, and what it held."""

    count: int
    bytes: int
    head: str
    root: str | None
    line: int

    @classmethod
    def of(cls, found: Any, line: int) -> Seal | None:
        """The seal in a record; None when it is none."""
        if not isinstance(found, dict):
            return None
        count, size, head, root = (found.get(name) for name in ("count", "bytes", "head", "root"))
        if not (isinstance(count, int) and isinstance(size, int) and isinstance(head, str)):
            return None
        if count < 1 or not isinstance(root, str | None):
            return None
        return cls(count, size, head, root, line)


@dataclass
class RunLines:
    """What the journal says about one run, each with its line."""

    starts: list[tuple[str, int, int]] = field(default_factory=list)
    seals: list[Seal] = field(default_factory=list)
    pruned: list[int] = field(default_factory=list)
    forgotten: list[tuple[Seal, dict[str, Any], int]] = field(default_factory=list)

    @property
    def present(self) -> list[tuple[str, int, int]]:
        """Beginnings of the log that should be there now: those after the last time it was removed."""
        return [start for start in self.starts if not self.pruned or start[1] > self.pruned[-1]]

    def anchors(self, run: str, first: str | None) -> tuple[list[Anchor], list[tuple[int, str]]]:
        """What the log that begins with this record must hold: heads and roots by count."""
        after = self.pruned[-1] if self.pruned and first in {start[0] for start in self.present} else 0
        seals = [seal for seal in self.seals if seal.line > after]
        heads = [Anchor(run, seal.count - 1, seal.head, "the journal") for seal in seals]
        return heads, [(seal.count, seal.root) for seal in seals if seal.root is not None]


@dataclass(frozen=True)
class Copy:
    """The copy of the latest checkpoint beside the journal: it shows that the journal was cut."""

    path: Path
    text: str | None = None
    error: OSError | None = None

    @classmethod
    def read(cls, root: Path) -> Copy:
        """
        The copy in a store, if there is one. To be read before the journal: a writer that is at work puts the journal
        first.
        """
        path = root / LATEST
        try:
            with open_regular(path) as file:
                return cls(path, file.read(1 << 16).decode("utf-8", "replace"))
        except FileNotFoundError:
            return cls(path)
        except OSError as error:
            return cls(path, error=error)


class Journal:
    """A journal that was followed, and what it says."""

    def __init__(self, follower: Follower) -> None:
        self.follower = follower
        self.runs: dict[str, RunLines] = {}
        self.keys: list[tuple[dict[str, Any], int, int]] = []
        self.checkpoints: list[tuple[dict[str, Any], int, int, int]] = []
        for found, line, byte in follower.told:
            self._take(found, line, byte)

    def run(self, run: str) -> RunLines:
        """What it says about a run."""
        return self.runs.setdefault(run, RunLines())

    def _take(self, found: dict[str, Any], line: int, byte: int) -> None:
        run = str(found.get("run"))
        match found.get("kind"):
            case "run.start" if isinstance(first := found.get("first"), str):
                self.run(run).starts.append((first, line, byte))
            case "run.stop" if seal := Seal.of(found.get("seal"), line):
                self.run(run).seals.append(seal)
            case "checkpoint":
                if seal := Seal.of(found.get("seal"), line):
                    self.run(run).seals.append(seal)
                stated, seq = found.get("checkpoint"), found.get("seq")
                if isinstance(stated, dict) and isinstance(seq, int):
                    self.checkpoints.append((stated, seq, line, byte))
            case "key.rotate" if isinstance(key := found.get("key"), dict):
                self.keys.append((key, line, byte))
            case "prune" if isinstance(pruning := found.get("prune"), dict):
                runs = pruning.get("runs")
                for pruned in runs if isinstance(runs, list) else ():
                    if isinstance(pruned, dict):
                        self.run(str(pruned.get("run"))).pruned.append(line)
            case "forget" if isinstance(forget := found.get("forget"), dict):
                seal, stub = Seal.of(forget.get("seal"), line), forget.get("stub")
                if seal and isinstance(stub, dict):
                    self.run(run).forgotten.append((seal, stub, line))
            case _:
                pass

    # checkpoints and keys

    def verify_checkpoints(
        self, report: Report, copy: Copy, anchors: Iterable[RootAnchor], trusted: Iterable[str], thorough: bool
    ) -> None:
        """Every checkpoint states the root that the journal had, and is signed with a key that is vouched for."""
        keys = self._keys(report, set(filter(None, map(_key_id, trusted))))
        origin = f"armorer-guard/{self.follower.store}"
        roots = self._roots()
        last = len(self.checkpoints) - 1
        for index, (stated, seq, line, byte) in enumerate(self.checkpoints):
            what = f"the checkpoint in line {line}"
            note = Note.parse(str(stated.get("note")))
            text = CheckpointText.parse(note.text) if note else None
            report.checkpoints += 1
            if note is None or text is None or text.origin != origin:
                self._problem(report, "edited", f"{what} is no checkpoint of this journal", line, byte)
                continue
            if text.size > seq:
                sentence = f"{what} states {text.size} records, {seq} stand before it"
                self._problem(report, "rewritten", sentence, line, byte)
            elif roots.get(text.size) != text.root:
                self._problem(report, "rewritten", f"{what} states another root than the journal has", line, byte)
            # Each signature vouches for all that was before it, so that the last one is enough.
            if thorough or index == last:
                self._signed(report, note, keys, what, line, byte)
        self._verify_copy(report, copy, roots, keys)
        for anchor in anchors:
            if anchor.size not in roots:
                held = len(roots) - 1
                sentence = f"the journal holds {held} records, {anchor.source} knows {anchor.size}"
                self._problem(report, "truncated", sentence)
            elif roots[anchor.size] != anchor.root:
                sentence = f"the first {anchor.size} records of the journal are not those that {anchor.source} knows"
                self._problem(report, "rewritten", sentence)

    def _roots(self) -> dict[int, bytes]:
        """The root of the journal at every size that it had."""
        tree = Tree()
        roots = {0: tree.root()}
        for leaf in self.follower.hashes or ():
            tree.push(leaf)
            roots[tree.size] = tree.root()
        return roots

    def _keys(self, report: Report, trusted: set[str]) -> dict[str, Key]:
        """The keys that are vouched for: the first one by itself (or by who verifies), each other by the one before."""
        keys: dict[str, Key] = {}
        for stated, line, byte in self.keys:
            key = Key.parse(str(stated.get("public")))
            if key is None or key.id != stated.get("id"):
                self._problem(report, "edited", f"line {line} introduces a key that is none", line, byte)
                continue
            previous = keys.get(str(stated.get("previous")))
            if key.id in trusted or (stated.get("previous") is None and line == self.keys[0][1] and not trusted):
                keys[key.id] = key
            elif previous is not None:
                note = Note.parse(str(stated.get("statement")))
                if note is not None and note.text == f"{stated['public']}\n" and note.signed_by(previous):
                    keys[key.id] = key
            if key.id not in keys:
                sentence = f"nothing vouches for the key {key.id} that line {line} introduces"
                self._problem(report, "key_unknown", sentence, line, byte)
        return keys

    def _signed(self, report: Report, note: Note, keys: dict[str, Key], what: str, line: int, byte: int) -> None:
        signers = [keys[key_id] for _, key_id, _ in note.signatures if key_id in keys]
        if not signers:
            if not any(problem.verdict == "key_unknown" for problem in report.own_problems):
                sentence = f"{what} is signed with a key that nothing vouches for"
                self._problem(report, "key_unknown", sentence, line, byte)
        elif not any(note.signed_by(key) for key in signers):
            self._problem(report, "rewritten", f"{what} has a signature that its key did not make", line, byte)

    def _verify_copy(self, report: Report, copy: Copy, roots: dict[int, bytes], keys: dict[str, Key]) -> None:
        path = copy.path
        if copy.error is not None:
            sentence = f"`{LATEST}` cannot be read: {copy.error.strerror or copy.error}"
            report.own_problems.append(Problem("unreadable", JOURNAL, str(path), sentence))
        if copy.text is None or any(stated.get("note") == copy.text for stated, *_ in self.checkpoints):
            return
        note = Note.parse(copy.text)
        text = CheckpointText.parse(note.text) if note else None
        if note is None or text is None:
            report.own_problems.append(
                Problem("edited", JOURNAL, str(path), f"`{LATEST}` does not hold a checkpoint; it can be deleted")
            )
        elif not any(note.signed_by(keys[key_id]) for _, key_id, _ in note.signatures if key_id in keys):
            # Another store's, or nobody's: it says nothing about this one.
            report.own_problems.append(
                Problem("key_unknown", JOURNAL, str(path), f"`{LATEST}` is not signed with a key of this store")
            )
        elif text.size not in roots:
            sentence = f"the journal holds {len(roots) - 1} records, its latest checkpoint states {text.size}"
            self._problem(report, "truncated", sentence)
        elif roots[text.size] != text.root:
            self._problem(report, "rewritten", "the journal is not the one that its latest checkpoint states")

    def _problem(
        self, report: Report, verdict: str, sentence: str, line: int | None = None, byte: int | None = None
    ) -> None:
        report.own_problems.append(Problem(verdict, JOURNAL, self.follower.report.file, sentence, line, byte))


def _key_id(public: str) -> str | None:
    key = Key.parse(public)
    return key.id if key else None


def skip_stubs(follower: Follower, lines: RunLines) -> None:
    """
    Let a follower begin behind the stubs of an erased log, when they are those that the journal states.

    Stubs that are not are left to the follower, for which they are no records.
    """
    run = follower.report.chain
    for seal, stub, _ in reversed(lines.forgotten):
        size = stub.get("bytes")
        if not isinstance(size, int) or not 0 < size < 1 << 40:
            continue
        try:
            with open_regular(follower.path) as file:
                held = file.read(size)
        except OSError:
            return
        if "sha256:" + hashlib.sha256(held).hexdigest() != stub.get("digest"):
            continue
        hashes, first = _stub_hashes(held, run, follower.prev.decode())
        head = "sha256:" + hashes[-1].hex() if hashes else None
        if len(hashes) != seal.count or head != seal.head or "sha256:" + root_of(hashes).hex() != seal.root:
            return
        follower.prev, follower.seq = seal.head.encode(), seal.count
        follower.start = (seal.count, size)
        follower.report.records = follower.report.forgotten = seal.count
        follower.report.first_id = first
        follower.anchors = {seq: known for seq, known in follower.anchors.items() if seq >= seal.count - 1}
        for anchor in follower.anchors.pop(seal.count - 1, ()):
            if anchor.hash != seal.head:
                sentence = f"record {seal.count - 1} is not the one that {anchor.source} knows"
                follower.problem("rewritten", sentence, seal.count, size)
        follower.roots, follower.hashes = {}, None
        return


def _stub_hashes(held: bytes, run: str, prev: str) -> tuple[list[bytes], str | None]:
    """The hashes that stubs state, as far as each continues the one before; and the id of the first."""
    hashes: list[bytes] = []
    first = None
    for line in held.split(b"\n")[:-1]:
        found = members(line) if SEAL_LEN < len(line) < MAX_LINE else None
        stated = found.get("hash") if found else None
        if (
            found is None
            or found.get("forgotten") is not True
            or (found.get("run"), found.get("seq"), found.get("prev")) != (run, len(hashes), prev)
            or not isinstance(stated, str)
            or len(stated) != 71
        ):
            return [], None
        if not hashes:
            first = str(found.get("id"))
        try:
            hashes.append(bytes.fromhex(stated[7:]))
        except ValueError:
            return [], None
        prev = stated
    return hashes, first
