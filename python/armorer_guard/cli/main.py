"""Reads the command line and hands over to one command; modules are loaded only for the command that is asked."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import cast

COMMANDS = ("approve", "demo", "deny", "grants", "mode", "pending", "policy", "records", "replay", "revoke", "runs")
MODULES = dict.fromkeys(("approve", "deny", "grants", "pending", "revoke"), "approvals")
"""Commands that share a module; the others have one of their own name."""
VERBS = frozenset({"records"})
"""Commands that register only the verb that is asked for."""


class UsageError(Exception):
    """A command line that cannot be carried out; the message is for people."""


def build_parser(asked: str | None = None, verb: str | None = None) -> argparse.ArgumentParser:
    """The parser of the command and verb that are asked for; of every Python command when that is not one of them."""
    parser = argparse.ArgumentParser(
        prog="armorer-guard",
        description="Decide what an agent's tool calls may do, and keep the record.",
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    asked_for = COMMANDS if asked not in COMMANDS else (asked,)
    for module in dict.fromkeys(MODULES.get(name, name) for name in asked_for):
        add = import_module(f"armorer_guard.cli.{module}").add_parser
        if asked in VERBS:
            add(subparsers, verb)
        else:
            add(subparsers)
    return parser


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """What a command line says. A verb of its own is read by its own parser: those above it take as long to make."""
    if len(argv) > 1 and argv[0] in VERBS:
        alone = import_module(f"armorer_guard.cli.{argv[0]}").parser_of(argv[1])
        if alone is not None:
            return cast("argparse.Namespace", alone.parse_args(argv[2:]))
    return build_parser(*argv[:2]).parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run one command.

    Returns:
        Its exit code: 0 done, 2 usage or input error; commands document others in their help.
    """
    arguments = parse(sys.argv[1:] if argv is None else argv)
    module = import_module(f"armorer_guard.cli.{MODULES.get(arguments.command, arguments.command)}")
    try:
        return int(module.run(arguments))
    except BrokenPipeError:
        # The reader went away (`| head`): not an error of ours, and nothing may be printed at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
