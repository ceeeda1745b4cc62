"""`verify`: what was done to the records, if anything, for people and programs."""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from armorer_guard._core import follow_plain
from armorer_guard.cli.records_find import open_store
from armorer_guard.cli.records_receipt import read_keys
from armorer_guard.cli.records_text import CommandError, Screen, counted, part, progress_bar, visible
from armorer_guard.records.signature import CheckpointText
from armorer_guard.records.store import Store
from armorer_guard.records.verify import (
    JOURNAL,
    Anchor,
    Problem,
    Report,
    RootAnchor,
    report_as_json,
    verify_store,
)

_TRAILER = re.compile(r"Armorer-Checkpoint: (\d{1,18}) ([A-Za-z0-9+/]{43}=)")
"""A checkpoint in one line, as `records anchor` prints it."""


def run_verify(arguments: argparse.Namespace) -> int:
    """
    Follow every chain.

    Returns:
        The exit code of the gravest verdict.
    """
    store = open_store(arguments)
    runs = _runs(store, arguments.run) if arguments.run else None
    anchors = _read_anchors(Path(arguments.anchor)) if arguments.anchor else []
    keys = read_keys(arguments.key)
    bar = progress_bar("verifying")
    report = verify_store(
        store.root,
        runs=runs,
        anchors=anchors,
        keys=keys,
        thorough=arguments.thorough,
        jobs=os.cpu_count() or 1,
        plain=follow_plain,
        progress=_progress(store, runs, bar) if bar else None,
    )
    if bar:
        bar(1, 1)
    kind = report.strict_verdict() if arguments.strict else report.verdict
    if arguments.heads:
        for head in report.heads:
            print(json.dumps({"chain": head.chain, "seq": head.seq, "hash": head.hash}))
        return kind.exit_code
    if arguments.json:
        listed = {**report_as_json(report), "verdict": kind.name, "meaning": kind.meaning, "exit_code": kind.exit_code}
        print(json.dumps(listed, indent=1, ensure_ascii=True))
        return kind.exit_code
    _say(report, store, Screen.of(sys.stdout), arguments.strict)
    return kind.exit_code


def _runs(store: Store, given: list[str]) -> list[str]:
    """Ids of the runs that are meant, found in the logs alone: the index proves nothing."""
    known = list(store.runs())
    chosen = []
    for text in given:
        found = (
            [run for run in known if run == text]
            or [run for run in known if run.startswith(text) or run.endswith(text)]
            or [run for run in known if _session(store, run) == text]
        )
        if not found:
            raise CommandError(f"there is no run `{text}`", "`armorer-guard records list --runs` lists them", 1)
        if len(found) > 1:
            raise CommandError(f"`{text}` may be any of {counted(len(found), 'run')}", "give more of the id")
        chosen += found
    return chosen


def _session(store: Store, run: str) -> object:
    """The runtime's name of the session, as the first record of a run states it."""
    try:
        first = next(iter(store.lines(run)), None)
    except OSError:
        return None
    return part(first.members if first else None, "input").get("session")


def _read_anchors(path: Path) -> list[Anchor | RootAnchor]:
    """
    Heads as `--heads` prints them; else checkpoints, or their one-line form wherever it stands in the file.

    Raises:
        CommandError: The file cannot be read, or holds something else.
    """
    anchors: list[Anchor | RootAnchor] = []
    try:
        whole = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise CommandError(f"the anchor `{path}` cannot be read: {error}") from None
    stated = [(int(size), root) for size, root in _TRAILER.findall(whole)]
    if checkpoint := CheckpointText.parse(whole):
        stated.append((checkpoint.size, base64.b64encode(checkpoint.root).decode()))
    if stated:
        return [RootAnchor(size, base64.b64decode(root)) for size, root in stated]
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            found = json.loads(line)
            anchors.append(Anchor(str(found["chain"]), int(found["seq"]), str(found["hash"])))
        except (ValueError, KeyError, TypeError, RecursionError):
            hint = "`armorer-guard records verify --heads`, or `records anchor`, prints what is expected"
            raise CommandError(f"line {number} of the anchor `{path}` is no head of a chain", hint) from None
    if not anchors:
        raise CommandError(f"the anchor `{path}` is empty")
    return anchors


def _progress(store: Store, runs: list[str] | None, bar: Callable[[int, int], None]) -> Callable[[int], None]:
    """Adds up what was read, and shows it against what there is to read."""
    chosen = [path for run, path in store.runs().items() if runs is None or run in runs]
    total = sum(path.stat().st_size for path in [store.path(JOURNAL), *chosen] if path.is_file())
    done = 0

    def progress(count: int) -> None:
        nonlocal done
        done += count
        bar(done, total)

    return progress


def _say(report: Report, store: Store, screen: Screen, strict: bool) -> None:
    kind = report.strict_verdict() if strict else report.verdict
    for problem in report.problems:
        print(screen.paint(problem.verdict, "1;31") + f"  {visible(problem.sentence)}")
        print(screen.faint(f"  {visible(_place(problem, store))}"))
    unlisted = sum(chain.more_problems for chain in report.chains)
    if unlisted:
        print(screen.faint(f"(and {counted(unlisted, 'more problem')} of the same logs)"))
    unsealed = [note for note in report.notes if note.verdict == "unsealed_tail"]
    for note in report.notes:
        if note.verdict != "unsealed_tail":
            print(screen.faint(f"note: {visible(note.sentence)} ({visible(_place(note, store))})"))
    recovered = sum(chain.recovered for chain in report.chains)
    if recovered:
        print(screen.faint(f"note: {counted(recovered, 'torn line')} of writers that died had been moved aside"))
    lost = sum(chain.unrecorded for chain in report.chains)
    if lost:
        print(
            screen.faint(
                f"note: {counted(lost, 'decision')} could not be recorded when they were made; `gap` records of"
            )
        )
        print(screen.faint("the journal say when and why"))
    if unsealed:
        said = f"nothing states where {counted(len(unsealed), 'run')} end{'s' * (len(unsealed) == 1)}"
        shows = "records cut from the end show only against an anchor (`--heads` prints one)"
        print(screen.faint(f"note: {said}: {shows}"))
    runs = sum(chain.chain != JOURNAL for chain in report.chains)
    read = f"{counted(report.records, 'record')} of {counted(runs, 'run')}"
    if report.objects:
        read += f", {counted(report.objects, 'object')}"
    if report.checkpoints:
        read += f", {counted(report.checkpoints, 'checkpoint')}"
    word = screen.paint(kind.name, "1;32" if kind.exit_code == 0 else "1;31")
    print(f"{word}: {kind.meaning} ({read}, {report.elapsed_s:.2f} s)")


def _place(problem: Problem, store: Store) -> str:
    """Where a problem is, as short as it can be said."""
    path = Path(problem.file)
    name = str(path.relative_to(store.root)) if path.is_relative_to(store.root) else problem.file
    line = f", line {problem.line}" if problem.line is not None else ""
    byte = f", byte {problem.byte:,}" if problem.byte is not None else ""
    return f"{name}{line}{byte}"
