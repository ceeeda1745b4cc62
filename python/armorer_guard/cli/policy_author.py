"""Commands for whoever writes a policy: new, check, compile, test, lint, schema. They change nothing but `--out`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from armorer_guard.cli.policy import Failure, answer, load_file, tell

if TYPE_CHECKING:
    from armorer_guard.policy.examples import Result
    from armorer_guard.policy.problems import Problem

TEMPLATE = """\
# A policy of your own. It stands on the built-in one: everything that denies or asks there still does.
#   armorer-guard policy check FILE      says what is wrong with it, and runs the examples
#   armorer-guard policy activate FILE   puts it in force
guard: 1
id: mine

rules:
  # Lists are "or", keys are "and". Effects: allow, ask, deny; the strictest rule that speaks wins.
  - id: mine.no-production
    effect: deny
    why: production is not for agents
    when:
      action: {kind: ["cloud.*", "db.*"], target: ["*prod*"]}
    examples:
      match: [aws rds delete-db-instance --db-instance-identifier prod-1]
      not_match: [kubectl get pods]

  # The only way to take back a question is to name it, and only for what this rule covers.
  - id: mine.images
    effect: allow
    overrides: [ask.publish]
    until: 2030-12-31
    why: that registry is ours, and old images stay
    when:
      action: {kind: package.publish, by: docker push, target: "registry.example.com/*"}
    examples:
      match: ["docker push registry.example.com/app:1"]
      not_match: [npm publish]

tests:
  - name: work in the project flows
    call: mkdir -p build
    expect: {effect: allow}
"""


def run_new(arguments: argparse.Namespace) -> int:
    """Print a policy to begin with."""
    if arguments.json:
        answer({"ok": True, "text": TEMPLATE})
    else:
        sys.stdout.write(TEMPLATE)
    return 0


def run_check(arguments: argparse.Namespace) -> int:
    """Say what is wrong with each file."""
    from armorer_guard.policy import examples
    from armorer_guard.policy.problems import PolicyProblems

    problems: list[Problem] = []
    notes: list[Problem] = []
    good: list[dict[str, Any]] = []
    for path in arguments.files:
        try:
            loaded = load_file(path, arguments.layer)
        except PolicyProblems as found:
            problems += found.problems
            continue
        results = _results(path, arguments.layer)
        failed = examples.problems(results)
        problems += failed
        notes += examples.notes(results)
        if not failed:
            rules = sum(len(layer.model.rules) for layer in loaded.layers)
            good.append({"file": str(path), "digest": loaded.policy.digest, "rules": rules, "examples": len(results)})
    if arguments.json:
        told = {name: [held.as_json() for held in found] for name, found in (("problems", problems), ("notes", notes))}
        answer({"ok": not problems, "files": good, **told})
        return 1 if problems else 0
    for note in notes:
        print(note)
    for entry in good:
        print(f"{entry['file']}: good, {entry['rules']} rules, {entry['examples']} examples and tests hold")
    if problems:
        tell(problems)
        return 1
    return 0


def _results(path: Path, layer: str) -> list[Result]:
    from armorer_guard.policy import examples

    loaded = load_file(path, layer)
    return list(examples.run(loaded.layers, loaded.policy))


def run_compile(arguments: argparse.Namespace) -> int:
    """Write the compiled form of a policy, or print it."""
    from armorer_guard.policy import examples
    from armorer_guard.policy.problems import PolicyProblems

    loaded = load_file(arguments.file, arguments.layer)
    if not arguments.no_examples:
        failed = examples.problems(examples.run(loaded.layers, loaded.policy))
        if failed:
            raise PolicyProblems(failed)
    text = loaded.policy.text
    if arguments.out is None:
        sys.stdout.write(text.decode() + "\n")
        return 0
    try:
        arguments.out.write_bytes(text)
    except OSError as error:
        raise Failure(f"`{arguments.out}` cannot be written: {error.strerror}") from None
    if arguments.json:
        answer({"ok": True, "digest": loaded.policy.digest, "out": str(arguments.out)})
    else:
        print(f"{loaded.policy.digest}  {arguments.out}")
    return 0


def run_test(arguments: argparse.Namespace) -> int:
    """Run examples and tests, and say which rules nothing touches."""
    from armorer_guard.policy import examples

    results: list[Result] = []
    untouched: list[str] = []
    rules = 0
    for path in arguments.files:
        loaded = load_file(path, arguments.layer)
        of_file = list(examples.run(loaded.layers, loaded.policy))
        touched = {name for result in of_file for name in result.rules}
        untouched += [rule.id for layer in loaded.layers for rule in layer.model.rules if rule.id not in touched]
        rules += sum(len(layer.model.rules) for layer in loaded.layers)
        results += of_file
    failed = examples.problems(results)
    if arguments.junit is not None:
        _write_junit(arguments.junit, results)
    if arguments.json:
        answer(
            {
                "ok": not failed and not (arguments.fail_untouched and untouched),
                "rules": rules,
                "passed": len(results) - len(failed),
                "failed": [problem.as_json() for problem in failed],
                "untouched": untouched,
            }
        )
        return 1 if failed or (arguments.fail_untouched and untouched) else 0
    print(f"{len(results) - len(failed)} of {len(results)} examples and tests hold")
    print(f"{rules - len(untouched)} of {rules} rules are touched by one")
    if untouched:
        print(f"rules that none of them touches: {', '.join(untouched)}")
    for note in examples.notes(results):
        print(note)
    if failed:
        tell(failed)
    return 1 if failed or (arguments.fail_untouched and untouched) else 0


def _write_junit(path: Path, results: list[Result]) -> None:
    from xml.etree.ElementTree import Element, ElementTree, SubElement

    failures = sum(result.problem is not None for result in results)
    suite = Element("testsuite", name="armorer-guard policy", tests=str(len(results)), failures=str(failures))
    for result in results:
        case = SubElement(suite, "testcase", name=_plain(result.name), classname=result.file)
        if result.problem is not None:
            failure = SubElement(case, "failure", message=_plain(result.problem.message), type=result.problem.kind)
            failure.text = _plain(str(result.problem))
    try:
        ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise Failure(f"`{path}` cannot be written: {error.strerror}") from None


def _plain(text: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(char if char >= " " or char in "\t\n" else "\N{REPLACEMENT CHARACTER}" for char in text)


def run_lint(arguments: argparse.Namespace) -> int:
    """Say what is probably not meant."""
    from armorer_guard.policy import lint

    found: list[Problem] = []
    for path in arguments.files:
        loaded = load_file(path, arguments.layer)
        found += lint.lint(loaded.layers, loaded.policy)
    if arguments.json:
        answer({"ok": not found, "problems": [problem.as_json() for problem in found]})
    elif found:
        tell(found)
    else:
        print("nothing to say")
    return 1 if found else 0


def run_schema(arguments: argparse.Namespace) -> int:
    """Print the JSON Schema of the language."""
    from armorer_guard.policy.schema import schema

    print(json.dumps(schema(), indent=None if arguments.json else 2, ensure_ascii=False))
    return 0
