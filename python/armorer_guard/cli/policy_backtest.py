"""`armorer-guard policy backtest`: a policy against what recorded runs really did."""

from __future__ import annotations

import argparse
import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from armorer_guard.cli.policy import Failure, answer, guard_home, load_named

if TYPE_CHECKING:
    from armorer_guard.policy.backtest import Backtest, Judged
    from armorer_guard.records.index import Index, Row

OVER_LIMIT = 3
"""Exit code when there is more of something than the command line permits."""
SHOWN = 40
"""Most lines of changes that are shown to a person."""
_HEADS = {"denied": "newly denied", "asked": "newly asked", "allowed": "newly allowed"}


@dataclass(frozen=True)
class _Line:
    """Changes that are alike, as one line."""

    kind: str
    was: str
    now: str
    tool: str
    what: str
    rules: tuple[str, ...]


def run_backtest(arguments: argparse.Namespace) -> int:
    """
    Judge recorded decisions under a policy.

    Returns:
        0 done, 1 something is wrong with the policy, 2 usage or input error, 3 over a limit of the command line.
    """
    from armorer_guard.policy.backtest import CLASSES

    policy, digest = load_named(arguments.policy, guard_home(arguments))
    counts: Counter[str] = Counter()
    lines: Counter[_Line] = Counter()
    examples: dict[_Line, str] = {}
    changed: list[dict[str, Any]] = []
    for judged, tool, what in _judged(policy, arguments):
        counts[judged.kind] += 1
        if judged.kind == "same":
            continue
        if arguments.json:
            changed.append({**asdict(judged), "tool": tool, "what": what})
        now = " or ".join(judged.now) or "?"
        line = _Line(judged.kind, judged.was, now, tool, what, judged.rules or (judged.why or "",))
        lines[line] += 1
        examples.setdefault(line, judged.id)
    over = _over(arguments, counts)
    if arguments.json:
        summary = {name: counts[name] for name in CLASSES}
        answer({"ok": not over, "policy": digest, "decisions": sum(counts.values()), **summary, "changes": changed})
    else:
        _print(counts, lines, examples, over, everything=arguments.all)
    return OVER_LIMIT if over else 0


def _judged(policy: dict[str, Any], arguments: argparse.Namespace) -> Iterator[tuple[Judged, str, str]]:
    """Every decision that is meant, judged, with its tool and what it was about."""
    from armorer_guard._core import PolicyError
    from armorer_guard.cli.records_text import progress_bar, summary
    from armorer_guard.policy.backtest import Backtest

    backtest = Backtest(policy)
    runs: dict[str, Iterator[dict[str, Any]]] = {}
    show = progress_bar("backtesting")
    try:
        with recorded(arguments) as (index, rows):
            total, done = sum(row.length for row in rows), 0
            for row in rows:
                line = index.line(row) or {}
                record, lost = index.store.whole(line)
                run = str(line.get("run"))
                if run not in runs:
                    runs[run] = _records(index, run)
                _catch_up(backtest, runs[run], row.id)
                yield backtest.judge(record, lost), row.tool or "text", summary(index.summary(row) or {})
                done += row.length
                if show is not None:
                    show(done, total)
    except PolicyError as error:
        raise Failure(f"the policy cannot be used: {error}") from None


def _records(index: Index, run: str) -> Iterator[dict[str, Any]]:
    """The records of a run, in the order of its log."""
    for stored in index.store.lines(run):
        if stored.members is not None and stored.members.get("run") == run:
            yield stored.members


def _catch_up(backtest: Backtest, records: Iterator[dict[str, Any]], decision: str) -> None:
    """Let the backtest see what stands before a decision in its log; the decision itself is judged."""
    for record in records:
        if record.get("id") == decision:
            return
        backtest.take(record)


@contextlib.contextmanager
def recorded(arguments: argparse.Namespace) -> Iterator[tuple[Index, list[Row]]]:
    """The index and the decisions that the command line means, oldest first."""
    from armorer_guard.cli.records_find import one_run, open_index, point_in_time
    from armorer_guard.cli.records_text import CommandError
    from armorer_guard.records.index import Filters

    try:
        with open_index(arguments) as index:
            filters = Filters(
                run=one_run(index, arguments.run).name if arguments.run else None,
                since=point_in_time(arguments.since),
            )
            yield index, index.find(filters, oldest_first=True)
    except CommandError as error:
        raise Failure(error.message, error.hint) from None


def _over(arguments: argparse.Namespace, counts: Counter[str]) -> list[str]:
    """The limits of the command line that are exceeded, as sentences."""
    limits = {
        "denied": arguments.max_new_deny,
        "asked": arguments.max_new_ask,
        "indeterminate": arguments.max_indeterminate,
    }
    return [
        f"{counts[name]:,} {_HEADS.get(name, name)}, at most {limit:,} permitted"
        for name, limit in limits.items()
        if limit is not None and counts[name] > limit
    ]


def _print(
    counts: Counter[str], lines: Counter[_Line], examples: dict[_Line, str], over: list[str], *, everything: bool
) -> None:
    import sys

    from armorer_guard.cli.records_text import EFFECT_COLOURS, Cell, Screen, counted, short_id, table, visible

    screen = Screen.of(sys.stdout)
    order = ["denied", "asked", "allowed", "indeterminate"]
    ranked = sorted(lines.items(), key=lambda item: (order.index(item[0].kind), -item[1], item[0].what))
    shown = ranked if everything else ranked[:SHOWN]
    if shown:
        rows = [
            (
                Cell(f"{count:,}"),
                Cell(line.was, EFFECT_COLOURS.get(line.was, "")),
                Cell(line.now, EFFECT_COLOURS.get(line.now, "33")),
                Cell(visible(line.tool)),
                Cell(line.what),
                Cell(", ".join(map(visible, line.rules))),
                Cell(short_id(examples[line])),
            )
            for line, count in shown
        ]
        for text in table(screen, ("TIMES", "WAS", "WOULD BE", "TOOL", "WHAT", "BY", "SUCH AS"), rows, 4):
            print(text)
    if len(ranked) > len(shown):
        print(screen.faint(f"(and {len(ranked) - len(shown):,} more lines; --all shows them)"))
    told = [f"{counts[name]:,} {said}" for name, said in _HEADS.items() if counts[name]]
    told += [f"{counts['same']:,} the same"]
    told += [f"{counts['indeterminate']:,} indeterminate"] if counts["indeterminate"] else []
    print(f"{counted(sum(counts.values()), 'decision')}: {', '.join(told)}")
    for sentence in over:
        print(screen.paint(sentence, "31"))
