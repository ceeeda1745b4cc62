"""`armorer-guard policy pins`: what the definitions of tools were in a recorded run, as a policy pins them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from typing import Any

from armorer_guard.cli.policy import Failure, answer, guard_home, load_named

_SAID = {"new": "not pinned yet", "changed": "CHANGED", "same": "", "gone": "not told of in this run"}


def run_pins(arguments: argparse.Namespace) -> int:
    """
    Print the block `pins` for a policy, and what is other than in the policy in force.

    Returns:
        0 done, 1 a definition is another one than the policy pins (with `--check`), 2 usage or input error.
    """
    from armorer_guard.cli.records_find import one_run, open_index
    from armorer_guard.cli.records_text import CommandError

    policy, _ = load_named(arguments.policy, guard_home(arguments))
    pinned: dict[str, str] = policy.get("pins", {})
    try:
        with open_index(arguments) as index:
            runs = index.runs() if arguments.run is None else [one_run(index, arguments.run)]
            for run in runs:
                lines = (stored.members for stored in index.store.lines(run.name) if stored.members is not None)
                told = definitions(line for line in lines if line.get("run") == run.name)
                if told:
                    break
            else:
                raise Failure(
                    "no run says what its tools are",
                    "tell it with `Guard.begin(tools=[...])`, or `definition` of a call",
                )
    except CommandError as error:
        raise Failure(error.message, error.hint) from None
    states = {tool: _state(told.get(tool), pinned.get(tool)) for tool in sorted({*told, *pinned})}
    odd = any(state == "changed" for state in states.values())
    if arguments.json:
        answer({"ok": not (arguments.check and odd), "run": run.name, "pins": told, "states": states})
    else:
        print(f"# Definitions of tools in run {run.name}; for a policy.\npins:")
        for tool, state in states.items():
            entry = f"  {json.dumps(tool, ensure_ascii=False)}: {told.get(tool, pinned.get(tool))}"
            said = _SAID[state] + (f", the policy pins {pinned[tool]}" if state == "changed" else "")
            print(f"{entry}  # {said}" if said else entry)
    return 1 if arguments.check and odd else 0


def definitions(records: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The digest of the last definition of each tool that the records of one run tell."""
    from armorer_guard.records.state import State

    state, told = State(), {}
    for record in records:
        state.take(record)
        if record["kind"] in ("run.start", "run.epoch"):
            told.update(state.listed or {})
        elif record["kind"] == "decision" and (digest := (record.get("subject") or {}).get("def_digest")):
            told[record["subject"]["tool"]] = digest
    return told


def _state(told: str | None, pinned: str | None) -> str:
    if told is None:
        return "gone"
    if pinned is None:
        return "new"
    return "same" if told == pinned else "changed"
