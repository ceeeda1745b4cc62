"""`stats`: does every rule still deserve to exist? What it decided, what became of it, when it did last."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from armorer_guard.cli.records_find import one_run, open_index, point_in_time
from armorer_guard.cli.records_text import Cell, Screen, counted, short_time, table, visible


def run_stats(arguments: argparse.Namespace) -> int:
    """One line a rule, the most used first."""
    screen = Screen.of(sys.stdout)
    with open_index(arguments) as index:
        run = one_run(index, arguments.run).name if arguments.run else None
        uses = index.rules(point_in_time(arguments.since), point_in_time(arguments.until), run)
        if arguments.json:
            print(json.dumps([asdict(use) for use in uses], indent=1, ensure_ascii=True))
            return 0
        if not uses:
            print("no rule has decided anything")
            return 0
        heads = ("RULE", "DECIDED", "ALLOW", "ASK", "DENY", "ENFORCED", "OVERRIDDEN", "NOT KNOWN", "LAST")
        rows = [
            (
                Cell(visible(use.rule)),
                Cell(f"{use.allowed + use.asked + use.denied:,}"),
                Cell(f"{use.allowed:,}"),
                Cell(f"{use.asked:,}", "33" if use.asked else ""),
                Cell(f"{use.denied:,}", "31" if use.denied else ""),
                Cell(f"{use.enforced:,}"),
                Cell(f"{use.overridden:,}", "31" if use.overridden else ""),
                Cell(f"{use.open:,}"),
                Cell(short_time(use.last)),
            )
            for use in uses
        ]
        for line in table(screen, heads, rows, 0):
            print(line)
        print(screen.faint(f"({counted(len(uses), 'rule')}; a decision of two rules counts for both)"))
    return 0
