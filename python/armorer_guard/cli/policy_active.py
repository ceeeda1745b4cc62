"""Commands about the policy in force: show, activate, trust, diff."""

from __future__ import annotations

import argparse
import json
from typing import Any

from armorer_guard.cli.policy import Failure, answer, guard_home, load_named


def run_show(arguments: argparse.Namespace) -> int:
    """Show the policy in force, with the source of each rule."""
    policy, digest = load_named(arguments.policy, guard_home(arguments))
    rules: list[dict[str, Any]] = policy["rules"]
    if arguments.rule is not None:
        rules = [rule for rule in rules if rule["id"] == arguments.rule]
        if not rules:
            from difflib import get_close_matches

            near = get_close_matches(arguments.rule, [rule["id"] for rule in policy["rules"]], n=1)
            raise Failure(f"the policy has no rule `{arguments.rule}`", f"did you mean `{near[0]}`?" if near else None)
    if arguments.json:
        answer({**policy, "rules": rules, "digest": digest})
        return 0
    if arguments.rule is not None:
        _print_rule(rules[0])
        return 0
    defaults = ", ".join(f"{phase} {said['effect']}" for phase, said in policy["default"].items())
    print(f"policy   {policy['id']}")
    print(f"digest   {digest}")
    print(f"mode     {policy['mode']}")
    print(f"default  {defaults}")
    width = max((len(rule["id"]) for rule in rules), default=0)
    for effect in ("deny", "ask", "allow"):
        for rule in rules:
            if rule["effect"] == effect:
                print(f"{effect:<6} {rule['id']:<{width}}  {rule['why']}  [{_source(rule)}]")
    for rule in policy.get("labels", ()):
        print(f"label  {rule['id']:<{width}}  adds {', '.join(rule['add'])}  [{_source(rule)}]")
    own = policy.get("own", {})
    for name, held in (
        ("tools", [tool for entry in own.get("tools", ()) for tool in entry["names"]]),
        ("commands", [str(entry.get("name")) for entry in own.get("commands", ())]),
        ("pins", sorted(policy.get("pins", {}))),
    ):
        if held:
            print(f"{name:<8} {', '.join(held)}")
    return 0


def _source(rule: dict[str, Any]) -> str:
    return f"{rule['layer']}, {rule['file']}:{rule['line']}"


def _print_rule(rule: dict[str, Any]) -> None:
    print(f"rule     {rule['id']}")
    softened = " (ask where it depends on something unknown)" if rule.get("unknown") else ""
    print(f"effect   {rule['effect']}{softened}")
    print(f"source   {_source(rule)}")
    print(f"why      {rule['why']}")
    for name in ("safer", "until"):
        if name in rule:
            print(f"{name:<8} {rule[name]}")
    for name in ("overrides", "then"):
        if name in rule:
            print(f"{name:<8} {', '.join(rule[name])}")
    for number, block in enumerate(rule["when"]):
        print(f"{'when' if number == 0 else 'or':<8} {json.dumps(block, ensure_ascii=False)}")


def run_activate(arguments: argparse.Namespace) -> int:
    """Put a policy in force."""
    from armorer_guard import StoreError
    from armorer_guard.policy import activation, examples, layers
    from armorer_guard.policy.problems import PolicyProblems

    home = guard_home(arguments)
    if arguments.off:
        if arguments.file or arguments.project or arguments.managed or arguments.builtin:
            raise Failure("`--off` puts no policy in force, so it takes none")
        try:
            was = activation.deactivate(home)
        except (OSError, StoreError) as error:
            raise Failure(f"the policy could not be taken back below `{home}`: {error}") from None
        said = "the built-in default policy decides" + ("" if was else ", as before")
        answer({"ok": True, "digest": None}) if arguments.json else print(said)
        return 0
    if arguments.file is None and arguments.builtin is None and arguments.project is None and arguments.managed is None:
        raise Failure("what should be put in force?", "give a FILE, or `--builtin strict`, or `--off`")
    # Rules name their file for long: where it lies must not depend on where this was said.
    for name in ("file", "project", "managed"):
        if (path := getattr(arguments, name)) is not None:
            setattr(arguments, name, path.absolute())
    loaded = layers.compile_files(
        user=arguments.file,
        project=arguments.project,
        managed=arguments.managed or layers.managed_file(),
        trusted_at=home,
        below=arguments.builtin,
    )
    failed = examples.problems(examples.run(loaded.layers, loaded.policy))
    if failed:
        raise PolicyProblems(failed)
    try:
        digest = activation.activate(loaded.policy, home, loaded.layers)
    except (OSError, StoreError) as error:
        raise Failure(f"the policy could not be put in force below `{home}`: {error}") from None
    if arguments.json:
        answer({"ok": True, "digest": digest, "rules": len(loaded.policy.rules)})
    else:
        print(digest)
    return 0


def run_trust(arguments: argparse.Namespace) -> int:
    """Let a project's policy allow things, as it is now."""
    from armorer_guard import StoreError
    from armorer_guard._core import record_change
    from armorer_guard.policy import layers

    home = guard_home(arguments)
    layers.layer_of(arguments.file, "project")
    try:
        digest = layers.trust(arguments.file, home)
        record_change(home, "note", {"note": {"trusted": str(arguments.file.absolute()), "digest": digest}})
    except (OSError, StoreError) as error:
        raise Failure(f"the trust could not be written below `{home}`: {error}") from None
    if arguments.json:
        answer({"ok": True, "file": str(arguments.file), "digest": digest})
    else:
        print(f"{digest}  {arguments.file}")
    return 0


def run_diff(arguments: argparse.Namespace) -> int:
    """Compare two policies."""
    from armorer_guard.policy.diff import diff

    home = guard_home(arguments)
    (old, _), (new, _) = (load_named(name, home) for name in (arguments.old, arguments.new))
    found = diff(old, new)
    looser = any(entry["direction"] in ("looser", "unclear") for entry in found)
    if arguments.json:
        answer({"ok": not (arguments.fail_looser and looser), "changes": found})
    elif not found:
        print("both say the same")
    else:
        for entry in found:
            fields = f" ({', '.join(entry['fields'])})" if entry["fields"] else ""
            print(f"{entry['direction']:<9} {entry['what']} {entry['name']} {entry['change']}{fields}")
    return 1 if arguments.fail_looser and looser else 0
