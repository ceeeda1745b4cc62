"""
An index of a store, for lists and queries: derived, rebuilt when it is missing or stale, never authoritative.

It lies beside the logs (`index.sqlite`, for its owner alone) and is written by readers only, never by the guard. It
holds what records are looked up by and where their lines stand; what a person is shown is read from the lines. Where
it cannot be written it is made in memory. It does not verify: a line that is no record is counted and passed over.
How lines get in is a matter of `intake`.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Final

from armorer_guard.records.files import members
from armorer_guard.records.intake import (
    ARGUMENTS,
    IS_SELDOM,
    SELDOM,
    Intake,
    Progress,
    connect,
    discard,
    micros,
    tail_of,
)
from armorer_guard.records.intake import text as _text
from armorer_guard.records.store import Store

__all__ = ["Filters", "Index", "Progress", "Row", "RuleUse", "Run", "micros"]

_FEW: Final = 48
"""Shapes up to which each is asked by itself for its newest records."""
_COLUMNS: Final = (
    "r.n, c.name, r.line, r.at, r.length, s.kind, r.id, r.ts, "
    "s.tool, s.effect, s.runtime, s.agent, e.enforced, e.result"
)
_JOINED: Final = (
    "CROSS JOIN chain c ON c.n = r.chain CROSS JOIN shape s ON s.n = r.shape CROSS JOIN ending e ON e.n = r.ending"
)
_LAST: Final = 1 << 62
_END: Final = re.compile("[0-9a-f-]{1,40}")


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
    label: str | None = None
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


@dataclass
class RuleUse:
    """How often a rule decided, and what became of it. Counts are of decisions."""

    rule: str
    allowed: int = 0
    asked: int = 0
    denied: int = 0
    enforced: int = 0
    overridden: int = 0
    failed_open: int = 0
    open: int = 0
    """Without an outcome: nothing says whether the call ran."""
    went_on: int = 0
    """Asked, and the call ran: a person let it."""
    stopped: int = 0
    """Asked, and the call was cancelled."""
    appealed: int = 0
    """Requests for an approval that were answered or wait for it."""
    approved: int = 0
    """Requests that a person granted."""
    last: int = 0
    """Microseconds since 1970."""
    policies: set[str] = field(default_factory=set)
    """Digests of the policies that it decided under."""


class Index:
    """The index of one store, brought up to date when it is opened."""

    def __init__(self, store: Store, database: sqlite3.Connection, progress: Progress | None = None) -> None:
        self.store = store
        self._db = database
        self._intake = Intake(store, database, progress)

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
                database = connect(path)
                index = cls(store, database, progress)
                index.refresh()
            except sqlite3.Error as error:
                if database is not None:
                    database.close()
                if attempt == 0 and not isinstance(error, sqlite3.OperationalError):
                    discard(path)
                    continue
                # Read-only, locked or broken beyond removal: the logs can be read all the same.
                database = connect(None)
                index = cls(store, database, progress)
                index.refresh()
            try:
                yield index
            finally:
                database.close()
            return

    def refresh(self) -> None:
        """Read what was appended since the last time; read a log anew that is not the one that was read."""
        self._intake.refresh()

    # -- asking

    def find(self, filters: Filters, limit: int = -1, oldest_first: bool = False) -> list[Row]:
        """
        Records of runs that are like this, newest first. (The journal only names runs.)

        Args:
            filters: What they must be like.
            limit: How many at most; negative: all.
            oldest_first: The other way round.
        """
        chosen, most = self._shapes(filters)
        by_shape = filters.run is None and filters.after is None and filters.outcome not in SELDOM
        if by_shape and limit >= 0 and not most and len(chosen) <= _FEW:
            return self._merged(chosen, filters, limit, oldest_first)
        return [*self._each(filters, chosen, most, limit, oldest_first)]

    def each(self, filters: Filters) -> Iterator[Row]:
        """As `find`, for any number of them: all, oldest first, read as they are asked for."""
        yield from self._each(filters, *self._shapes(filters), -1, True)

    def _each(self, filters: Filters, chosen: list[int], most: bool, limit: int, oldest_first: bool) -> Iterator[Row]:
        if not chosen:
            return
        conditions, values = self._of_record(filters)
        # What is new is a range of row numbers; no other index says that.
        by = "NOT INDEXED"
        if filters.run is not None:
            by = "INDEXED BY record_chain"
        elif filters.outcome in SELDOM:
            by, conditions = "INDEXED BY record_seldom", [f"r.{IS_SELDOM}", *conditions]
        elif filters.after is None:
            by = "INDEXED BY record_time" if most or len(chosen) > _FEW else "INDEXED BY record_shape"
        conditions.append(f"r.shape IN ({','.join(map(str, chosen))})")
        query = (
            f"SELECT {_COLUMNS} FROM record r {by} {_JOINED} WHERE {' AND '.join(conditions)} {_order(oldest_first)}"
        )
        for row in self._db.execute(query, [*_held(values), limit]):
            yield Row(*row)

    def _merged(self, chosen: list[int], filters: Filters, limit: int, oldest_first: bool) -> list[Row]:
        """The newest records of each shape, and of those the newest; of each no more are looked at than are needed."""
        conditions, values = self._of_record(filters)
        of_shape = (
            f"SELECT r.n FROM record r INDEXED BY record_shape CROSS JOIN chain c ON c.n = r.chain "
            f"WHERE r.shape = s.n AND {' AND '.join(conditions)} {_order(oldest_first)}"
        )
        query = (
            f"SELECT {_COLUMNS} FROM shape s CROSS JOIN record r ON r.n IN ({of_shape}) "
            "CROSS JOIN chain c ON c.n = r.chain CROSS JOIN ending e ON e.n = r.ending "
            f"WHERE s.n IN ({','.join(map(str, chosen))}) {_order(oldest_first)}"
        )
        return [Row(*row) for row in self._ask(query, (*values, limit, limit))]

    def _shapes(self, filters: Filters) -> tuple[list[int], bool]:
        """Numbers of the shapes that records must have, and whether most have one of them."""
        conditions, values = ["1"], []
        for column, wanted in (("kind", filters.record_kind), ("effect", filters.effect)):
            if wanted is not None:
                conditions.append(f"{column} = ?")
                values.append(wanted)
        if filters.tool is not None:
            conditions.append("tool GLOB ?")
            values.append(filters.tool)
        if filters.agent is not None:
            conditions.append("(agent = ?{0} OR runtime = ?{0})".format(len(values) + 1))
            values.append(filters.agent)
        features = {
            "rule": filters.rule,
            "action": filters.action,
            "finding": filters.finding,
            "label": filters.label,
        }
        for kind, wanted in features.items():
            if wanted is not None:
                conditions.append(f"n IN (SELECT shape FROM feature WHERE kind = '{kind}' AND value GLOB ?)")
                values.append(wanted)
        found = self._ask(f"SELECT n FROM shape WHERE {' AND '.join(conditions)}", values)
        (total,) = self._db.execute("SELECT count(*) FROM shape").fetchone()
        return [number for (number,) in found], 2 * len(found) > total

    def count(self, record_kind: str = "decision") -> int:
        """How many records of a kind there are."""
        if record_kind == "decision":
            query = "SELECT coalesce(sum(allowed + asked + denied), 0) FROM chain"
            return int(self._db.execute(query).fetchone()[0])
        query = "SELECT count(*) FROM record WHERE shape IN (SELECT n FROM shape WHERE kind = ?)"
        return int(self._db.execute(query, (record_kind,)).fetchone()[0])

    def newest(self) -> int:
        """Number of the record that was indexed last."""
        return int(self._db.execute("SELECT coalesce(max(n), 0) FROM record").fetchone()[0])

    def at(self, run: str, line: int) -> Row | None:
        """The record on a line of a run's log."""
        found = self._rows("c.name = ? AND r.line = ?", run, line)
        return found[0] if found else None

    def tools(self, run: str) -> list[tuple[str | None, int]]:
        """The tools that a run called, and how often, the most used first."""
        return self._of_run(run, "s.tool", "r.n")

    def policies(self, run: str) -> list[tuple[str, int]]:
        """Digests of the policies that decided in a run, and how often."""
        return self._of_run(run, "s.policy", "r.n")

    def totals(self, run: str) -> dict[str, int]:
        """How the decisions of a run ended, by what the runtime did; `none` where nothing is known."""
        return dict(self._of_run(run, "coalesce(e.enforced, 'none')", "r.n"))

    def agents(self, run: str) -> list[tuple[str | None, int]]:
        """The agents that called in a run, and how often."""
        return self._of_run(run, "s.agent", "r.n")

    def features(self, run: str, kind: str) -> list[tuple[str, int]]:
        """
        How many decisions of a run have which rule, action, finding or label, the most frequent first.

        Args:
            run: The run.
            kind: `rule`, `action`, `finding` or `label`.
        """
        query = (
            "SELECT f.value, sum(t.count) FROM (SELECT shape, count(*) AS count FROM record "
            "WHERE chain = (SELECT n FROM chain WHERE name = ?) GROUP BY shape) t "
            "JOIN feature f ON f.shape = t.shape AND f.kind = ? GROUP BY 1 ORDER BY 2 DESC, 1"
        )
        return self._ask(query, (run, kind))

    def _of_run(self, run: str, column: str, counted: str) -> list[Any]:
        query = (
            f"SELECT {column}, count({counted}) FROM record r CROSS JOIN shape s ON s.n = r.shape "
            "CROSS JOIN ending e ON e.n = r.ending "
            "WHERE r.chain = (SELECT n FROM chain WHERE name = ?) AND s.kind = 'decision' GROUP BY 1 ORDER BY 2 DESC, 1"
        )
        return self._ask(query, (run,))

    def closing(self, identifier: str, kind: str = "outcome") -> list[Row]:
        """The records of a kind that answer this one, oldest first."""
        return self._rows("r.closes = ? AND s.kind = ? ORDER BY r.n", identifier, kind)

    def outcomes_of(self, decision: str) -> list[Row]:
        """The outcomes that close a decision, oldest first."""
        return self.closing(decision)

    def by_id(self, text: str, limit: int = 20) -> list[Row]:
        """Records whose id is *text*, or else begins, or else ends with it. The journal's own lines are left out."""
        runs_only = "c.name <> 'journal' AND "
        if found := self._rows(f"{runs_only} r.id = ?", text):
            return found
        tail = tail_of(text)
        if tail is not None:
            ending = self._rows(f"{runs_only} r.tail = ? LIMIT ?", tail, limit)
            found = [row for row in ending if row.id.endswith(text)]
            return [*found, *self._beginning(text, limit)][:limit]
        if (found := self._beginning(text, limit)) or not _END.fullmatch(text):
            return found
        # A few digits: nothing but looking at every id finds its end.
        ending_of = "SELECT n FROM record INDEXED BY record_id WHERE substr(id, -length(?)) = ? LIMIT ?"
        return self._rows(f"{runs_only} r.n IN ({ending_of})", text, text, limit)

    def _beginning(self, text: str, limit: int) -> list[Row]:
        condition = "c.name <> 'journal' AND r.id >= ? AND r.id < ? ORDER BY r.id LIMIT ?"
        return self._rows(condition, text, text + "~", limit)

    def runs(self, text: str | None = None) -> list[Run]:
        """Runs, those that began last first; with *text* only those whose id or session is it, or begins or ends so."""
        columns = ", ".join(field.name for field in fields(Run))
        query = f"SELECT {columns} FROM chain WHERE name <> 'journal' AND lines > 0"
        order = " ORDER BY coalesce(began, 0) DESC, n DESC"
        if text is None:
            return [Run(*row) for row in self._db.execute(query + order)]
        # The end of an id as lists show it has an index; of a shorter one every id must be looked at.
        ends = "substr(name, -8) = substr(?1, -8) AND " if len(text) >= 8 else ""
        for condition in (
            "(name = ?1 OR session = ?1)",
            f"(name >= ?1 AND name < ?1 || '~' OR {ends}substr(name, -length(?1)) = ?1)",
            "session >= ?1 AND session < ?1 || char(1114111)",
        ):
            if found := [Run(*row) for row in self._ask(f"{query} AND {condition}{order}", (text,))]:
                return found
        return []

    def rules(self, since: int | None = None, until: int | None = None, run: str | None = None) -> list[RuleUse]:
        """How every rule was used in a stretch of time, the most used first."""
        conditions, values = ["1"], list[str | int]()
        if run is not None:
            conditions.append("chain = (SELECT n FROM chain WHERE name = ?)")
            values.append(run)
        if since is not None or until is not None:
            conditions.append("ts >= ? AND ts < ?")
            values += [since or 0, until if until is not None else _LAST]
        by = "record_chain" if run is not None else "record_shape"
        ended = (
            "enforced = 'enforced'",
            "enforced = 'overridden'",
            "enforced = 'failed_open'",
            "enforced IS NULL",
            "enforced = 'not_attempted' OR enforced NOT NULL AND result = 'cancelled'",
        )
        sums = ", ".join(f"sum(ending IN ({self._endings(condition)}))" for condition in ended)
        query = f"""
            SELECT f.value, s.effect, s.policy, t.* FROM (
                SELECT shape, count(*), {sums}, max(ts)
                FROM record INDEXED BY {by} WHERE {" AND ".join(conditions)} GROUP BY shape
            ) t CROSS JOIN shape s ON s.n = t.shape AND s.kind = 'decision'
            CROSS JOIN feature f ON f.kind = 'rule' AND f.shape = t.shape
        """
        uses: dict[str, RuleUse] = {}
        for rule, effect, policy, _, *counts, last in self._ask(query, values):
            use = uses.setdefault(rule, RuleUse(rule))
            _count(use, effect, counts)
            use.last = max(use.last, last)
            if policy:
                use.policies.add(policy)
        for rule, state in self._appeals(since, until, run):
            if rule in uses:
                uses[rule].appealed += 1
                uses[rule].approved += state == "approved"
        return sorted(uses.values(), key=lambda use: (-(use.allowed + use.asked + use.denied), use.rule))

    def _appeals(self, since: int | None, until: int | None, run: str | None) -> list[tuple[str, str | None]]:
        """Every rule that a request for an approval is about, and how that ended."""
        query = """
            SELECT f.value, (SELECT e.result FROM record a CROSS JOIN shape t ON t.n = a.shape
                CROSS JOIN ending e ON e.n = a.ending
                WHERE a.closes = r.id AND t.kind = 'approval.result' ORDER BY a.n DESC LIMIT 1)
            FROM shape s CROSS JOIN record r INDEXED BY record_shape ON r.shape = s.n
            CROSS JOIN record d INDEXED BY record_id ON d.id = r.closes
            CROSS JOIN feature f ON f.kind = 'rule' AND f.shape = d.shape
            WHERE s.kind = 'approval.request' AND d.ts >= ?1 AND d.ts < ?2
                AND (?3 IS NULL OR d.chain = (SELECT n FROM chain WHERE name = ?3))
        """
        bounds = (since or 0, until if until is not None else _LAST, run)
        return self._db.execute(query, bounds).fetchall()

    def summary(self, row: Row) -> dict[str, Any] | None:
        """As `line`, with what was moved to objects, save the arguments of a call, which may be of any length."""
        found = self.line(row)
        return self.store.whole(found, without=ARGUMENTS)[0] if found is not None else None

    def stored(self, row: Row) -> bytes | None:
        """What stands where a record was; None when its log cannot be read."""
        try:
            return self.store.read(row.chain, row.at, row.length)
        except OSError:
            return None

    def line(self, row: Row) -> dict[str, Any] | None:
        """What the line of a record says; None when it says nothing, or something else by now."""
        stored = self.stored(row)
        found = members(stored) if stored is not None else None
        return found if found is not None and _text(found.get("id")) == row.id else None

    def _of_record(self, filters: Filters) -> tuple[list[str], list[Any]]:
        """Conditions on a record itself, and their values."""
        conditions = ["c.name <> 'journal'"]
        values: list[Any] = []
        bounds = (("r.ts >=", filters.since), ("r.ts <", filters.until), ("r.n >", filters.after))
        for comparison, bound in bounds:
            if bound is not None:
                conditions.append(f"{comparison} ?")
                values.append(bound)
        if filters.outcome == "none":
            conditions.append(f"r.ending IN ({self._endings('enforced IS NULL')})")
        elif filters.outcome is not None:
            conditions.append(f"r.ending IN ({self._endings('?1 IN (enforced, result)', filters.outcome)})")
        if filters.run is not None:
            conditions.append("r.chain = (SELECT n FROM chain WHERE name = ?)")
            values.append(filters.run)
        return conditions, values

    def _endings(self, condition: str, *values: str) -> str:
        """Numbers of the ways to end that are like this, joined by commas: few, and asked for once instead of often."""
        return ",".join(str(number) for (number,) in self._ask(f"SELECT n FROM ending WHERE {condition}", values))

    def _ask(self, query: str, values: Iterable[str | int | None]) -> list[Any]:
        """Rows of a query; texts that SQLite cannot hold are asked for as they are held."""
        return self._db.execute(query, _held(values)).fetchall()

    def _rows(self, condition: str, *values: Any) -> list[Row]:
        query = f"SELECT {_COLUMNS} FROM record r {_JOINED} WHERE {condition}"
        return [Row(*row) for row in self._ask(query, values)]


def _held(values: Iterable[str | int | None]) -> list[str | int | None]:
    """Texts as SQLite holds them."""
    return [_text(value) if isinstance(value, str) else value for value in values]


def _order(oldest_first: bool) -> str:
    way = "ASC" if oldest_first else "DESC"
    return f"ORDER BY r.ts {way}, r.n {way} LIMIT ?"


def _count(use: RuleUse, effect: str | None, counts: list[int]) -> None:
    count, enforced, overridden, failed_open, unended, stopped = counts
    use.allowed += count * (effect == "allow")
    use.asked += count * (effect == "ask")
    use.denied += count * (effect == "deny")
    use.enforced += enforced
    use.overridden += overridden
    use.failed_open += failed_open
    use.open += unended
    if effect == "ask":
        use.stopped += stopped
        use.went_on += count - unended - stopped
