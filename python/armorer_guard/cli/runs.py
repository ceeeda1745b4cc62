"""`armorer-guard runs`: end a run, and say what its records come to."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

_STATES = ("completed", "stopped", "killed", "crashed", "unknown")


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "runs",
        help="end a run and seal its record",
        description="End a run and seal its record. `armorer-guard records list --runs` lists runs.",
        epilog="exit status: 0 done; 1 there is no such run; 2 usage error, or it could not be written",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    stop = verbs.add_parser(
        "stop",
        help="close what is open, write the summary, seal the log",
        description="Close what is open, write the summary, seal the log in the journal and sign it. Runtimes that "
        "say when a session ends do this by themselves. A run may go on afterwards; it then begins another epoch.",
    )
    stop.add_argument("run", metavar="RUN", help="its id, the beginning or end of it, or the session's name")
    stop.add_argument("--state", choices=_STATES, default="stopped", help="how it ended (stopped)")
    stop.add_argument("--reason", metavar="TEXT", help="why, for the record")
    stop.add_argument("--json", action="store_true", help="answer in JSON, for programs")
    stop.add_argument("--home", metavar="DIR", help="where records are kept (default: ARMORER_GUARD_HOME)")


def run(arguments: argparse.Namespace) -> int:
    """End one run."""
    from armorer_guard import _core
    from armorer_guard.cli.records_keep import guard, run_id, written
    from armorer_guard.cli.records_text import CommandError, Screen, complain, counted

    try:
        name = run_id(arguments, arguments.run)
        writer = guard(arguments)
        done = json.loads(
            written(lambda: _core.stop_run(writer, run_id=name, state=arguments.state, reason=arguments.reason))
        )
    except CommandError as error:
        return complain(error)
    if arguments.json:
        print(json.dumps({"run": name, **done}, indent=1, ensure_ascii=True))
        return 0
    summary, screen = done["summary"], Screen.of(sys.stdout)
    said = "had ended before" if done["already"] else arguments.state
    print(f"{said}: run {name}, {counted(done['seal']['count'], 'record')}, sealed")
    decisions = ", ".join(f"{count} {effect}" for effect, count in summary["decisions"].items() if count)
    print(f"decisions: {decisions or 'none'}")
    odd = [
        f"{summary[field]} {field.replace('_', ' ')}"
        for field in ("failed_open", "bypassed", "overridden", "ambiguous", "unreported")
        if summary[field]
    ]
    if odd:
        print(screen.paint(", ".join(odd), "33"))
    return 0
