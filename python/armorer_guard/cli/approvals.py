"""
`armorer-guard pending`, `approve`, `deny`, `grants`, `revoke`: a person answers what agents were asked about.

An answer is bound to one exact action: tool, arguments, directory, policy, and the files that it would run. It is given
at a terminal that does not descend from the agent, and it is a record of the run that it belongs to, which every use
cites.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from armorer_guard.runs.approvals import Question

_SCOPES = ("once", "run", "until", "rule")
_EXIT = "exit status: 0 done; 1 there is no such question or grant; 2 usage error, or it is not for you to answer"


class Failure(Exception):
    """A command that cannot be carried out: a sentence, a hint when there is one, and the exit status."""

    def __init__(self, message: str, hint: str | None = None, status: int = 2) -> None:
        super().__init__(message)
        self.hint = hint
        self.status = status


def add_parser(subparsers: Any) -> None:
    """Register the commands."""

    def command(name: str, said: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = subparsers.add_parser(
            name, help=said, description=f"{said[0].upper()}{said[1:]}.", epilog=_EXIT
        )
        made.add_argument("--json", action="store_true", help="answer in JSON, for programs")
        made.add_argument("--home", metavar="DIR", type=Path, help="where records are kept")
        return made

    pending = command("pending", "list the questions that agents wait for")
    pending.add_argument("--since-hours", type=int, default=24, metavar="N", help="asked in the last N hours (24)")
    approve = command("approve", "allow what an agent was asked about")
    approve.add_argument("id", metavar="ID", help="the decision that asked; its beginning or end will do")
    approve.add_argument(
        "--scope", choices=_SCOPES, default="once", help="how often: once, in this run, until a time, for a whole rule"
    )
    approve.add_argument("--minutes", type=int, default=None, metavar="N", help="it lapses after so long (once: 10)")
    approve.add_argument("--rule", metavar="ID", help="with `--scope rule`: which rule's questions are answered")
    approve.add_argument("--yes", action="store_true", help="do not ask for confirmation at the terminal")
    approve.add_argument("--reason", metavar="TEXT", help="why, for the record")
    deny = command("deny", "answer an agent's question with no")
    deny.add_argument("id", metavar="ID", help="the decision that asked; its beginning or end will do")
    command("grants", "list what was allowed and still holds")
    revoke = command("revoke", "take back what was allowed")
    revoke.add_argument("id", metavar="GRANT", help="the grant; its beginning or end will do")
    revoke.add_argument("--reason", metavar="TEXT", help="why, for the record")


def run(arguments: argparse.Namespace) -> int:
    """Carry out one of the commands."""
    from armorer_guard._core import GuardError
    from armorer_guard.records.store import StoreMissing

    commands = {"pending": _pending, "approve": _approve, "deny": _deny, "grants": _grants, "revoke": _revoke}
    try:
        return commands[arguments.command](arguments)
    except Failure as failure:
        return _fail(arguments, str(failure), failure.hint, failure.status)
    except StoreMissing as error:
        return _fail(arguments, str(error), None, 1)
    except (GuardError, OSError) as error:
        return _fail(arguments, str(error), None, 2)


def _fail(arguments: argparse.Namespace, message: str, hint: str | None, status: int) -> int:
    if arguments.json:
        print(json.dumps({"ok": False, "error": {"message": message, "hint": hint}}))
    else:
        print(f"armorer-guard: {message}" + (f"\nhint: {hint}" if hint else ""), file=sys.stderr)
    return status


def _home(arguments: argparse.Namespace) -> Path:
    from armorer_guard.records.store import guard_home

    return Path(arguments.home).absolute() if arguments.home is not None else guard_home()


def _answer(arguments: argparse.Namespace, value: Any, text: str) -> int:
    print(json.dumps(value, ensure_ascii=False) if arguments.json else text)
    return 0


def _shown(question: Question) -> str:
    lines = [f"{question.id}  {question.ts[:19]}Z  {question.tool} in run {question.run}"]
    lines += [f"    {sentence}" for sentence in question.sentences[:8]]
    if len(question.sentences) > 8:
        lines.append(f"    and {len(question.sentences) - 8} more actions")
    lines += [f"    why     {message} [{rule}]" for rule, message in question.reasons]
    lines.append(f"    args    {question.args}")
    lines.append(f"    in      {question.cwd or '(directory not known)'}")
    lines += [
        f"    runs    {operand.path}, {(operand.digest or 'not readable')[:19]}…" for operand in question.operands
    ]
    if question.labels:
        lines.append(f"    note    this run has seen: {', '.join(question.labels)}")
    return "\n".join(lines)


def _pending(arguments: argparse.Namespace) -> int:
    from armorer_guard.runs import approvals

    since = datetime.now(timezone.utc) - timedelta(hours=arguments.since_hours)
    found = approvals.pending(_home(arguments), since)
    text = "\n".join(map(_shown, found)) if found else "nobody waits for an answer"
    return _answer(arguments, [question.document() for question in found], text)


def _one(arguments: argparse.Namespace) -> Question:
    from armorer_guard.runs import approvals

    found = approvals.find(_home(arguments), arguments.id)
    if not found:
        raise Failure(f"no question has the id `{arguments.id}`", "`armorer-guard pending` lists them", 1)
    if len(found) > 1:
        raise Failure(f"{len(found)} questions have an id like `{arguments.id}`", "give more of it")
    return found[0]


def _may_answer(question: Question) -> None:
    """Whoever answers sits at a terminal, and is not the agent."""
    from armorer_guard.runs import approvals

    if approvals.descends_from(question.asker):
        raise Failure(
            "this command was started by the agent that asked, and an agent answers no question of its own",
            "a person answers it from another terminal",
        )
    if not sys.stdin.isatty():
        raise Failure("an answer is given at a terminal; standard input is none", "run it from a terminal of your own")


def _approve(arguments: argparse.Namespace) -> int:
    from armorer_guard.runs import approvals

    question = _one(arguments)
    _may_answer(question)
    if (arguments.rule is not None) != (arguments.scope == "rule"):
        raise Failure("`--rule` and `--scope rule` go together", f"it asked by {', '.join(question.rules)}")
    if arguments.scope == "until" and arguments.minutes is None:
        raise Failure("`--scope until` needs `--minutes N`")
    if arguments.minutes is not None and not 1 <= arguments.minutes <= 60 * 24 * 31:
        raise Failure("`--minutes` is from 1 to 44640")
    problem = approvals.objection(question, arguments.scope, arguments.rule)
    if problem is not None:
        raise Failure(problem)
    shown = _shown(question)
    if not arguments.yes:
        print(shown, file=sys.stderr)
        print(f"allow this ({arguments.scope})? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise Failure("nothing was allowed", status=1)
    minutes = arguments.minutes if arguments.minutes is not None else (10 if arguments.scope == "once" else None)
    grant = approvals.approve(
        _home(arguments),
        question,
        scope=arguments.scope,
        rule=arguments.rule,
        expires=None if minutes is None else datetime.now(timezone.utc) + timedelta(minutes=minutes),
        presented=shown,
        terminal=os.ttyname(sys.stdin.fileno()),
        reason=arguments.reason,
    )
    return _answer(
        arguments, {"ok": True, "grant": grant, "decision": question.id}, f"grant {grant}: the agent may try again"
    )


def _deny(arguments: argparse.Namespace) -> int:
    from armorer_guard.runs import approvals

    question = _one(arguments)
    _may_answer(question)
    terminal = os.ttyname(sys.stdin.fileno())
    approvals.deny(_home(arguments), question, presented=_shown(question), terminal=terminal)
    return _answer(arguments, {"ok": True, "decision": question.id}, f"answered {question.id} with no")


def _grants(arguments: argparse.Namespace) -> int:
    from armorer_guard.runs import approvals

    found = approvals.grants(_home(arguments))
    text = "\n".join(
        f"{grant.id}  {grant.scope:<5}  {grant.what}  in run {grant.run}"
        + (f", until {grant.expires}" if grant.expires else "")
        for grant in found
    )
    return _answer(arguments, [grant.document() for grant in found], text or "nothing is allowed beyond the policy")


def _revoke(arguments: argparse.Namespace) -> int:
    from armorer_guard.runs import approvals

    home = _home(arguments)
    found = [grant for grant in approvals.grants(home) if approvals.names(arguments.id, grant.id)]
    if len(found) != 1:
        raise Failure(
            f"{len(found) or 'no'} grants that hold have an id like `{arguments.id}`",
            "`armorer-guard grants` lists them",
            2 if found else 1,
        )
    # Taking something back is for anybody: it only makes the policy stricter.
    approvals.revoke(home, found[0], arguments.reason)
    return _answer(arguments, {"ok": True, "grant": found[0].id}, f"grant {found[0].id} no longer holds")
