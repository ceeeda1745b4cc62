"""Finds what a command line asks for: the store, filters, one record or run by its id. Prints nothing."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path

from armorer_guard.cli.records_text import CommandError, counted, parse_time, progress_bar, short_id
from armorer_guard.records.index import Filters, Index, Row, Run
from armorer_guard.records.store import Store, StoreMissing, guard_home


def open_store(arguments: argparse.Namespace) -> Store:
    """
    The store that is meant.

    Raises:
        CommandError: There is none.
    """
    try:
        return Store.open(Path(arguments.home) if arguments.home else guard_home())
    except StoreMissing as error:
        raise CommandError(str(error), "the first call that the guard judges begins a store", 1) from None


@contextlib.contextmanager
def open_index(arguments: argparse.Namespace) -> Iterator[Index]:
    """The index of the store that is meant, up to date."""
    with Index.open(open_store(arguments), progress_bar("reading new records")) as index:
        yield index


def point_in_time(text: str | None) -> int | None:
    """
    A time from the command line.

    Raises:
        CommandError: It is none.
    """
    if text is None:
        return None
    try:
        return parse_time(text)
    except (ValueError, OverflowError):
        raise CommandError(
            f"`{text}` is no time", "say 7d, 2h, 30m, today, yesterday, 2026-11-22 or 2026-11-22T09:41Z"
        ) from None


def filters(arguments: argparse.Namespace, index: Index) -> Filters:
    """
    What the command line says records must be like.

    Raises:
        CommandError: A time or a run is not one.
    """
    return Filters(
        record_kind=None if arguments.kind == "all" else arguments.kind,
        run=one_run(index, arguments.run).name if arguments.run else None,
        since=point_in_time(arguments.since),
        until=point_in_time(arguments.until),
        tool=arguments.tool,
        agent=arguments.agent,
        effect=arguments.effect,
        outcome=arguments.outcome,
        action=arguments.action,
        rule=arguments.rule,
        finding=arguments.finding,
        label=arguments.label,
    )


def one_run(index: Index, text: str) -> Run:
    """
    The run that is meant.

    Raises:
        CommandError: There is none, or more than one.
    """
    found = index.runs(text)
    if not found:
        raise CommandError(f"there is no run `{text}`", "`armorer-guard records list --runs` lists them", 1)
    if len(found) > 1:
        listed = ", ".join(run.name for run in found[:4])
        raise CommandError(f"`{text}` may be any of {counted(len(found), 'run')}", f"give more of the id: {listed}")
    return found[0]


def one_record_or_run(index: Index, text: str) -> Row | Run:
    """
    The record or run that is meant. Runs are found by their session's name too.

    Raises:
        CommandError: There is none, or more than one.
    """
    records, runs = (index.by_id(text) if text else []), (index.runs(text) if text else [])
    exact = [row for row in records if row.id == text] + [run for run in runs if text in (run.name, run.session)]
    found: list[Row | Run] = exact or [*records, *runs]
    if not found:
        hint = "`armorer-guard records list` lists decisions, `armorer-guard records list --runs` runs"
        raise CommandError(f"there is no record and no run `{text}`", hint, 1)
    if len(found) > 1:
        listed = ", ".join(one.id if isinstance(one, Row) else f"run {one.name}" for one in found[:4])
        raise CommandError(f"`{text}` may be any of {len(found)}", f"give more of the id: {listed}")
    return found[0]


def decision_of(index: Index, text: str) -> Row:
    """
    The decision that is meant; of an outcome, the decision it closes.

    Raises:
        CommandError: There is none, or it is something else.
    """
    found = one_record_or_run(index, text)
    if isinstance(found, Run):
        raise CommandError(f"`{text}` is a run, not a decision", f"`armorer-guard records show {text}` shows it")
    if found.kind == "outcome" and (line := index.line(found)) and isinstance(line.get("of"), str):
        closed = [row for row in index.by_id(line["of"]) if row.kind == "decision"]
        if closed:
            return closed[0]
    if found.kind != "decision":
        hint = f"`armorer-guard records show {short_id(found.id)}` shows it"
        raise CommandError(f"`{text}` is a record of kind `{found.kind}`, not a decision", hint)
    return found
