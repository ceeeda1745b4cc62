"""
An index of a store, for lists and queries: derived, rebuilt when it is missing or stale, never authoritative.

It lies beside the logs (`index.sqlite`, for its owner alone) and is written by readers only, never by the guard. It
holds what records are looked up by and where their lines stand; what a person is shown is read from the lines. Where
it cannot be written it is made in memory. It does not verify: a line that is no record is counted and passed over.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final, TypeAlias

from armorer_guard.records.store import Store
from armorer_guard.records.verify import JOURNAL, SEAL_LEN, members

SCHEMA: Final = "3"
ARGUMENTS: Final = "/facts/args"
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_BATCH = 20_000
_BUSY_S = 10.0
_MUCH = 4 << 20
"""Bytes of a log from which on a faster parser is worth its import."""

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

-- One record and where it stands: `at` bytes into the log of `chain`. Times are microseconds since 1970.
-- For a decision, `enforced` and `result` are those of the outcome that closed it, as far as one was seen.
CREATE TABLE record (
    n INTEGER PRIMARY KEY, chain INTEGER NOT NULL, line INTEGER NOT NULL, at INTEGER NOT NULL, length INTEGER NOT NULL,
    kind TEXT NOT NULL, id TEXT NOT NULL, ts INTEGER NOT NULL, tool TEXT, effect TEXT, runtime TEXT, agent TEXT,
    enforced TEXT, result TEXT, closes TEXT, policy INTEGER
);
-- What a record can be found by: rules that decided, kinds of actions, findings, and ends that call for attention.
CREATE TABLE term (n INTEGER PRIMARY KEY, kind TEXT NOT NULL, value TEXT NOT NULL, UNIQUE (kind, value));
CREATE TABLE posting (term INTEGER, ts INTEGER, record INTEGER, PRIMARY KEY (term, ts, record)) WITHOUT ROWID;
"""

Progress: TypeAlias = Callable[[int, int], None]
"""Told how much is done, and how much there is to do."""

_INDEXES: Final = {
    "record_id": "record (id)",
    "record_kind": "record (kind, ts)",
    "record_chain": "record (chain, kind, ts)",
    "record_closes": "record (closes) WHERE closes IS NOT NULL",
}
"""Made after the first filling: sorting once is many times faster than keeping them sorted."""


@dataclass(frozen=True)
class Filters:
    """What records must be like. Times are microseconds since 1970; `None` is no condition."""

    record_kind: str | None = "decision"
    run: str | None = None
    since: int | None = None
    until: int | None = None
    tool: str | None = None
    agent: str | None = None
    effect: str | None = None
    outcome: str | None = None
    action: str | None = None
    rule: str | None = None
    finding: str | None = None
    after: int | None = None
    """Only records that were indexed after this one (`Row.n`)."""


@dataclass(frozen=True)
class Row:
    """A record in the index."""

    n: int
    chain: str
    line: int
    at: int
    length: int
    kind: str
    id: str
    ts: int
    tool: str | None
    effect: str | None
    runtime: str | None
    agent: str | None
    enforced: str | None
    result: str | None


@dataclass(frozen=True)
class Run:
    """A run in the index."""

    name: str
    session: str | None
    runtime: str | None
    agent: str | None
    cwd: str | None
    user: str | None
    began: int | None
    last: int | None
    lines: int
    allowed: int
    asked: int
    denied: int
    outcomes: int
    odd: int
    broken: int


@dataclass(frozen=True)
class RuleUse:
    """How often a rule decided, and what became of it. Counts are of decisions."""

    rule: str
    allowed: int
    asked: int
    denied: int
    enforced: int
    overridden: int
    open: int
    last: int


def micros(timestamp: Any) -> int:
    """Microseconds since 1970 of a record's timestamp; 0 for what is none."""
    try:
        found = datetime.fromisoformat(str(timestamp).replace("Z", "+00:00"))
        delta = found - _EPOCH
    except (ValueError, TypeError, OverflowError):
        return 0
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


class Index:
    """The index of one store, brought up to date when it is opened."""

    def __init__(self, store: Store, database: sqlite3.Connection, progress: Progress | None = None) -> None:
        self.store = store
        self._progress = progress
        self._db = database
        self._terms: dict[tuple[str, str], int] = {}
        self._to_read = self._read_so_far = 0

    @classmethod
    @contextlib.contextmanager
    def open(cls, store: Store, progress: Progress | None = None) -> Iterator[Index]:
        """
        Open the index of a store, making or mending it as needed.

        Args:
            store: The store.
            progress: Told how many bytes of logs were read, and how many there are to read.

        Raises:
            OSError: The store cannot be read.
        """
        path = store.root / "index.sqlite"
        for attempt in range(2):
            database: sqlite3.Connection | None = None
            try:
                database = _connect(path)
                index = cls(store, database, progress)
                index.refresh()
            except sqlite3.Error as error:
                if database is not None:
                    database.close()
                if attempt == 0 and not isinstance(error, sqlite3.OperationalError):
                    _discard(path)
                    continue
                # Read-only, locked or broken beyond removal: the logs can be read all the same.
                database = _connect(None)
                index = cls(store, database, progress)
                index.refresh()
            try:
                yield index
            finally:
                database.close()
            return

    # -- keeping up with the logs

    def refresh(self) -> None:
        """Read what was appended since the last time; read a log anew that is not the one that was read."""
        paths = {**self.store.runs(), JOURNAL: self.store.path(JOURNAL)}
        stale = self._stale(paths)
        if not stale:
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            # Another reader may have done the work while this one waited.
            self._terms = {(kind, value): n for n, kind, value in self._db.execute("SELECT n, kind, value FROM term")}
            newest = self.newest()
            if newest == 0:
                for name in _INDEXES:
                    self._db.execute(f"DROP INDEX IF EXISTS {name}")
            stale = self._stale(paths)
            self._to_read, self._read_so_far = self._unread(stale), 0
            for name in stale:
                self._ingest(name, paths.get(name))
            if self._progress is not None:
                self._progress(self._to_read, self._to_read)
            for name, columns in _INDEXES.items():
                self._db.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {columns}")
            self._close(newest)
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    def _unread(self, names: Iterable[str]) -> int:
        """Bytes of these logs that are not indexed, at most."""
        known = dict(self._db.execute("SELECT name, size FROM chain").fetchall())
        total = 0
        for name in names:
            with contextlib.suppress(OSError):
                total += max(self.store.path(name).lstat().st_size - known.get(name, 0), 0)
        return total

    def _close(self, newest: int) -> None:
        """Tell decisions what outcomes say of them that are newer than this record."""
        chosen = "SELECT n, enforced, result, closes FROM record WHERE closes IS NOT NULL AND n > ? ORDER BY n LIMIT ?"
        close = "UPDATE record SET enforced = ?, result = ? WHERE id = ? AND kind = 'decision'"
        while found := self._db.execute(chosen, (newest, _BATCH)).fetchall():
            self._db.executemany(close, [row[1:] for row in found])
            newest = found[-1][0]

    def _stale(self, paths: dict[str, Path]) -> list[str]:
        """Logs that have changed since they were read, and those that are gone."""
        known = {
            name: (inode, mtime, size)
            for name, inode, mtime, size in self._db.execute("SELECT name, inode, mtime, size FROM chain")
        }
        stale = []
        for name, path in paths.items():
            try:
                found = path.lstat()
            except OSError:
                continue
            if known.pop(name, None) != (found.st_ino, found.st_mtime_ns, found.st_size):
                stale.append(name)
        return stale + list(known)

    def _ingest(self, name: str, path: Path | None) -> None:
        row = self._db.execute("SELECT n, inode, size, lines, head FROM chain WHERE name = ?", (name,)).fetchone()
        try:
            found = path.lstat() if path else None
        except OSError:
            found = None
        if found is None or path is None:
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
            return self.store.read(name, size - len(head) - 1, len(head)) == head if size else True
        except (OSError, ValueError):
            return False

    def _forget(self, chain: int) -> None:
        records = "SELECT n FROM record WHERE chain = ?"
        self._db.execute(f"DELETE FROM posting WHERE record IN ({records})", (chain,))
        self._db.execute("DELETE FROM record WHERE chain = ?", (chain,))
        self._db.execute("DELETE FROM chain WHERE n = ?", (chain,))

    def _read(self, name: str, chain: int, offset: int, number: int, found: os.stat_result) -> None:
        intake = _Intake(self._db, self._terms, chain, _parser(self.store, found.st_size - offset))
        end, head, lines = offset, b"", number - 1
        for stored in self.store.lines(name, offset, number):
            end, head, lines = stored.offset + len(stored.line) + 1, stored.line[-SEAL_LEN:], stored.number
            intake.take(stored.line, stored.number, stored.offset)
            if self._progress is not None and stored.number % 1_024 == 0:
                self._progress(self._read_so_far + end - offset, self._to_read)
        intake.flush()
        self._read_so_far += end - offset
        if end > offset:
            self._db.execute("UPDATE chain SET size = ?, lines = ?, head = ? WHERE n = ?", (end, lines, head, chain))
        # A torn tail leaves `size` short of the file: it is looked at again, at little cost, until it is mended.
        self._db.execute("UPDATE chain SET mtime = ?, inode = ? WHERE n = ?", (found.st_mtime_ns, found.st_ino, chain))

    # -- asking

    def find(self, filters: Filters, limit: int = -1, oldest_first: bool = False) -> list[Row]:
        """
        Records of runs that are like this, newest first. (The journal only names runs.)

        Args:
            filters: What they must be like.
            limit: How many at most; negative: all.
            oldest_first: The other way round.
        """
        source = "record r"
        conditions: list[str] = ["c.name <> 'journal'"]
        values: list[str | int] = []
        terms = [("action", filters.action), ("rule", filters.rule), ("finding", filters.finding)]
        wanted = [(kind, value) for kind, value in terms if value is not None]
        time = "r.ts"
        for position, (kind, value) in enumerate(wanted):
            numbers = self._matching_terms(kind, value)
            if not numbers:
                return []
            listed = ",".join(map(str, numbers))
            if position == 0 and len(numbers) == 1:
                source, time = "posting p CROSS JOIN record r ON r.n = p.record", "p.ts"
                conditions.append(f"p.term = {listed}")
            else:
                conditions.append(
                    f"EXISTS (SELECT 1 FROM posting q WHERE q.term IN ({listed}) AND q.ts = r.ts AND q.record = r.n)"
                )
        compared: tuple[tuple[str, str | int | None], ...] = (
            ("r.kind =", filters.record_kind),
            (f"{time} >=", filters.since),
            (f"{time} <", filters.until),
            ("r.effect =", filters.effect),
            ("r.n >", filters.after),
        )
        for comparison, bound in compared:
            if bound is not None:
                conditions.append(f"{comparison} ?")
                values.append(bound)
        if filters.tool is not None:
            conditions.append("r.tool GLOB ?")
            values.append(filters.tool)
        if filters.agent is not None:
            conditions.append("(r.agent = ? OR r.runtime = ?)")
            values += [filters.agent, filters.agent]
        if filters.outcome == "none":
            conditions.append("r.enforced IS NULL")
        elif filters.outcome is not None:
            conditions.append("(r.enforced = ? OR r.result = ?)")
            values += [filters.outcome, filters.outcome]
        if filters.run is not None:
            conditions.append("r.chain = (SELECT n FROM chain WHERE name = ?)")
            values.append(filters.run)
        where = " AND ".join(conditions)
        way = "ASC" if oldest_first else "DESC"
        query = (
            "SELECT r.n, c.name, r.line, r.at, r.length, r.kind, r.id, r.ts, r.tool, r.effect, r.runtime, r.agent, "
            f"r.enforced, r.result FROM {source} CROSS JOIN chain c ON c.n = r.chain WHERE {where} "
            f"ORDER BY {time} {way}, r.n {way} LIMIT ?"
        )
        return [Row(*row) for row in self._ask(query, (*values, limit))]

    def _matching_terms(self, kind: str, value: str) -> list[int]:
        """Numbers of the terms of a kind that a pattern with `*` means."""
        query = "SELECT n FROM term WHERE kind = ? AND value GLOB ?"
        return [n for (n,) in self._ask(query, (kind, value))]

    def count(self, record_kind: str = "decision") -> int:
        """How many records of a kind there are."""
        (count,) = self._db.execute("SELECT count(*) FROM record WHERE kind = ?", (record_kind,)).fetchone()
        return int(count)

    def newest(self) -> int:
        """Number of the record that was indexed last."""
        return int(self._db.execute("SELECT coalesce(max(n), 0) FROM record").fetchone()[0])

    def at(self, run: str, line: int) -> Row | None:
        """The record on a line of a run's log."""
        found = self._rows("c.name = ? AND r.line = ?", run, line)
        return found[0] if found else None

    def tools(self, run: str) -> list[tuple[str | None, int]]:
        """The tools that a run called, and how often, the most used first."""
        query = (
            "SELECT r.tool, count(*) FROM record r JOIN chain c ON c.n = r.chain "
            "WHERE c.name = ? AND r.kind = 'decision' GROUP BY 1 ORDER BY 2 DESC, 1"
        )
        return self._db.execute(query, (run,)).fetchall()

    def policies(self, run: str) -> list[tuple[str, int]]:
        """Digests of the policies that decided in a run, and how often."""
        query = (
            "SELECT t.value, count(*) FROM record r JOIN term t ON t.n = r.policy "
            "WHERE r.chain = (SELECT n FROM chain WHERE name = ?) AND r.kind = 'decision' GROUP BY 1 ORDER BY 2 DESC, 1"
        )
        return self._ask(query, (run,))

    def outcomes_of(self, decision: str) -> list[Row]:
        """The outcomes that close a decision, oldest first."""
        return self._rows("r.closes = ? ORDER BY r.n", decision)

    def by_id(self, text: str, limit: int = 20) -> list[Row]:
        """Records whose id is *text*, or else begins, or else ends with it. The journal's own lines are left out."""
        runs_only = "c.name <> 'journal' AND "
        if found := self._rows(f"{runs_only} r.id = ?", text):
            return found
        if found := self._rows(f"{runs_only} r.id >= ? AND r.id < ? ORDER BY r.id LIMIT ?", text, text + "~", limit):
            return found
        ending = "SELECT n FROM record INDEXED BY record_id WHERE substr(id, -length(?)) = ? LIMIT ?"
        return self._rows(f"{runs_only} r.n IN ({ending})", text, text, limit)

    def runs(self, text: str | None = None) -> list[Run]:
        """Runs, those that began last first; with *text* only those whose id or session is it, or begins or ends so."""
        columns = ", ".join(field.name for field in fields(Run))
        query = f"SELECT {columns} FROM chain WHERE name <> 'journal' AND lines > 0"
        order = " ORDER BY coalesce(began, 0) DESC, n DESC"
        if text is None:
            return [Run(*row) for row in self._db.execute(query + order)]
        for condition in (
            "(name = ?1 OR session = ?1)",
            "(substr(name, 1, length(?1)) = ?1 OR substr(name, -length(?1)) = ?1)",
            "substr(session, 1, length(?1)) = ?1",
        ):
            if found := [Run(*row) for row in self._ask(f"{query} AND {condition}{order}", (text,))]:
                return found
        return []

    def rules(self, since: int | None = None, until: int | None = None, run: str | None = None) -> list[RuleUse]:
        """How every rule was used in a stretch of time, the most used first."""
        chosen = "AND r.chain = (SELECT n FROM chain WHERE name = :run)" if run is not None else ""
        query = f"""
            SELECT t.value, sum(r.effect = 'allow'), sum(r.effect = 'ask'), sum(r.effect = 'deny'),
                sum(r.enforced IS 'enforced'), sum(r.enforced IS 'overridden'), sum(r.enforced IS NULL), max(r.ts)
            FROM term t JOIN posting p ON p.term = t.n JOIN record r ON r.n = p.record
            WHERE t.kind = 'rule' AND p.ts >= :since AND p.ts < :until {chosen}
            GROUP BY t.n ORDER BY count(*) DESC, t.value
        """
        bounds = {"since": since or 0, "until": until if until is not None else 1 << 62, "run": run}
        return [RuleUse(*row) for row in self._db.execute(query, bounds)]

    def totals(self, run: str) -> dict[str, int]:
        """How the decisions of a run ended, by what the runtime did; `none` where nothing is known."""
        query = (
            "SELECT coalesce(r.enforced, 'none'), count(*) FROM record r JOIN chain c ON c.n = r.chain "
            "WHERE c.name = ? AND r.kind = 'decision' GROUP BY 1 ORDER BY 1"
        )
        return dict(self._db.execute(query, (run,)).fetchall())

    def summary(self, row: Row) -> dict[str, Any] | None:
        """As `line`, with what was moved to objects, save the arguments of a call, which may be of any length."""
        found = self.line(row)
        return self.store.whole(found, without=ARGUMENTS)[0] if found is not None else None

    def line(self, row: Row) -> dict[str, Any] | None:
        """What the line of a record says; None when it says nothing, or something else by now."""
        try:
            found = members(self.store.read(row.chain, row.at, row.length))
        except OSError:
            return None
        return found if found is not None and _text(found.get("id")) == row.id else None

    def _ask(self, query: str, values: Iterable[str | int | None]) -> list[Any]:
        """Rows of a query; texts that SQLite cannot hold are asked for as they are held."""
        return self._db.execute(
            query, [_text(value) if isinstance(value, str) else value for value in values]
        ).fetchall()

    def _rows(self, condition: str, *values: Any) -> list[Row]:
        query = (
            "SELECT r.n, c.name, r.line, r.at, r.length, r.kind, r.id, r.ts, r.tool, r.effect, r.runtime, r.agent, "
            f"r.enforced, r.result FROM record r JOIN chain c ON c.n = r.chain WHERE {condition}"
        )
        return [Row(*row) for row in self._ask(query, values)]


class _Intake:
    """Takes lines of one log into the index, many at a time."""

    def __init__(
        self, database: sqlite3.Connection, terms: dict[tuple[str, str], int], chain: int, parse: _Parser
    ) -> None:
        self._db = database
        self._terms = terms
        self._chain = chain
        self._parse = parse
        (self._next,) = database.execute("SELECT coalesce(max(n), 0) + 1 FROM record").fetchone()
        self._records: list[tuple[Any, ...]] = []
        self._postings: list[tuple[int, int, int]] = []
        self._combinations: dict[tuple[tuple[Any, ...], ...], frozenset[int]] = {}
        self._counts = {"allow": 0, "ask": 0, "deny": 0, "outcomes": 0, "odd": 0, "broken": 0}
        self._began: int | None = None
        self._last: int | None = None
        self._start: dict[str, Any] | None = None

    def take(self, line: bytes, number: int, offset: int) -> None:
        """One line; what is no record is counted."""
        found = self._parse(line)
        if found is None or not isinstance(found.get("kind"), str) or not isinstance(found.get("id"), str):
            self._counts["broken"] += 1
            return
        kind, identifier, ts = _text(found["kind"]), _text(found["id"]), micros(found.get("ts"))
        tool = effect = runtime = agent = enforced = result = closes = policy = None
        if kind == "decision":
            tool, effect, runtime, agent = self._decision(found, ts)
            if (digest := _text(_part(found, "policy").get("digest"))) is not None:
                policy = self._term("policy", digest)
        elif kind == "outcome":
            tool = _text(_part(found, "subject").get("tool"))
            enforced, result, closes = (_text(found.get(name)) for name in ("enforced", "result", "of"))
            self._counts["outcomes"] += 1
            self._counts["odd"] += enforced in ("overridden", "bypassed", "failed_open")
        elif kind == "run.start" and "first" not in found:
            self._start = found
        place = (self._next, self._chain, number, offset, len(line))
        self._records.append(
            (*place, kind, identifier, ts, tool, effect, runtime, agent, enforced, result, closes, policy)
        )
        self._next += 1
        if ts:
            self._began = ts if self._began is None else min(self._began, ts)
            self._last = max(self._last or 0, ts)
        if len(self._records) >= _BATCH:
            self.flush()

    def _decision(self, found: dict[str, Any], ts: int) -> tuple[str | None, str | None, str | None, str | None]:
        facts, verdict = _part(found, "facts"), _part(found, "verdict")
        caller, subject = _part(facts, "caller"), _part(found, "subject")
        effect = _text(verdict.get("effect"))
        if effect in self._counts:
            self._counts[effect] += 1
        kinds = subject.get("class")
        values = (
            tuple([rule.get("id") for rule in _parts(verdict, "rules")]),
            tuple(kinds) if isinstance(kinds, list) else (),
            tuple([finding.get("rule") for finding in _parts(facts, "findings")]),
        )
        self._postings += [(term, ts, self._next) for term in self._terms_of(values)]
        runtime = _text(caller.get("runtime")) or _text(_part(found, "answer").get("to"))
        return _text(subject.get("tool")), effect, runtime, _text(caller.get("agent"))

    def _terms_of(self, values: tuple[tuple[Any, ...], ...]) -> frozenset[int]:
        """Numbers of the terms of a decision; most decisions have the same as one before."""
        try:
            return self._combinations[values]
        except (KeyError, TypeError):
            found = frozenset(
                self._term(kind, text)
                for kind, group in zip(("rule", "action", "finding"), values, strict=True)
                for value in group
                if (text := _text(value)) is not None
            )
        with contextlib.suppress(TypeError):
            if len(self._combinations) < _BATCH:
                self._combinations[values] = found
        return found

    def _term(self, kind: str, value: str) -> int:
        number = self._terms.get((kind, value))
        if number is None:
            cursor = self._db.execute("INSERT INTO term (kind, value) VALUES (?, ?)", (kind, value))
            number = self._terms[kind, value] = int(cursor.lastrowid or 0)
        return number

    def flush(self) -> None:
        """Write down what was taken."""
        db = self._db
        db.executemany(f"INSERT INTO record VALUES ({','.join('?' * 16)})", self._records)
        db.executemany("INSERT OR IGNORE INTO posting VALUES (?, ?, ?)", self._postings)
        counts = self._counts
        db.execute(
            "UPDATE chain SET allowed = allowed + ?, asked = asked + ?, denied = denied + ?, outcomes = outcomes + ?, "
            "odd = odd + ?, broken = broken + ?, began = min(coalesce(began, ?), coalesce(?, began)), "
            "last = max(coalesce(last, ?), coalesce(?, last)) WHERE n = ?",
            (*counts.values(), self._began, self._began, self._last, self._last, self._chain),
        )
        if self._start is not None:
            agent, given = _part(self._start, "agent"), _part(self._start, "input")
            who = (given.get("session"), agent.get("name"), agent.get("sub"), given.get("cwd"))
            user = _part(given, "principal").get("user")
            db.execute(
                "UPDATE chain SET session = ?, runtime = ?, agent = ?, cwd = ?, user = ? WHERE n = ?",
                (*map(_text, (*who, user)), self._chain),
            )
        self._records, self._postings, self._start = [], [], None
        self._counts = dict.fromkeys(counts, 0)
        self._began = self._last = None


_Parser: TypeAlias = Callable[[bytes], dict[str, Any] | None]


def _parser(store: Store, size: int) -> _Parser:
    """What reads lines: for much to read a parser that is twice as fast, which takes a while to import."""
    from_json: Callable[[bytes], Any] = json.loads
    if size > _MUCH:
        with contextlib.suppress(ImportError):
            from pydantic_core import from_json

    def parse(line: bytes) -> dict[str, Any] | None:
        try:
            found = from_json(line)
        except (ValueError, RecursionError):
            # The fast one refuses unpaired surrogates, and little else that the other one reads.
            found = members(line)
        if not isinstance(found, dict):
            return None
        return store.whole(found, without=ARGUMENTS)[0] if "blobs" in found else found

    return parse


def _part(record: dict[str, Any], name: str) -> dict[str, Any]:
    """A member that is an object; an empty one for anything else, so that hostile records are only uninteresting."""
    found = record.get(name)
    return found if isinstance(found, dict) else {}


def _parts(record: dict[str, Any], name: str) -> Iterable[dict[str, Any]]:
    found = record.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _text(value: Any) -> str | None:
    """A string that SQLite can hold: without the unpaired surrogates that JSON escapes can make."""
    if not isinstance(value, str):
        return None
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def _connect(path: Path | None) -> sqlite3.Connection:
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
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA trusted_schema = OFF")
        if _schema(database) != SCHEMA:
            database.execute("BEGIN IMMEDIATE")
            if _schema(database) != SCHEMA:
                _make(database)
            database.execute("COMMIT")
    except sqlite3.Error:
        database.close()
        raise
    return database


def _schema(database: sqlite3.Connection) -> str | None:
    if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        return None
    row = database.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
    return row[0] if row else None


def _make(database: sqlite3.Connection) -> None:
    for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        database.execute(f"DROP TABLE {json.dumps(name)}")
    for statement in _TABLES.split(";\n"):
        if statement.strip():
            database.execute(statement)
    database.execute("INSERT INTO meta VALUES ('schema', ?)", (SCHEMA,))


def _discard(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(OSError):
            path.with_name(path.name + suffix).unlink()
