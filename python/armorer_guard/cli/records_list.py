"""Many records: `list`, `tail`, `search`, `export`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from armorer_guard._core import about_decision
from armorer_guard.cli.records_find import filters, one_run, open_index
from armorer_guard.cli.records_text import (
    EFFECT_COLOURS,
    ODD,
    Cell,
    Screen,
    brief,
    counted,
    fit,
    local_now,
    part,
    parts,
    progress_bar,
    sentence,
    short_id,
    short_time,
    summary,
    table,
    texts,
    visible,
)
from armorer_guard.records.index import Filters, Index, Row, Run
from armorer_guard.records.store import Stored

_POLL_S = 0.25
_HEADS = ("WHEN", "EFFECT", "TOOL", "WHAT", "RULE", "OUTCOME", "ID")
_WHAT, _RULE = 3, 4
_WIDE = 100
"""Columns of a terminal below which there is no room for the rule; `why` tells it."""


def run_list(arguments: argparse.Namespace) -> int:
    """Decisions, newest first, or runs."""
    screen = Screen.of(sys.stdout)
    with open_index(arguments) as index:
        if arguments.runs:
            return _list_runs(arguments, index, screen)
        limit = arguments.limit if arguments.limit > 0 else -1
        asked = filters(arguments, index)
        rows = index.find(asked, limit + 1 if limit > 0 else -1)
        more = len(rows) > limit > 0
        rows = rows[:limit] if more else rows
        if arguments.json:
            _print_json([entry(index, row) for row in rows])
            return 0
        if not rows:
            print("no records" if asked == Filters() else "no records are like that")
            return 0
        for line in _lines(screen, _table(index, rows, screen)):
            print(line)
        said = [counted(len(rows), "record")]
        if more:
            said[0] = f"the {len(rows)} newest" + (f" of {index.count():,}" if asked == Filters() else "")
            said.append("`-n 0` lists all")
        said.append("`armorer-guard records show ID` tells more")
        print(screen.faint(f"({'; '.join(said)})"))
    return 0


def _list_runs(arguments: argparse.Namespace, index: Index, screen: Screen) -> int:
    runs = index.runs(arguments.run)
    if arguments.agent:
        runs = [run for run in runs if arguments.agent in (run.runtime, run.agent)]
    shown = runs[: arguments.limit] if arguments.limit > 0 else runs
    if arguments.json:
        _print_json([run_entry(run) for run in shown])
        return 0
    if not shown:
        print("no runs")
        return 0
    heads = ("BEGAN", "LAST", "RUNTIME", "SESSION", "WHERE", "DECISIONS", "DENIED", "ODD", "RUN")
    rows = [
        (
            Cell(short_time(run.began or 0)),
            Cell(short_time(run.last or 0)),
            Cell(visible(run.runtime or "-")),
            Cell(visible(run.session or "-")),
            Cell(visible(run.cwd or "-")),
            Cell(f"{run.allowed + run.asked + run.denied:,}"),
            Cell(f"{run.denied:,}", "31" if run.denied else ""),
            Cell(f"{run.odd:,}", "31" if run.odd else ""),
            Cell(short_id(run.name)),
        )
        for run in shown
    ]
    for line in table(screen, heads, rows, 4, spare=(1, 2, 0)):
        print(line)
    more = f" of {len(runs):,}; `-n 0` lists all" if len(shown) < len(runs) else ""
    print(screen.faint(f"({counted(len(shown), 'run')}{more}; `armorer-guard records show RUN` tells more)"))
    return 0


def run_entry(run: Run) -> dict[str, Any]:
    """A run for programs."""
    return {
        "run": run.name,
        "session": run.session,
        "runtime": run.runtime,
        "agent": run.agent,
        "cwd": run.cwd,
        "user": run.user,
        "began_us": run.began,
        "last_us": run.last,
        "records": run.lines,
        "decisions": {"allow": run.allowed, "ask": run.asked, "deny": run.denied},
        "outcomes": run.outcomes,
        "odd": run.odd,
        "broken_lines": run.broken,
    }


def entry(index: Index, row: Row) -> dict[str, Any]:
    """A record for programs: what lists show of it, and where it stands."""
    record = index.summary(row) or {}
    facts, verdict = part(record, "facts"), part(record, "verdict")
    return {
        "id": row.id,
        "run": row.chain,
        "session": part(facts, "caller").get("run"),
        "kind": row.kind,
        "ts": record.get("ts"),
        "runtime": row.runtime,
        "agent": row.agent,
        "tool": row.tool,
        "effect": row.effect,
        "actions": [sentence(action) for action in parts(facts, "actions")],
        "rules": [rule.get("id") for rule in parts(verdict, "rules")],
        "findings": [finding.get("rule") for finding in parts(facts, "findings")],
        "enforced": row.enforced,
        "result": row.result,
        "seq": record.get("seq"),
        "line": row.line,
        "byte": row.at,
    }


def _lines(screen: Screen, rows: Sequence[Sequence[Cell]], heads: Sequence[str] = _HEADS) -> Iterable[str]:
    """A table of records, as much of it as the terminal has room for."""
    if screen.columns < _WIDE:
        heads = [head for at, head in enumerate(heads) if at != _RULE]
        rows = [[cell for at, cell in enumerate(row) if at != _RULE] for row in rows]
    return table(screen, heads, rows, _WHAT)


def _table(index: Index, rows: Iterable[Row], screen: Screen) -> list[tuple[Cell, ...]]:
    now = local_now()
    return [_cells(index, row, screen, now) for row in rows]


def _cells(index: Index, row: Row, screen: Screen, now: datetime) -> tuple[Cell, ...]:
    what, rules = _said(index, row)
    # Only calls end: a text is read, and that is all.
    ended = row.enforced or ("" if row.kind == "decision" and row.tool else "-")
    result = f" {row.result}" if row.result and row.enforced in ("enforced", "overridden") else ""
    return (
        Cell(short_time(row.ts, now), "2"),
        Cell(visible(row.effect or "-"), EFFECT_COLOURS.get(row.effect or "", "")),
        Cell(fit(visible(row.tool or ("text" if row.kind == "decision" else "-")), max(screen.columns // 8, 10))),
        Cell(what),
        Cell(rules[0] + (f" +{len(rules) - 1}" if len(rules) > 1 else "") if rules else "-"),
        Cell(visible((ended or "not known") + result), "31" if row.enforced in ODD else "2" if not ended else ""),
        Cell(short_id(row.id)),
    )


def _said(index: Index, row: Row) -> tuple[str, list[str]]:
    """What a record says, in a line, and the rules that decided."""
    if row.kind == "decision":
        # Nearly all of them; reading one as JSON takes several times as long.
        told = about_decision(index.stored(row) or b"")
        if told is not None and told[0] == row.id:
            return brief(visible(told[1]), told[2]), [visible(rule) for rule in told[3]]
    record = index.summary(row)
    if record is None:
        return "(the stored line cannot be read: `armorer-guard records verify` says why)", []
    if row.kind != "decision":
        return f"{visible(row.kind)}: {_other(record)}", []
    return summary(record), [visible(rule.get("id")) for rule in parts(part(record, "verdict"), "rules")]


def _other(record: dict[str, Any]) -> str:
    """A record that is no decision, in a few words."""
    match record.get("kind"):
        case "outcome":
            of = record.get("of")
            return f"{visible(record.get('result'))}, of {short_id(of) if isinstance(of, str) else 'no decision'}"
        case "run.start":
            agent, given = part(record, "agent"), part(record, "input")
            return f"{visible(agent.get('name'))} in {visible(given.get('cwd'))}"
        case "run.stop":
            stop = part(record, "stop")
            return visible(stop.get("state")) + (f" by {visible(stop['by'])}" if stop.get("by") else "")
        case "run.epoch":
            return f"{', '.join(texts(record, 'changed')) or visible(record.get('reason'))} changed"
        case "approval.request":
            return f"of {short_id(str(record.get('decision')))}"
        case "approval.result":
            return f"{visible(record.get('state'))}, of {short_id(str(record.get('request')))}"
        case "recovery":
            found = part(record, "recovery")
            return f"{visible(found.get('reason'))}, {visible(found.get('bytes'))} bytes moved aside"
        case "gap":
            return gap_in_words(part(record, "gap"))
        case _:
            return "see `show`"


def gap_in_words(gap: dict[str, Any]) -> str:
    """What is not in a log, in a few words."""
    count, answered = gap.get("count"), part(gap, "answered")
    if not isinstance(count, int):
        return visible(gap.get("reason"))
    words = {"allow": "allowed", "ask": "asked", "deny": "denied"}
    how = ", ".join(f"{visible(times)} {words.get(effect, visible(effect))}" for effect, times in answered.items())
    why = ", ".join(f"{visible(error)}" for error in part(gap, "errors"))
    return f"{counted(count, 'decision')} not recorded{f' ({how})' if how else ''}{f': {why}' if why else ''}"


def run_tail(arguments: argparse.Namespace) -> int:
    """The latest records, and with `-f` those that are still to come."""
    screen = Screen.of(sys.stdout)
    with open_index(arguments) as index:
        asked = filters(arguments, index)
        rows = index.find(asked, max(arguments.limit, 0))[::-1]
        newest = index.newest()
        _print_tail(index, rows, screen, arguments.json)
        while arguments.follow:
            sys.stdout.flush()
            time.sleep(_POLL_S)
            index.refresh()
            rows = index.find(replace(asked, after=newest), oldest_first=True)
            newest = index.newest()
            _print_tail(index, rows, screen, arguments.json)
    return 0


def _print_tail(index: Index, rows: Iterable[Row], screen: Screen, as_json: bool) -> None:
    """Rows without knowing those that follow: columns of a fixed width."""
    for row in rows:
        if as_json:
            print(json.dumps(entry(index, row), ensure_ascii=True))
            continue
        [cells] = _table(index, [row], screen)
        others = 14 + 6 + 12 + 14 + 8 + 10 + (24 if screen.columns >= _WIDE else 0)
        widths = (14, 6, 12, max(screen.columns - others, 20), 22, 14, 8)
        lines = [*_lines(screen, [cells], [" " * columns for columns in widths])]
        print(lines[1])


def run_search(arguments: argparse.Namespace) -> int:
    """Records that contain all the words, newest run first."""
    screen = Screen.of(sys.stdout)
    with open_index(arguments) as index:
        runs = [one_run(index, arguments.run)] if arguments.run else index.runs()
        limit = arguments.limit if arguments.limit > 0 else sys.maxsize
        needles = [
            json.dumps(word, ensure_ascii=False)[1:-1].encode("utf-8", "replace").lower() for word in arguments.word
        ]
        rows = _matching(index, runs, needles, arguments.kind, limit)
        if arguments.json:
            _print_json([entry(index, row) for row in rows])
        elif rows:
            for line in _lines(screen, _table(index, rows, screen)):
                print(line)
            more = "; there may be more, `-n 0` lists all" if len(rows) == limit else ""
            print(screen.faint(f"({counted(len(rows), 'record')}{more})"))
        else:
            print("no record contains " + ("that" if len(needles) == 1 else "all of that"))
    return 0 if rows else 1


def _matching(index: Index, runs: Iterable[Run], needles: Iterable[bytes], kind: str, limit: int) -> list[Row]:
    found: list[Row] = []
    runs = [*runs]
    sizes = [_size(index, run) for run in runs]
    show, done = progress_bar("searching"), 0
    for run, size in zip(runs, sizes, strict=True):
        if show is not None:
            show(done, sum(sizes) + 1)
        done += size
        hits = [stored for stored in index.store.lines(run.name) if _contains(stored, needles)]
        for stored in reversed(hits):
            row = index.at(run.name, stored.number)
            if row is not None and kind in ("all", row.kind):
                found.append(row)
                if len(found) == limit:
                    break
        if len(found) == limit:
            break
    if show is not None:
        show(1, 1)
    return found


def _size(index: Index, run: Run) -> int:
    """Bytes of a run's log; none when it is gone."""
    try:
        return index.store.path(run.name).lstat().st_size
    except OSError:
        return 0


def _contains(stored: Stored, needles: Iterable[bytes]) -> bool:
    line = stored.line.lower()
    return all(needle in line for needle in needles)


def _print_json(value: object) -> None:
    # ASCII only: escapes survive every terminal and every encoding of a pipe.
    print(json.dumps(value, indent=1, ensure_ascii=True))
