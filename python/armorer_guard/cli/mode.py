"""`armorer-guard mode`: whether answers hold, or are only recorded."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from armorer_guard.cli.policy import Failure, answer, complain, guard_home, load_named

if TYPE_CHECKING:
    from armorer_guard.policy.layers import Loaded


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `mode` to the command line."""
    parser = subparsers.add_parser(
        "mode",
        help="enforce what is decided, or only observe",
        description="Say whether answers hold. `observe` decides and records, and lets everything pass; `enforce` "
        "takes that back; without a word, says which it is. The change is recorded. `policy activate` sets the mode of "
        "its file.",
        epilog="exit codes: 0 done, 2 usage or input error",
    )
    parser.add_argument("mode", nargs="?", choices=("enforce", "observe"), help="the mode from now on")
    parser.add_argument("--reason", metavar="TEXT", help="why, for the record")
    parser.add_argument("--json", action="store_true", help="answer in JSON, for programs")
    parser.add_argument("--home", type=Path, metavar="DIR", help="where records, policy and keys are kept")


def run(arguments: argparse.Namespace) -> int:
    """
    Show or change the mode.

    Returns:
        0 done, 2 usage or input error.
    """
    try:
        return _run(arguments)
    except Failure as failure:
        complain(str(failure), failure.hint)
        return 2


def _run(arguments: argparse.Namespace) -> int:
    from armorer_guard import StoreError
    from armorer_guard.policy import activation

    home = guard_home(arguments)
    document, digest = load_named(None, home)
    was: str = document["mode"]
    if arguments.mode is not None and arguments.mode != was:
        if arguments.mode == "observe":
            _demand_may_observe()
        try:
            digest = activation.change_mode(arguments.mode, home, document, arguments.reason)
        except (OSError, StoreError) as error:
            raise Failure(f"the mode could not be changed below `{home}`: {error}") from None
    mode = arguments.mode or was
    if arguments.json:
        answer({"ok": True, "mode": mode, "previous": was, "policy": digest})
    else:
        as_before = ", as before" if arguments.mode == was else ""
        print(f"{mode}{as_before}  {document['id']} {digest}")
    return 0


def _demand_may_observe() -> None:
    """What the administrator says about the mode holds."""
    from armorer_guard.policy import layers
    from armorer_guard.policy.problems import PolicyProblems

    path = layers.managed_file()
    if path is None:
        return
    try:
        managed: Loaded | None = layers.compile_files(managed=path)
    except PolicyProblems as problems:
        raise Failure(f"the machine's policy cannot be read: {problems.problems[0]}") from None
    if managed is not None and managed.layers[0].model.mode == "enforce":
        raise Failure(f"the machine's policy `{path}` says `mode: enforce`", "ask whoever administers this machine")
