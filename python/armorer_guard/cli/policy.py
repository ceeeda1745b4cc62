"""`armorer-guard policy`: check, compile, show, activate, test, explain, lint and compare policies."""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from armorer_guard.policy.layers import Loaded
    from armorer_guard.policy.problems import PolicyProblems, Problem

DESCRIPTION = "Write policies, check them, see what they decide, put one in force."
EXIT_CODES = "exit codes: 0 done, 1 something is wrong with the policy (or a test failed), 2 usage or input error"
MODULES = {
    "check": "policy_author",
    "compile": "policy_author",
    "test": "policy_author",
    "lint": "policy_author",
    "schema": "policy_author",
    "new": "policy_author",
    "show": "policy_active",
    "activate": "policy_active",
    "trust": "policy_active",
    "diff": "policy_active",
    "explain": "policy_explain",
    "backtest": "policy_backtest",
    "init": "policy_init",
    "pins": "policy_pins",
}
"""Which module carries out which command; loaded only for the command that is asked."""


class Failure(Exception):
    """A command that cannot be carried out: a sentence, and a hint when there is one. Exit code 2."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `policy` to the command line."""
    parser = subparsers.add_parser(
        "policy", help="write, check, try, explain and activate policies", description=DESCRIPTION
    )
    add_commands(parser)


def add_commands(parser: argparse.ArgumentParser) -> None:
    """Add every command of `policy`."""
    parser.epilog = EXIT_CODES
    commands = parser.add_subparsers(dest="policy_command", required=True, metavar="COMMAND")

    def command(name: str, said: str, more: str = "") -> argparse.ArgumentParser:
        made = commands.add_parser(
            name,
            help=said,
            description=f"{said[0].upper()}{said[1:]}.{' ' + more if more else ''}",
            epilog=EXIT_CODES,
        )
        made.add_argument("--json", action="store_true", help="answer in JSON, for programs")
        return made

    made = command("new", "print a policy to begin with", "Redirect it into a file, change it, then `check` it.")
    made = command("check", "say what is wrong with policy files", "Runs their examples and tests too.")
    _files(made)
    made = command("compile", "write the compiled form of a policy, or print it")
    made.add_argument("file", type=Path, metavar="FILE", help="a policy, YAML or TOML")
    made.add_argument("--out", type=Path, metavar="FILE", help="where to write it; standard output when not given")
    made.add_argument("--layer", choices=("user", "project", "managed"), default="user", help="whose policy it is")
    made.add_argument("--no-examples", action="store_true", help="do not run the examples; `activate` always does")
    made = command("test", "run the examples and tests of policy files", "Says which rules nothing touches.")
    _files(made)
    made.add_argument("--fail-untouched", action="store_true", help="exit with 1 when a rule is touched by none")
    made.add_argument("--junit", type=Path, metavar="FILE", help="write a JUnit report there")
    made = command("lint", "say what is allowed in policy files and yet probably not meant")
    _files(made)
    command("schema", "print the JSON Schema of the language, for editors")
    made = command("show", "show the policy in force, with the source of each rule")
    made.add_argument("rule", nargs="?", metavar="RULE", help="one rule in full")
    made.add_argument("--effective", action="store_true", help="the merged policy; what is shown in any case")
    _where(made)
    _home(made)
    made = command(
        "activate", "put a policy in force", "Prints its digest. The old policy stays in force when anything is wrong."
    )
    made.add_argument("file", nargs="?", type=Path, metavar="FILE", help="your policy; none for the built-in one alone")
    made.add_argument("--project", type=Path, metavar="FILE", help="a project's policy to merge in")
    made.add_argument("--managed", type=Path, metavar="FILE", help="the machine's policy, when it is not in its place")
    made.add_argument("--builtin", metavar="NAME", help="the built-in policy below: default, strict, observe, none")
    made.add_argument("--off", action="store_true", help="put no policy in force but the built-in default")
    _home(made)
    made = command(
        "trust", "let a project's policy allow things, as it is now", "Any change to the file ends the trust."
    )
    made.add_argument("file", type=Path, metavar="FILE", help="the project's policy")
    _home(made)
    made = command(
        "diff", "compare two policies", "A policy is a file, a digest, `active`, or the name of a built-in one."
    )
    made.add_argument("old", metavar="OLD")
    made.add_argument("new", metavar="NEW")
    made.add_argument("--fail-looser", action="store_true", help="exit with 1 when anything became looser")
    _home(made)
    made = command(
        "explain",
        "say how a decision comes about",
        "Reads a call as JSON from standard input, or a recorded decision by its id.",
    )
    made.add_argument("decision", nargs="?", metavar="ID", help="id of a recorded decision")
    made.add_argument("--all", action="store_true", help="show each condition, also of those that hold")
    _where(made)
    _home(made)
    made = command(
        "backtest",
        "judge what recorded runs did under another policy",
        "Nothing is run and nothing recorded. What a record no longer tells is said to be indeterminate.",
    )
    made.epilog = f"{EXIT_CODES}, 3 over a limit (--max-...)"
    made.add_argument("policy", metavar="POLICY", help="a file, a digest, `active`, or a built-in name")
    made.add_argument("--all", action="store_true", help="show every line of changes")
    for name, said in (("new-deny", "newly denied"), ("new-ask", "newly asked"), ("indeterminate", "indeterminate")):
        made.add_argument(f"--max-{name}", type=_limit, metavar="N", help=f"exit with 3 when more than N are {said}")
    _recorded(made)
    _home(made)
    made = command(
        "init",
        "propose a narrow policy from what recorded runs did",
        "Permits exactly what was asked about and then ran. What was denied, not understood or redacted is never "
        "permitted. Read what it proposes.",
    )
    made.add_argument("--id", type=_name, default="mine", metavar="NAME", help="the policy's id (default: mine)")
    made.add_argument("--on", default="default", metavar="NAME", help="the built-in policy below: default or strict")
    made.add_argument("--out", type=Path, metavar="FILE", help="where to write it; standard output when not given")
    _recorded(made)
    _home(made)
    made = command(
        "pins",
        "print what a recorded run's tools were, for a policy to pin",
        "Says which of them are other than the policy in force pins. The latest run that tells any is read.",
    )
    made.add_argument("--run", metavar="RUN", help="another run: its id, the beginning of it, or a session's name")
    made.add_argument("--check", action="store_true", help="exit with 1 when a pinned definition has changed")
    _where(made)
    _home(made)


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"`{text}` is not a whole number")
    return int(text)


def _name(text: str) -> str:
    import re

    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}", text):
        raise argparse.ArgumentTypeError(f"`{text}` is not a name of letters, digits and `.`, `_`, `-`")
    return text


def _recorded(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", metavar="TIME", help="only what was decided since: 7d, 2h, yesterday, 2026-11-22")
    parser.add_argument("--run", metavar="RUN", help="one run only: its id, the beginning of it, or a session's name")


def _files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a policy, YAML or TOML")
    parser.add_argument(
        "--layer", choices=("user", "project", "managed"), default="user", help="whose policies they are"
    )


def _where(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--policy", metavar="POLICY", help="a file, a digest, or a built-in name; the active one otherwise"
    )


def _home(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--home", type=Path, metavar="DIR", help="where records, policy and keys are kept")


def run(arguments: argparse.Namespace) -> int:
    """
    Carry out one command.

    Returns:
        0 done, 1 something is wrong with the policy, 2 usage or input error.
    """
    from armorer_guard.policy.problems import PolicyProblems

    name: str = arguments.policy_command
    module = import_module(f"armorer_guard.cli.{MODULES[name]}")
    try:
        return int(getattr(module, f"run_{name}")(arguments))
    except PolicyProblems as found:
        return report(found, as_json=arguments.json)
    except Failure as failure:
        complain(str(failure), failure.hint)
        return 2


def report(found: PolicyProblems, *, as_json: bool) -> int:
    """Tell what is wrong, on standard error for people and on standard output for programs."""
    if as_json:
        answer({"ok": False, "problems": [problem.as_json() for problem in found.problems]})
    else:
        tell(found.problems)
    return 1


def tell(problems: list[Problem]) -> None:
    """Problems for people, one paragraph each, on standard error."""
    for problem in problems:
        print(problem, file=sys.stderr)
    count = len(problems)
    print(f"{count} problem{'' if count == 1 else 's'}", file=sys.stderr)


def complain(message: str, hint: str | None = None) -> None:
    """An error in the front's own form."""
    print(f"armorer-guard: {message}", file=sys.stderr)
    if hint is not None:
        print(f"hint: {hint}", file=sys.stderr)


def answer(value: Any) -> None:
    """One JSON value on one line of standard output."""
    print(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def guard_home(arguments: argparse.Namespace) -> Path:
    """
    Where the guard keeps its state: as the option says, else as the core finds it.

    Raises:
        Failure: Nothing says where.
    """
    if arguments.home is not None:
        return Path(arguments.home).absolute()
    from armorer_guard import Guard

    found = Guard(record=False).home
    if found is None:
        raise Failure("nobody says where the guard keeps its state", "set ARMORER_GUARD_HOME, or give --home DIR")
    return Path(found)


def load_file(path: Path, layer: str = "user") -> Loaded:
    """
    Compile one file on the built-in policy that it stands on. A source of a built-in policy is compiled as one.

    Raises:
        PolicyProblems: Everything that is wrong with it.
    """
    from armorer_guard.policy import layers

    if layers.layer_of(path, "user").model.layer == "builtin":
        return layers.compile_builtin(path)
    paths: dict[str, Path | None] = {"user": None, "project": None, "managed": None, layer: path}
    return layers.compile_files(user=paths["user"], project=paths["project"], managed=paths["managed"])


def load_named(name: str | None, home: Path) -> tuple[dict[str, Any], str]:
    """
    A compiled policy by what people call it: a file, a digest, `active`, or a built-in name; the active one for None.

    Returns:
        The policy and its digest.

    Raises:
        Failure: There is no such policy, or it is damaged.
        PolicyProblems: It is a file, and something is wrong with it.
    """
    from armorer_guard.policy import activation, canonical, layers

    try:
        if name is None or name == "active":
            digest = activation.active_digest(home)
            name = "default" if digest is None else digest
        if name.startswith("sha256:"):
            kept = activation.load(home, name)
            if kept is None:
                raise Failure(f"no policy `{name}` is kept below `{home}`")
            return dict(kept), name
    except (ValueError, OSError) as error:
        raise Failure(str(error), "activate a policy again: `armorer-guard policy activate FILE`") from None
    if name in layers.BUILTIN and not Path(name).exists():
        found = layers.builtin(name)
        assert found is not None
        return found, canonical.digest(canonical.canonical(found))
    if not Path(name).exists() and not Path(name).suffix:
        raise Failure(
            f"no policy is called `{name}`",
            f"expected a file, a digest, `active`, or one of {', '.join(layers.BUILTIN)}",
        )
    loaded = load_file(Path(name))
    return loaded.policy.document, loaded.policy.digest
