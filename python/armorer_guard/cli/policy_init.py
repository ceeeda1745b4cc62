"""`armorer-guard policy init`: a narrow policy from what recorded runs did."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime, timezone

from armorer_guard.cli.policy import Failure, answer

_RAN = frozenset({"ok", "error", "timeout"})
"""Results of calls that were made."""


def run_init(arguments: argparse.Namespace) -> int:
    """
    Print a policy that permits what ran, or write it.

    Returns:
        0 done, 2 usage or input error.
    """
    from armorer_guard.cli.policy_backtest import recorded
    from armorer_guard.cli.records_text import progress_bar
    from armorer_guard.policy import layers
    from armorer_guard.policy.propose import Proposal

    if arguments.out is not None and arguments.out.exists():
        raise Failure(f"`{arguments.out}` is there already", "give another name; nothing is overwritten")
    document = layers.builtin(arguments.on)
    if document is None:
        raise Failure("a proposal stands on a built-in policy", "give `--on default` or `--on strict`")
    today = datetime.now(timezone.utc).date()
    proposal = Proposal(arguments.id, arguments.on, document, today)
    show = progress_bar("reading what ran")
    with recorded(arguments) as (index, rows):
        total, done = sum(row.length for row in rows), 0
        for row in rows:
            record, lost = index.store.whole(index.line(row) or {})
            if not lost:
                # Where nobody tells outcomes, what was allowed is taken to have run.
                proposal.add(record, ran=row.effect == "allow" or row.result in _RAN)
            done += row.length
            if show is not None:
                show(done, total)
    if not proposal.decisions:
        raise Failure("no decision about a call is recorded there", "let the guard judge some work first")
    text = proposal.text()
    if arguments.out is not None:
        try:
            arguments.out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise Failure(f"`{arguments.out}` cannot be written: {error.strerror}") from None
    if arguments.json:
        answer({"ok": True, "text": text, "decisions": proposal.decisions, "out": str(arguments.out or "") or None})
    elif arguments.out is None:
        sys.stdout.write(text)
    else:
        print(f"{arguments.out}: proposed from {proposal.decisions:,} decisions; read it, then")
        print(f"  armorer-guard policy check {arguments.out}")
        print(f"  armorer-guard policy backtest {arguments.out}")
    return 0
