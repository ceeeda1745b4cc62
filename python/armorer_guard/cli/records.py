"""`armorer-guard records`: list, show, explain, verify, search, export and keep what runs left behind."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from typing import Any

_OUTCOMES = ("enforced", "overridden", "bypassed", "failed_open", "observed", "not_attempted", "unknown", "none")
_RESULTS = ("ok", "error", "timeout", "cancelled", "ambiguous")
_VERBS = {
    "list": "records_list",
    "tail": "records_list",
    "search": "records_list",
    "export": "records_export",
    "stats": "records_stats",
    "show": "records_show",
    "why": "records_why",
    "verify": "records_verify",
    "checkpoint": "records_keep",
    "anchor": "records_keep",
    "key": "records_keep",
    "prune": "records_keep",
    "forget": "records_keep",
    "schema": "records_keep",
}

_IDS = """
An ID is that of a record or of a run, its beginning or its end (as lists show it) when only one fits, or the runtime's
own name of the session.
"""

_FORMATS = """
jsonl    the stored lines, byte for byte
csv      one decision a row, as spreadsheets read it
parquet  one record a row, for DuckDB, pandas and their like; needs -o and the extra `parquet`
otel     OpenTelemetry traces, OTLP in JSON: one trace a run; neither arguments nor targets nor paths are in there
ocsf     one OCSF event a line, for security tools
Nothing is sent anywhere, and no format holds more than the records do.
"""


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Help as it is written, with room for the names of options."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=112)


def _parser(verbs: Any, name: str, what: str, epilog: str) -> argparse.ArgumentParser:
    found: argparse.ArgumentParser = verbs.add_parser(
        name,
        help=what,
        description=f"{what[0].upper()}{what[1:]}.",
        epilog=epilog.strip() + "\n",
        formatter_class=_Formatter,
    )
    found.add_argument("--json", action="store_true", help="answer in JSON, for programs")
    found.add_argument("--home", metavar="DIR", help="where records are kept (default: ARMORER_GUARD_HOME)")
    return found


def _filters(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which records")
    group.add_argument("--since", metavar="TIME", help="from then on: 7d, 2h, today, 2026-11-22, 2026-11-22T09:41Z")
    group.add_argument("--until", metavar="TIME", help="before then")
    group.add_argument("--run", metavar="RUN", help="of this run (id, its beginning or end, or the session's name)")
    group.add_argument("--agent", metavar="NAME", help="of this runtime or agent")
    group.add_argument("--tool", metavar="NAME", help="calls of this tool; `*` stands for anything")
    group.add_argument("--action", metavar="KIND", help="calls that would do this: fs.delete, net.*")
    group.add_argument("--effect", choices=("allow", "ask", "deny"), help="so decided")
    group.add_argument("--rule", metavar="ID", help="decided by this rule; `*` stands for anything")
    group.add_argument("--finding", metavar="ID", help="with a finding of this rule; `*` stands for anything")
    group.add_argument("--label", metavar="NAME", help="while the run had this label: secret, untrusted, …")
    group.add_argument(
        "--outcome",
        choices=_OUTCOMES + _RESULTS,
        metavar="NAME",
        help=f"that ended so: {', '.join(_OUTCOMES)} (not known), or {', '.join(_RESULTS)}",
    )
    group.add_argument("--kind", default="decision", help="records of this kind instead of decisions; `all` for all")


def add_parser(subparsers: Any, asked: str | None = None) -> None:
    """Register the command, with the verb that is asked for; with every verb when that is none of them."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "records",
        help="list, show and verify what runs left behind",
        description="List, show, explain, verify, export and keep what runs left behind. Nothing changes a record;\n"
        "`prune` and `forget` take whole runs away, and say so.",
        epilog="exit status: 0 done; 1 what was asked for is not there; 2 usage or input error;\n"
        "`verify` has one for every verdict, see its help",
        formatter_class=_Formatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    chosen = _ADD if asked not in _ADD else {asked: _ADD[asked]}
    for add in dict.fromkeys(chosen.values()):
        add(verbs)


class _Alone:
    """Stands in for the verbs of the command where one is asked for and its name was read already."""

    parser: argparse.ArgumentParser

    def add_parser(self, name: str, *, help: str, **options: Any) -> argparse.ArgumentParser:
        self.parser = argparse.ArgumentParser(prog=f"armorer-guard records {name}", **options)
        self.parser.set_defaults(command="records", verb=name)
        return self.parser


def parser_of(verb: str) -> argparse.ArgumentParser | None:
    """The parser of what stands behind a verb; None for a verb that is none, or is registered together with others."""
    add = _ADD.get(verb)
    if add is None or add is _add_keeping:
        return None
    alone = _Alone()
    add(alone)
    return alone.parser


def _add_list(verbs: Any) -> None:
    listing = _parser(verbs, "list", "list decisions, newest first, or runs", "exit status: 0 done; 2 usage error")
    listing.add_argument("--runs", action="store_true", help="list runs instead")
    listing.add_argument("-n", "--limit", type=int, default=20, metavar="N", help="at most so many (20); 0: all")
    _filters(listing)


def _add_show(verbs: Any) -> None:
    show = _parser(
        verbs,
        "show",
        "show a decision, another record or a run in full",
        _IDS + "\nexit status: 0 shown; 1 there is no such record or run; 2 usage error, or the id is not unique",
    )
    show.add_argument("id", metavar="ID")


def _add_why(verbs: Any) -> None:
    why = _parser(
        verbs,
        "why",
        "explain a decision on one screen",
        _IDS + "\nexit status: 0 explained; 1 there is no such decision; 2 usage error, or the id is not unique",
    )
    why.add_argument("id", metavar="ID")


def _add_tail(verbs: Any) -> None:
    tail = _parser(verbs, "tail", "show the latest records, and wait for more", "exit status: 0 done; 2 usage error")
    tail.add_argument("-f", "--follow", action="store_true", help="go on and show records as they are written")
    tail.add_argument("-n", "--limit", type=int, default=10, metavar="N", help="begin with so many (10)")
    _filters(tail)


def _add_stats(verbs: Any) -> None:
    stats = _parser(
        verbs,
        "stats",
        "say how every rule was used: how often it decided, what became of it, when it did last",
        "exit status: 0 done; 2 usage error",
    )
    stats.add_argument("--since", metavar="TIME", help="from then on: 7d, 2h, today, 2026-11-22")
    stats.add_argument("--until", metavar="TIME", help="before then")
    stats.add_argument("--run", metavar="RUN", help="of this run only")
    stats.add_argument("--never", action="store_true", help="list the rules that never decided anything instead")


def _add_search(verbs: Any) -> None:
    search = _parser(
        verbs,
        "search",
        "find records that contain all the given words",
        "Words are looked for in the stored lines, case of ASCII letters aside. Secrets are not in there.\n\n"
        "exit status: 0 found; 1 nothing found; 2 usage error",
    )
    search.add_argument("word", nargs="+", metavar="WORD")
    search.add_argument("-n", "--limit", type=int, default=20, metavar="N", help="at most so many (20); 0: all")
    search.add_argument("--run", metavar="RUN", help="of this run only")
    search.add_argument("--kind", default="all", help="records of this kind only")


def _add_export(verbs: Any) -> None:
    export = _parser(
        verbs,
        "export",
        "write records to standard output or into a file, oldest first",
        _FORMATS + "\nexit status: 0 done; 2 usage error",
    )
    export.add_argument(
        "--format", choices=("jsonl", "csv", "parquet", "otel", "ocsf"), default="jsonl", help="see below (jsonl)"
    )
    export.add_argument("-o", "--output", metavar="FILE", help="write there instead, whole or not at all")
    export.add_argument("--digests", action="store_true", help="otel: name digests of policy, facts and action too")
    _filters(export)
    export.add_argument("--receipt", metavar="ID", help="one record or run, for a stranger to check without the store")
    export.set_defaults(kind=None)


def _add_verify(verbs: Any) -> None:
    from armorer_guard.records.verify import VERDICTS

    codes = "\n".join(f"  {kind.exit_code:>2}  {kind.name:<14}{kind.meaning}" for kind in VERDICTS.values())
    verify = _parser(
        verbs,
        "verify",
        "check that no record was changed, and say what was done to which",
        f"exit status, that of the gravest thing found:\n{codes}\n"
        "   1  there are no records, or no such run\n   2  usage error\n"
        "clock_step, pruned and unsealed_tail fail only with --strict.",
    )
    verify.add_argument("run", nargs="*", metavar="RUN", help="only these runs; objects are then left out")
    verify.add_argument(
        "--anchor", metavar="FILE", help="hold the chains against heads or checkpoints that were kept elsewhere"
    )
    verify.add_argument("--receipt", metavar="FILE", help="check this receipt instead; no store is needed")
    verify.add_argument(
        "--key",
        metavar="KEY",
        action="append",
        default=[],
        help="a public key that must have signed, or a file of such",
    )
    verify.add_argument("--heads", action="store_true", help="print the last record of every chain, to keep elsewhere")
    verify.add_argument("--strict", action="store_true", help="count notes as failures")
    verify.add_argument("--thorough", action="store_true", help="read every line as JSON too (slower)")


def _add_keeping(verbs: Any) -> None:
    from armorer_guard.cli.records_keep import add_parsers

    add_parsers(verbs, _parser)


_ADD: dict[str, Callable[[Any], None]] = {
    "list": _add_list,
    "show": _add_show,
    "why": _add_why,
    "verify": _add_verify,
    "tail": _add_tail,
    "stats": _add_stats,
    "search": _add_search,
    "export": _add_export,
    **dict.fromkeys(("checkpoint", "anchor", "key", "prune", "forget", "schema"), _add_keeping),
}
"""How each verb is registered: making the parsers of all of them takes longer than listing records."""


def run(arguments: argparse.Namespace) -> int:
    """
    Carry out one verb.

    Returns:
        0 done; 1 what was asked for is not there; 2 usage or input error; `verify` the code of its verdict.
    """
    from armorer_guard.cli.records_text import CommandError, complain

    if getattr(arguments, "receipt", None):
        from armorer_guard.cli import records_receipt

        act = {"export": records_receipt.export_receipt, "verify": records_receipt.check_receipt}[arguments.verb]
    else:
        module = import_module(f"armorer_guard.cli.{_VERBS[arguments.verb]}")
        act = getattr(module, f"run_{arguments.verb}")
    try:
        return int(act(arguments))
    except CommandError as error:
        return complain(error)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        where = f" `{error.filename}`" if error.filename else ""
        return complain(CommandError(f"the records{where} cannot be read: {error.strerror or error}"))
