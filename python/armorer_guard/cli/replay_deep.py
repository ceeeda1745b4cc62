"""`replay --deep`: what this version's core understands differently in calls that were recorded."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from armorer_guard.cli.records_text import (
    EFFECT_COLOURS,
    Cell,
    Screen,
    counted,
    part,
    parts,
    progress_bar,
    sentence,
    short_id,
    summary,
    table,
    visible,
)
from armorer_guard.records.deep import CHANGED, INDETERMINATE, SAME, Deep, Difference, deep
from armorer_guard.records.index import Index, Row
from armorer_guard.records.replay import CannotReplay, Policies

_MOST = 50
_COLOURS = {CHANGED: "31", INDETERMINATE: "33", SAME: "32"}


def replay_deep(index: Index, rows: list[Row], other: bytes | None, arguments: argparse.Namespace) -> int:
    """
    Understand and decide again.

    Returns:
        0 nothing is understood differently, or only where values are redacted; 1 nothing could be; 3 something is.
    """
    policies, done, impossible = Policies(index.store), [], []
    show = progress_bar("understanding", "decisions")
    for number, row in enumerate(rows):
        record, _ = index.store.whole(index.line(row) or {})
        try:
            policy = other or policies.text(part(record, "policy").get("digest"))
            done.append((row, record, deep(record, policy, _commands(index, record))))
        except CannotReplay as error:
            impossible.append((row, str(error)))
        if show is not None:
            show(number + 1, len(rows))
    if arguments.json:
        _print_json(done, impossible)
    else:
        _print(index, done, impossible)
    changed = any(result.verdict == CHANGED for _, _, result in done)
    return 3 if changed else 0 if done else 1


def _commands(index: Index, record: dict[str, Any]) -> bytes | None:
    """The person's own commands by which the call was understood."""
    digest = part(record, "policy").get("commands")
    if digest is None:
        return None
    found = index.store.object(str(digest))
    if found is None:
        raise CannotReplay(f"the commands {digest} of then are not in the store any more")
    return found


def _print_json(done: list[tuple[Row, dict[str, Any], Deep]], impossible: list[tuple[Row, str]]) -> None:
    counts = Counter(result.verdict for _, _, result in done)
    answer = {
        **{name: counts[name] for name in (SAME, CHANGED, INDETERMINATE)},
        "replayed": [{**asdict(result), "verdict": result.verdict} for _, _, result in done],
        "not_replayed": [{"id": row.id, "why": why} for row, why in impossible],
    }
    print(json.dumps(answer, indent=1, ensure_ascii=True))


def _print(index: Index, done: list[tuple[Row, dict[str, Any], Deep]], impossible: list[tuple[Row, str]]) -> None:
    screen = Screen.of(sys.stdout)
    different = [(row, record, result) for row, record, result in done if result.verdict != SAME]
    if len(done) == 1:
        for _, _, result in different:
            for difference in result.differences:
                _print_difference(difference, screen)
    elif different:
        rows = [
            (
                Cell(result.verdict, _COLOURS[result.verdict]),
                Cell(", ".join(difference.stage for difference in result.differences)),
                Cell(visible(result.recorded), EFFECT_COLOURS.get(result.recorded, "")),
                Cell(visible(result.now), EFFECT_COLOURS.get(result.now, "")),
                Cell(visible(row.tool or "text")),
                Cell(summary(record)),
                Cell(short_id(row.id)),
            )
            for row, record, result in different[:_MOST]
        ]
        for line in table(screen, ("VERDICT", "STAGES", "WAS", "NOW", "TOOL", "WHAT", "ID"), rows, 5):
            print(line)
        if len(different) > _MOST:
            print(screen.faint(f"(and {len(different) - _MOST:,} more)"))
    for row, why in impossible[:5]:
        print(screen.paint(f"{row.id} cannot be understood again: {visible(why)}", "33"))
    counts = Counter(result.verdict for _, _, result in done)
    said = [f"{counts[SAME]:,} understood as before"]
    if counts[CHANGED]:
        said.append(screen.paint(f"{counts[CHANGED]:,} differently", "31"))
    if counts[INDETERMINATE]:
        said.append(screen.paint(f"{counts[INDETERMINATE]:,} indeterminate, for values are redacted", "33"))
    if impossible:
        said.append(f"{len(impossible):,} not at all")
    print(f"{counted(len(done) + len(impossible), 'decision')}: {', '.join(said)}")


def _print_difference(difference: Difference, screen: Screen) -> None:
    print(f"{difference.stage}: {screen.paint(difference.verdict, _COLOURS[difference.verdict])}")
    print(f"  recorded  {_told(difference.stage, difference.recorded)}")
    print(f"  now       {_told(difference.stage, difference.now)}")


def _told(stage: str, value: object) -> str:
    if stage == "actions":
        return "; ".join(_sentences(value)) or "nothing that is known"
    if stage == "findings":
        return ", ".join(visible(found.get("rule")) for found in parts({"found": value}, "found")) or "nothing"
    return visible(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _sentences(value: object) -> Iterable[str]:
    return [sentence({"at": "", **action}).removeprefix("would ") for action in parts({"actions": value}, "actions")]
