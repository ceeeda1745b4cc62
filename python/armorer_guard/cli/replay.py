"""`armorer-guard replay`: decide again from the record, or say what another policy would have decided."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from armorer_guard.records.index import Index, Row
    from armorer_guard.records.replay import Replay

DIVERGED = 3


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "replay",
        help="decide again from the record, under the same or another policy",
        description="Decide again from the recorded facts. Nothing is run, fetched or recorded. Under the policy that "
        "decided, effect, rules and reasons must come out the same; with --policy, say what would have changed.",
        epilog="Facts were redacted before policy saw them, so nothing is guessed where a secret stood. --deep can\n"
        "only understand what is left: where a redacted value may be the reason, it says `indeterminate`.\n\n"
        "exit status: 0 the same, or --policy was given; 1 there is no such record, or none can be replayed;\n"
        "2 usage or input error; 3 the replay gave something else, and at which stage first",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "id", metavar="ID|RUN", help="a decision or a run: id, its beginning or end, or a session's name"
    )
    parser.add_argument("--policy", metavar="POLICY", help="another policy: a file, or the name of one that ships")
    parser.add_argument(
        "--deep",
        action="store_true",
        help="understand the recorded arguments again too, and say what this version sees differently",
    )
    parser.add_argument("--plain", action="store_true", help="of a run: ask the evaluator in plain Python too (slower)")
    parser.add_argument("--json", action="store_true", help="answer in JSON, for programs")
    parser.add_argument("--home", metavar="DIR", help="where records are kept (default: ARMORER_GUARD_HOME)")


def run(arguments: argparse.Namespace) -> int:
    """
    Replay a decision, or every decision of a run.

    Returns:
        0 the same; 1 nothing to replay; 2 usage or input error; 3 it came out differently.
    """
    from armorer_guard.cli.records_find import decision_of, one_record_or_run, open_index
    from armorer_guard.cli.records_text import CommandError, complain
    from armorer_guard.records.index import Filters, Run

    try:
        with open_index(arguments) as index:
            found = one_record_or_run(index, arguments.id)
            if isinstance(found, Run):
                rows = index.find(Filters(run=found.name), oldest_first=True)
            else:
                rows = [decision_of(index, found.id)]
            policy = _policy(arguments.policy, index.store.root.parent) if arguments.policy else None
            if arguments.deep:
                from armorer_guard.cli.replay_deep import replay_deep

                return replay_deep(index, rows, policy, arguments)
            return _replay(index, rows, policy, arguments)
    except CommandError as error:
        return complain(error)


def _policy(text: str, home: Path) -> bytes:
    """The canonical bytes of the policy that is named."""
    from armorer_guard._core import canonical_json
    from armorer_guard.cli.policy import Failure, load_named
    from armorer_guard.cli.records_text import CommandError
    from armorer_guard.policy.problems import PolicyProblems

    try:
        policy, _ = load_named(text, home)
    except Failure as failure:
        raise CommandError(str(failure), failure.hint) from None
    except PolicyProblems as problems:
        said = "; ".join(map(str, problems.problems[:3]))
        raise CommandError(
            f"the policy `{text}` cannot be used: {said}", "`armorer-guard policy check` tells more"
        ) from None
    return canonical_json(policy)


def _replay(index: Index, rows: Sequence[Row], other: bytes | None, arguments: argparse.Namespace) -> int:
    from armorer_guard.cli.records_text import progress_bar
    from armorer_guard.records.replay import CannotReplay, Policies, replay, under

    show = progress_bar("deciding again", "decisions")
    policies = Policies(index.store)
    plain = arguments.plain or len(rows) == 1
    done: list[tuple[Row, Replay]] = []
    impossible: list[tuple[Row, str]] = []
    for number, row in enumerate(rows, 1):
        record, _ = index.store.whole(index.line(row) or {})
        if show is not None:
            show(number, len(rows))
        try:
            if other is not None:
                done.append((row, under(record, other)))
            else:
                policy = record.get("policy")
                digest = policy.get("digest") if isinstance(policy, dict) else None
                done.append((row, replay(record, policies.text(digest), plain=plain)))
        except CannotReplay as error:
            impossible.append((row, str(error)))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            impossible.append((row, f"the record is not a decision as this version knows it: {error!r}"))
    diverged = [result for _, result in done if result.divergence is not None]
    if arguments.json:
        _print_json(done, impossible)
    elif other is not None:
        _say_changes(index, done, impossible)
    else:
        _say_sameness(done, impossible)
    return DIVERGED if diverged else 0 if done else 1


def _print_json(done: list[tuple[Row, Replay]], impossible: list[tuple[Row, str]]) -> None:
    print(
        json.dumps(
            {
                "same": sum(result.divergence is None and result.recorded == result.replayed for _, result in done),
                "replayed": [asdict(result) for _, result in done],
                "not_replayed": [{"id": row.id, "why": why} for row, why in impossible],
            },
            indent=1,
            ensure_ascii=True,
        )
    )


def _say_sameness(done: list[tuple[Row, Replay]], impossible: list[tuple[Row, str]]) -> None:
    from armorer_guard.cli.records_text import Screen, counted, visible

    screen = Screen.of(sys.stdout)
    diverged = [(row, result.divergence) for row, result in done if result.divergence is not None]
    for row, first in diverged[:20]:
        print(screen.paint(f"{row.id} parts from its record at the stage `{first.stage}`", "31"))
        print(f"  recorded  {visible(json.dumps(first.recorded, ensure_ascii=False))}")
        print(f"  replayed  {visible(json.dumps(first.replayed, ensure_ascii=False))}")
    _say_impossible(impossible, screen)
    if len(done) == 1 and not diverged:
        (_, result) = done[0]
        rules = ", ".join(map(visible, result.rules))
        print(f"the same: {screen.effect(result.replayed)} by {rules}, under policy {visible(result.policy)}")
    elif len(done) > 1:
        print(f"{counted(len(done) - len(diverged), 'decision')} of {len(done):,} came out the same")


def _say_changes(index: Index, done: list[tuple[Row, Replay]], impossible: list[tuple[Row, str]]) -> None:
    from armorer_guard.cli.records_text import Cell, Screen, counted, short_id, summary, table, visible

    screen = Screen.of(sys.stdout)
    changed = [(row, result) for row, result in done if result.recorded != result.replayed]
    if changed:
        colours = {"allow": "32", "ask": "33", "deny": "31"}
        rows = [
            (
                Cell(visible(result.recorded), colours.get(result.recorded, "")),
                Cell(visible(result.replayed), colours.get(result.replayed, "")),
                Cell(visible(row.tool or "text")),
                Cell(summary(index.summary(row) or {})),
                Cell(", ".join(map(visible, result.rules))),
                Cell(short_id(row.id)),
            )
            for row, result in changed[:50]
        ]
        for line in table(screen, ("WAS", "WOULD BE", "TOOL", "WHAT", "BY", "ID"), rows, 3):
            print(line)
        if len(changed) > len(rows):
            print(screen.faint(f"(and {len(changed) - len(rows):,} more)"))
    _say_impossible(impossible, screen)
    counts = Counter(result.replayed for _, result in changed)
    newly = ", ".join(f"{counts[name]:,} newly {word}" for name, word in _NEWLY.items() if counts[name])
    print(f"{counted(len(done), 'decision')}: {len(done) - len(changed):,} the same{', ' + newly if newly else ''}")
    if unknown := sum(result.unknown for _, result in changed):
        print(screen.faint(f"({unknown:,} of these rest on something that is not known, which counts against a call)"))


_NEWLY = {"deny": "denied", "ask": "asked", "allow": "allowed"}


def _say_impossible(impossible: list[tuple[Row, str]], screen: Any) -> None:
    from armorer_guard.cli.records_text import counted, visible

    for row, why in impossible[:5]:
        print(screen.paint(f"{row.id} cannot be replayed: {visible(why)}", "33"))
    if len(impossible) > 5:
        print(screen.faint(f"(and {counted(len(impossible) - 5, 'more decision')} that cannot be)"))
