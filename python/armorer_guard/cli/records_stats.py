"""`stats`: does every rule still deserve to exist? What it decided, what became of it, when it did last."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from armorer_guard.cli.records_find import one_run, open_index, point_in_time
from armorer_guard.cli.records_text import (
    EFFECT_COLOURS,
    Cell,
    Screen,
    counted,
    parts,
    short_time,
    table,
    visible,
)
from armorer_guard.records.index import Index, RuleUse

_ENOUGH = 10
"""Questions below which nothing follows from their answers."""
_ALWAYS = 0.95
"""Part of the questions that went on, from which on asking them may be needless."""


def run_stats(arguments: argparse.Namespace) -> int:
    """One line a rule, the most used first; then what a person should look at."""
    screen = Screen.of(sys.stdout)
    with open_index(arguments) as index:
        run = one_run(index, arguments.run).name if arguments.run else None
        uses = index.rules(point_in_time(arguments.since), point_in_time(arguments.until), run)
        never = _never(index, uses)
        if arguments.json:
            rules = [{**asdict(use), "policies": sorted(use.policies), "notes": [*_notes(use)]} for use in uses]
            print(json.dumps({"rules": rules, "never": never}, indent=1, ensure_ascii=True))
            return 0
        if not uses:
            print("no rule has decided anything")
        elif not arguments.never:
            _print_uses(uses, screen)
        if arguments.never:
            _print_never(never, screen)
        elif never:
            gates = counted(len(never), "rule")
            print(screen.faint(f"({gates} that ask or deny never decided; `records stats --never` lists them)"))
    return 0


def _print_uses(uses: list[RuleUse], screen: Screen) -> None:
    heads = ("RULE", "DECIDED", "ALLOW", "ASK", "DENY", "ENFORCED", "OVERRIDDEN", "WENT ON", "APPEALS", "OPEN", "LAST")
    rows = [
        (
            Cell(visible(use.rule)),
            Cell(f"{use.allowed + use.asked + use.denied:,}"),
            Cell(f"{use.allowed:,}"),
            Cell(f"{use.asked:,}", "33" if use.asked else ""),
            Cell(f"{use.denied:,}", "31" if use.denied else ""),
            Cell(f"{use.enforced:,}"),
            Cell(f"{use.overridden:,}", "31" if use.overridden else ""),
            Cell(f"{use.went_on:,} of {use.asked:,}" if use.asked else "-", "" if use.asked else "2"),
            Cell(f"{use.approved:,} of {use.appealed:,}" if use.appealed else "-", "" if use.appealed else "2"),
            Cell(f"{use.open:,}"),
            Cell(short_time(use.last)),
        )
        for use in uses
    ]
    # What is left out first can be told from the other numbers.
    for line in table(screen, heads, rows, 0, spare=(1, 5, 9, 8, 7)):
        print(line)
    print(
        screen.faint(
            f"({counted(len(uses), 'rule')}; a decision of two rules counts for both)\n"
            "(WENT ON: after so many questions the call ran; APPEALS: approvals granted; OPEN: no outcome is known)"
        )
    )
    notes = [(use, note) for use in uses for note in _notes(use)]
    if notes:
        print(f"\n{screen.strong('Worth a look')}")
        for use, note in notes:
            print(f"  {visible(use.rule)}: {note}")


def _notes(use: RuleUse) -> Iterator[str]:
    """What its use says about a rule, in sentences."""
    if use.overridden:
        yield f"the runtime ran {counted(use.overridden, 'call')} that it had denied"
    if use.failed_open:
        yield f"the runtime did not wait for it {counted(use.failed_open, 'time')}"
    if use.asked >= _ENOUGH and use.went_on >= _ALWAYS * use.asked:
        yield f"it asked {use.asked:,} times and people nearly always went on: allow more narrowly, or deny"
    if use.asked >= _ENOUGH and use.stopped >= _ALWAYS * use.asked:
        yield f"it asked {use.asked:,} times and people nearly always stopped: deny"
    if use.appealed >= _ENOUGH and use.approved >= _ALWAYS * use.appealed:
        yield f"{use.approved:,} of {use.appealed:,} appeals were granted: it holds up what people want"


def _never(index: Index, uses: list[RuleUse]) -> list[dict[str, Any]]:
    """Rules of the policies in use that ask or deny and never decided anything."""
    spoke = {use.rule for use in uses}
    found: dict[str, dict[str, Any]] = {}
    for digest in {digest for use in uses for digest in use.policies}:
        try:
            document = json.loads(index.store.object(digest) or b"{}")
        except (ValueError, RecursionError):
            continue
        for rule in parts(document, "rules"):
            name = str(rule.get("id"))
            if name not in spoke and rule.get("effect") in ("ask", "deny"):
                where = f"{rule.get('file')}:{rule.get('line')}" if rule.get("file") else None
                found[name] = {"rule": name, "effect": rule["effect"], "where": where, "why": rule.get("why")}
    return [found[name] for name in sorted(found)]


def _print_never(never: list[dict[str, Any]], screen: Screen) -> None:
    if not never:
        print("every rule that asks or denies has decided something")
        return
    rows = [
        (
            Cell(visible(rule["rule"])),
            Cell(visible(rule["effect"]), EFFECT_COLOURS.get(str(rule["effect"]), "")),
            Cell(visible(rule["why"] or "-")),
            Cell(visible(rule["where"] or "-"), "2"),
        )
        for rule in never
    ]
    for line in table(screen, ("RULE", "EFFECT", "WHY IT IS THERE", "WHERE"), rows, 2):
        print(line)
    print(screen.faint(f"({counted(len(never), 'rule')} that never decided anything)"))
