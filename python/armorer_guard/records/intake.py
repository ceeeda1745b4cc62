"""
Takes the lines of a store's logs into its index, and keeps up with what is appended.

What many records have in common (kind, tool, effect, runtime, agent, policy, rules, actions, findings, labels) is held
once, as a *shape*; a record is a few numbers, its id and how it ended. The core reads lines as this version writes
them; every other line is read here, more slowly and with more patience, and gives the same row.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final, TypeAlias

from armorer_guard._core import index_rows
from armorer_guard.records.files import JOURNAL, MAX_LINE, SEAL_LEN, members, open_regular
from armorer_guard.records.store import Store

SCHEMA: Final = 7
ARGUMENTS: Final = "/facts/args"
ODD: Final = ("bypassed", "failed_open", "overridden")
"""What a runtime did that it should not have done."""
_RUN = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_BUSY_S = 10.0
_AT_REST_NS = 24 * 60 * 60 * 10**9
"""Whoever writes to a log that was not changed for so long touches its directory first (`FORMAT.md`)."""
_SETTLED_NS = 2 * 10**9
"""How long a directory must have been as it is for its time to tell that it has not changed since."""
_LOOK_AGAIN_NS = 60 * 60 * 10**9
"""How often every log is looked at all the same: clocks can be set."""
_BLOCK = 1 << 20
"""Bytes of a log that are taken in at once."""
_CACHE_KIB = 64 << 10
"""Memory that SQLite may take: the upper levels of every tree fit in, so that filling does not read what it wrote."""

_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;

-- One log. `size` is how much of it is indexed; `head` is the seal of the last line before that.
CREATE TABLE chain (
    n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, inode INTEGER NOT NULL, mtime INTEGER NOT NULL,
    size INTEGER NOT NULL, lines INTEGER NOT NULL, head BLOB NOT NULL, broken INTEGER NOT NULL,
    session TEXT, runtime TEXT, agent TEXT, cwd TEXT, user TEXT, began INTEGER, last INTEGER,
    allowed INTEGER NOT NULL DEFAULT 0, asked INTEGER NOT NULL DEFAULT 0, denied INTEGER NOT NULL DEFAULT 0,
    outcomes INTEGER NOT NULL DEFAULT 0, odd INTEGER NOT NULL DEFAULT 0
);

-- What records have in common. `key` is the whole of it as JSON.
CREATE TABLE shape (
    n INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, tool TEXT, effect TEXT, runtime TEXT,
    agent TEXT, policy TEXT
);
-- The parts of a shape of which there may be several: rules that decided, kinds of actions, findings, labels.
CREATE TABLE feature (kind TEXT, value TEXT, shape INTEGER, PRIMARY KEY (kind, value, shape)) WITHOUT ROWID;

-- A way in which calls ended: what the runtime did, and the result. Those that few records have and people look for
-- have negative numbers.
CREATE TABLE ending (n INTEGER PRIMARY KEY, enforced TEXT, result TEXT);

-- One record and where it stands: `at` bytes into the log of `chain`. Times are microseconds since 1970. `tail` is the
-- number that the end of its id is. For a decision, `ending` is that of the outcome that closed it, as far as one was
-- seen. `closes` is the record that it answers: the decision of an outcome, the request of an approval.
CREATE TABLE record (
    n INTEGER PRIMARY KEY, chain INTEGER NOT NULL, line INTEGER NOT NULL, at INTEGER NOT NULL, length INTEGER NOT NULL,
    shape INTEGER NOT NULL, id TEXT NOT NULL, tail INTEGER, ts INTEGER NOT NULL, ending INTEGER NOT NULL, closes TEXT
);
"""
_WIDTH: Final = 11
"""Columns of a record."""
_ROW: Final = f"({','.join('?' * _WIDTH)})"
_INSERT: Final = "INSERT INTO record VALUES "
_TOGETHER: Final = 40
"""Rows of a statement, which may have 999 values: a quarter of what a row takes is its statement's."""
SELDOM: Final = (*ODD, "ambiguous", "cancelled", "error", "timeout")
"""Ends that few records have and people look for."""
IS_SELDOM: Final = "ending < 0"
"""As a condition on a record: the one by which the index of them is found."""
_INDEXES: Final = {
    "chain_session": "chain (session)",
    "chain_end": "chain (substr(name, -8))",
    "chain_mtime": "chain (mtime)",
    "record_time": "record (ts)",
    "record_shape": "record (shape, ts, ending)",
    "record_chain": "record (chain, ts)",
    "record_id": "record (id)",
    "record_tail": "record (tail) WHERE tail IS NOT NULL",
    "record_closes": "record (closes) WHERE closes IS NOT NULL",
    "record_seldom": f"record (ts) WHERE {IS_SELDOM}",
}
"""Made after the first filling: sorting once is many times faster than keeping them sorted."""
_FEATURES: Final = ("rule", "action", "finding", "label")

_Log: TypeAlias = tuple[str, int, int, int]
"""Name, inode, time of the last change and size."""
Progress: TypeAlias = Callable[[int, int], None]
"""Told how much is done, and how much there is to do."""


def micros(timestamp: Any) -> int:
    """Microseconds since 1970 of a record's timestamp; 0 for what is none."""
    try:
        found = datetime.fromisoformat(str(timestamp).replace("Z", "+00:00"))
        delta = found - _EPOCH
    except (ValueError, TypeError, OverflowError):
        return 0
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def tail_of(identifier: str) -> int | None:
    """The number that the last eight digits of an id are: what people find a record by."""
    end = identifier[-8:]
    return int(end, 16) if len(end) == 8 and set(end) <= set("0123456789abcdef") else None


def text(value: Any) -> str | None:
    """A string that SQLite can hold: without the unpaired surrogates that JSON escapes can make."""
    if not isinstance(value, str):
        return None
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


class Intake:
    """Brings the index of a store up to date."""

    def __init__(self, store: Store, database: sqlite3.Connection, progress: Progress | None = None) -> None:
        self._store = store
        self._db = database
        self._progress = progress
        self._shapes: dict[str, int] = {}
        self._written = 0
        self._endings: dict[tuple[str | None, str | None], int] = {}
        self._open: list[tuple[int, str]] = []
        self._to_read = self._read_so_far = 0

    def refresh(self) -> None:
        """Read what was appended since the last time; read a log anew that is not the one that was read."""
        stale = self._stale()
        if not stale:
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            # Another reader may have done the work while this one waited.
            self._shapes = dict(self._db.execute("SELECT key, n FROM shape").fetchall())
            self._written, self._open = len(self._shapes), []
            endings = self._db.execute("SELECT enforced, result, n FROM ending").fetchall()
            self._endings = {(enforced, result): number for enforced, result, number in endings}
            if self._next() == 1:
                for name in _INDEXES:
                    self._db.execute(f"DROP INDEX IF EXISTS {name}")
            stale = self._stale()
            self._to_read, self._read_so_far = self._unread(stale), 0
            for name in stale:
                self._ingest(name)
            for name, columns in _INDEXES.items():
                self._db.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {columns}")
            self._close()
            if self._progress is not None:
                self._progress(self._to_read, self._to_read)
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    def _next(self) -> int:
        """Number of the record that is taken in next."""
        return int(self._db.execute("SELECT coalesce(max(n), 0) + 1 FROM record").fetchone()[0])

    def _unread(self, names: Iterable[str]) -> int:
        """Bytes of these logs that are not indexed, at most."""
        known = dict(self._db.execute("SELECT name, size FROM chain").fetchall())
        total = 0
        for name in names:
            with contextlib.suppress(OSError):
                total += max(self._store.path(name).lstat().st_size - known.get(name, 0), 0)
        return total

    def _stale(self) -> list[str]:
        """Logs that have changed since they were read, and those that are gone."""
        now, directory = time.time_ns(), self._directory_changed()
        since = self._seen_since(now, directory)
        known: set[_Log] = set(
            self._db.execute(
                "SELECT name, inode, mtime, size FROM chain WHERE mtime >= ? OR name = 'journal'", (since,)
            )
        )
        there = self._logs() if since == 0 else self._logs_named(name for name, *_ in known)
        changed = {name for name, *_ in there - known if name == JOURNAL or _RUN.fullmatch(name)}
        gone = {name for name, *_ in known - there} - {name for name, *_ in there}
        stale = sorted(changed) + sorted(gone)
        if since == 0 and not stale and now - directory > _SETTLED_NS:
            self._remember(now, directory)
        return stale

    def _seen_since(self, now: int, directory: int) -> int:
        """Logs that were last changed before this time (nanoseconds) are as they were; 0: all must be looked at."""
        seen = dict(self._db.execute("SELECT name, value FROM meta WHERE name IN ('looked', 'directory')").fetchall())
        looked = int(seen.get("looked", 0))
        if str(directory) != seen.get("directory") or not 0 <= now - looked < _LOOK_AGAIN_NS:
            return 0
        return max(looked - _AT_REST_NS - _LOOK_AGAIN_NS, 0)

    def _remember(self, now: int, directory: int) -> None:
        """That every log was looked at, and was as it is in the index."""
        rows = [("looked", str(now)), ("directory", str(directory))]
        # Where it cannot be written all are looked at again the next time.
        with contextlib.suppress(sqlite3.OperationalError):
            self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)

    def _directory_changed(self) -> int:
        try:
            return (self._store.root / "runs").stat().st_mtime_ns
        except OSError:
            return 0

    def _logs(self) -> set[_Log]:
        """Every log there may be. Of many runs this is most of the work, so that nothing else is done for each."""
        found = self._logs_named((JOURNAL,))
        with contextlib.suppress(OSError), os.scandir(self._store.root / "runs") as entries:
            for entry in entries:
                if entry.name.endswith(".jsonl"):
                    try:
                        stat = entry.stat(follow_symlinks=False)
                    except OSError:
                        continue
                    found.add((entry.name[:-6], stat.st_ino, stat.st_mtime_ns, stat.st_size))
        return found

    def _logs_named(self, names: Iterable[str]) -> set[_Log]:
        """These logs, as far as they are there."""
        found: set[_Log] = set()
        for name in names:
            with contextlib.suppress(OSError):
                stat = self._store.path(name).lstat()
                found.add((name, stat.st_ino, stat.st_mtime_ns, stat.st_size))
        return found

    def _ingest(self, name: str) -> None:
        row = self._db.execute("SELECT n, inode, size, lines, head FROM chain WHERE name = ?", (name,)).fetchone()
        try:
            found = self._store.path(name).lstat()
        except OSError:
            if row:
                self._forget(row[0])
            return
        offset, number = 0, 1
        if row and (row[1] != found.st_ino or row[2] > found.st_size or not self._still_ends(name, row[2], row[4])):
            self._forget(row[0])
            row = None
        if row:
            chain, offset, number = row[0], row[2], row[3] + 1
        else:
            chain = self._db.execute(
                "INSERT INTO chain (name, inode, mtime, size, lines, head, broken) VALUES (?, ?, 0, 0, 0, x'', 0)",
                (name, found.st_ino),
            ).lastrowid
        with contextlib.suppress(OSError):
            self._read(name, int(chain or 0), offset, number, found)

    def _still_ends(self, name: str, size: int, head: bytes) -> bool:
        """Whether the part that was read still ends as it did."""
        try:
            return self._store.read(name, size - len(head) - 1, len(head)) == head if size else True
        except (OSError, ValueError):
            return False

    def _forget(self, chain: int) -> None:
        self._db.execute("DELETE FROM record WHERE chain = ?", (chain,))
        self._db.execute("DELETE FROM chain WHERE n = ?", (chain,))

    def _read(self, name: str, chain: int, offset: int, number: int, found: os.stat_result) -> None:
        first, end, head, lines = self._next(), offset, b"", number - 1
        with open_regular(self._store.path(name)) as file:
            file.seek(offset)
            held, begins = b"", offset
            while block := file.read(_BLOCK):
                held += block
                length, count = self._take(held, first, chain, lines + 1, begins)
                if length:
                    head = held[max(length - 1 - SEAL_LEN, 0) : length - 1].rsplit(b"\n", 1)[-1]
                    first, lines, end = first + count, lines + count, begins + length
                # Of a line that is longer than any record only so much is kept as shows that.
                length = max(length, len(held) - MAX_LINE)
                begins, held = begins + length, held[length:]
                if self._progress is not None:
                    self._progress(self._read_so_far + end - offset, self._to_read + 1)
        self._read_so_far += end - offset
        if end > offset:
            self._db.execute("UPDATE chain SET size = ?, lines = ?, head = ? WHERE n = ?", (end, lines, head, chain))
        # A torn tail leaves `size` short of the file: it is looked at again, at little cost, until it is mended.
        self._db.execute("UPDATE chain SET mtime = ?, inode = ? WHERE n = ?", (found.st_mtime_ns, found.st_ino, chain))

    def _take(self, block: bytes, first: int, chain: int, line: int, at: int) -> tuple[int, int]:
        """The whole lines of a block; returns how many bytes and lines that was."""
        length, count, records, others, unsettled, counts = index_rows(
            block, first=first, chain=chain, line=line, at=at, shapes=self._shapes, ending=self._ending
        )
        patient = _Patient(self._store, self._shapes, self._ending)
        for n, number, stands, content in others:
            row = patient.row(content)
            if row is not None:
                records += (n, chain, number, stands, len(content), *row)
        self._write_shapes()
        self._write_records(records)
        self._open += unsettled + patient.closing
        began = min((time for time in (counts[5], patient.began) if time), default=None)
        last = max((time for time in (counts[6], patient.last) if time), default=None)
        self._db.execute(
            "UPDATE chain SET allowed = allowed + ?, asked = asked + ?, denied = denied + ?, outcomes = outcomes + ?, "
            "odd = odd + ?, broken = broken + ?, began = min(coalesce(began, ?), coalesce(?, began)), "
            "last = max(coalesce(last, ?), coalesce(?, last)) WHERE n = ?",
            (
                *(fast + slow for fast, slow in zip(counts[:5], patient.counts.values(), strict=True)),
                *(patient.broken, began, began, last, last, chain),
            ),
        )
        if patient.start is not None:
            self._db.execute(
                "UPDATE chain SET session = ?, runtime = ?, agent = ?, cwd = ?, user = ? WHERE n = ?",
                (*patient.start, chain),
            )
        return length, count

    def _ending(self, enforced: str | None, result: str | None) -> int:
        """The number of a way in which a call ended; a new one is written down."""
        number = self._endings.get((enforced, result))
        if number is None:
            seldom = enforced in SELDOM or result in SELDOM
            number = (len(self._endings) + 1) * (-1 if seldom else 1)
            self._endings[enforced, result] = number
            self._db.execute("INSERT INTO ending VALUES (?, ?, ?)", (number, enforced, result))
        return number

    def _write_records(self, values: list[Any]) -> None:
        """Write down rows, each value by itself: they make one list because a statement takes them so."""
        whole = len(values) - len(values) % (_WIDTH * _TOGETHER)
        for at in range(0, whole, _WIDTH * _TOGETHER):
            self._db.execute(_INSERT + ",".join([_ROW] * _TOGETHER), values[at : at + _WIDTH * _TOGETHER])
        rest = (values[at : at + _WIDTH] for at in range(whole, len(values), _WIDTH))
        self._db.executemany(_INSERT + _ROW, rest)

    def _write_shapes(self) -> None:
        """Write down the shapes that were met for the first time."""
        if len(self._shapes) == self._written:
            return
        for key, number in list(self._shapes.items())[self._written :]:
            *columns, rules, actions, findings, labels = json.loads(key)
            self._db.execute("INSERT INTO shape VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (number, key, *columns))
            features = zip(_FEATURES, (rules, actions, findings, labels), strict=True)
            self._db.executemany(
                "INSERT OR IGNORE INTO feature VALUES (?, ?, ?)",
                [(kind, value, number) for kind, values in features for value in values],
            )
        self._written = len(self._shapes)

    def _close(self) -> None:
        """Tell decisions what the outcomes say of them that stand in another block than they do."""
        decisions = "SELECT n FROM shape WHERE kind = 'decision'"
        self._db.executemany(
            f"UPDATE record INDEXED BY record_id SET ending = ? WHERE id = ? AND shape IN ({decisions})",
            self._open,
        )
        self._open = []


class _Patient:
    """Reads lines that are not as this version writes them, or that are few."""

    def __init__(self, store: Store, shapes: dict[str, int], ending: Callable[[str | None, str | None], int]) -> None:
        self._store = store
        self._shapes = shapes
        self._ending = ending
        self.counts = {"allow": 0, "ask": 0, "deny": 0, "outcomes": 0, "odd": 0}
        self.broken = 0
        self.began: int | None = None
        self.last: int | None = None
        self.start: tuple[str | None, ...] | None = None
        self.closing: list[tuple[int, str]] = []

    def row(self, line: bytes) -> tuple[Any, ...] | None:
        """The columns of a record from its shape on; what is no record is counted."""
        found = members(line)
        if found is None or not isinstance(found.get("kind"), str) or not isinstance(found.get("id"), str):
            self.broken += 1
            return None
        if "blobs" in found:
            found = self._store.whole(found, without=ARGUMENTS)[0]
        kind, identifier, ts = str(text(found["kind"])), str(text(found["id"])), micros(found.get("ts"))
        enforced = result = closes = None
        if found.get("forgotten") is True:
            # A stub of which only the chain is left: no decision that could be listed.
            kind = "forgotten"
        if kind == "outcome":
            enforced, result, closes = (text(found.get(name)) for name in ("enforced", "result", "of"))
            self.counts["outcomes"] += 1
            self.counts["odd"] += enforced in ODD
            if closes is not None:
                self.closing.append((self._ending(enforced, result), closes))
        elif kind == "approval.request":
            closes = text(found.get("decision"))
        elif kind == "approval.result":
            result, closes = text(found.get("state")), text(found.get("request"))
        elif kind == "run.start" and "first" not in found:
            agent, given = part(found, "agent"), part(found, "input")
            who = (given.get("session"), agent.get("name"), agent.get("sub"), given.get("cwd"))
            self.start = tuple(map(text, (*who, part(given, "principal").get("user"))))
        if ts:
            self.began = min(self.began or ts, ts)
            self.last = max(self.last or 0, ts)
        shape = self._shape(found, kind)
        return shape, identifier, tail_of(identifier), ts, self._ending(enforced, result), closes

    def _shape(self, found: dict[str, Any], kind: str) -> int:
        tool = text(part(found, "subject").get("tool"))
        effect = runtime = agent = policy = None
        values: tuple[list[Any], ...] = ([], [], [], [])
        if kind == "decision":
            facts, verdict = part(found, "facts"), part(found, "verdict")
            caller, subject = part(facts, "caller"), part(found, "subject")
            effect, agent = text(verdict.get("effect")), text(caller.get("agent"))
            if effect in ("allow", "ask", "deny"):
                self.counts[effect] += 1
            runtime = text(caller.get("runtime")) or text(part(found, "answer").get("to"))
            policy = text(part(found, "policy").get("digest"))
            kinds, labels = subject.get("class"), part(facts, "state").get("labels")
            values = (
                [rule.get("id") for rule in parts(verdict, "rules")],
                kinds if isinstance(kinds, list) else [],
                [finding.get("rule") for finding in parts(facts, "findings")],
                labels if isinstance(labels, list) else [],
            )
        lists = [[value for value in map(text, group) if value is not None] for group in values]
        columns = [kind, tool, effect, runtime, agent, policy, *lists]
        key = json.dumps(columns, ensure_ascii=False, separators=(",", ":"))
        return self._shapes.setdefault(key, len(self._shapes) + 1)


def part(record: dict[str, Any], name: str) -> dict[str, Any]:
    """A member that is an object; an empty one for anything else, so that hostile records are only uninteresting."""
    found = record.get(name)
    return found if isinstance(found, dict) else {}


def parts(record: dict[str, Any], name: str) -> Iterable[dict[str, Any]]:
    """A member that is an array of objects; an empty one for anything else."""
    found = record.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def connect(path: Path | None) -> sqlite3.Connection:
    """
    The database, with tables of the current schema.

    Raises:
        sqlite3.Error: It cannot be used.
    """
    if path is not None:
        # Made for its owner alone before SQLite opens it; the files beside it get the same mode.
        with contextlib.suppress(OSError):
            handle = os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0), 0o600)
            try:
                if hasattr(os, "fchmod"):
                    os.fchmod(handle, 0o600)
            finally:
                os.close(handle)
        if path.is_symlink():
            raise sqlite3.OperationalError("the index is a symbolic link")
    database = sqlite3.connect(path or ":memory:", timeout=_BUSY_S, isolation_level=None)
    try:
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA trusted_schema = OFF")
        database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        if _schema(database) != SCHEMA:
            # Once made so it stays so, and saying it again takes half as long as opening.
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("BEGIN IMMEDIATE")
            if _schema(database) != SCHEMA:
                _make(database)
            database.execute("COMMIT")
    except sqlite3.Error:
        database.close()
        raise
    return database


def _schema(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _make(database: sqlite3.Connection) -> None:
    for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        database.execute(f"DROP TABLE {json.dumps(name)}")
    for statement in _TABLES.split(";\n"):
        if statement.strip():
            database.execute(statement)
    database.execute(f"PRAGMA user_version = {SCHEMA}")


def discard(path: Path) -> None:
    """Remove a database that is none, and what lies beside it."""
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(OSError):
            path.with_name(path.name + suffix).unlink()
