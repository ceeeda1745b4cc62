"""`rules`: what the rules are, whether a pack will do, and why a text is found or not."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Front, github_token

TOKEN = github_token()

PACK = """
kind = "secret"

[[rule]]
id = "secrets.acme-pat"
name = "Acme personal access token"
description = "Whoever holds it acts as its owner."
severity = "critical"
tier = "A"
references = ["https://docs.acme.example/tokens"]
examples = ["ACME_TOKEN=⟦acmepat_{base62:36}⟧"]
near_misses = ["acmepat_{base62:35}", "acmepat_{base62:37}"]
token.shapes = ["acmepat_{base62:36}"]
"""
ACME = "acmepat_" + "Zk3Qp9LmXv7RtY2bNc8WsJ4hGfDa6UeTiO1w"


def rule_of_the_token(front: Front) -> str:
    rule = front("rules", "why", TOKEN, "--json").answer["findings"][0]["rule"]
    assert isinstance(rule, str)
    return rule


def near(front: Front, text: str, *arguments: str) -> dict[str, dict[str, Any]]:
    """What nearly found something, by rule."""
    answer = front("rules", "why", "--json", *arguments, stdin=text).answer
    return {held["rule"]: held for held in answer["near"]}


def test_a_word_that_stands_before_a_value_is_not_what_is_missing(front: Front):
    login = "docker login -u me -p "
    held = near(front, login + "changeme")["secrets.login-option"]
    missing = near(front, login.replace("docker login", "grep") + "kT9wQ2vXb7")["secrets.login-option"]

    assert held["reason"] != "word"
    assert missing["reason"] == "word"


def test_the_list_has_every_rule_once_and_says_the_same_in_both_forms(front: Front):
    rules = front("rules", "list", "--json").answer["rules"]
    ids = [rule["id"] for rule in rules]

    assert len(ids) == len(set(ids)) >= 60
    assert {rule["kind"] for rule in rules} == {"secret", "pii", "hidden_text", "injection", "exfiltration"}
    assert all(list(rule) == ["id", "name", "kind", "severity", "pack"] for rule in rules)
    assert all(not rule["pack"].startswith("/") for rule in rules)

    text = front("rules", "list")
    assert (text.code, text.err) == (0, "")
    lines = text.out.decode().splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  ")] == ids
    assert lines[-1] == f"{len(ids)} rules"


def test_the_list_can_be_of_one_kind(front: Front):
    rules = front("rules", "list", "--kind", "pii", "--json").answer["rules"]

    assert {rule["kind"] for rule in rules} == {"pii"}
    assert all(rule["id"].startswith("pii.") for rule in rules)


def test_a_rule_is_shown_whole(front: Front):
    rule = rule_of_the_token(front)
    (shown,) = front("rules", "show", rule, "--json").answer["rules"]

    assert list(shown) == [
        "id",
        "name",
        "kind",
        "severity",
        "pack",
        "description",
        "tier",
        "form",
        "looks_for",
        "checksum",
        "confidence_pm",
        "redact",
        "surfaces",
        "references",
        "examples",
        "near_misses",
    ]
    assert (shown["id"], shown["kind"], shown["severity"], shown["form"]) == (rule, "secret", "critical", "token")
    assert shown["checksum"] == "crc32-base62" and shown["redact"] is True
    assert len(shown["surfaces"]) == 6

    text = front("rules", "show", rule).out.decode()
    assert text.startswith(f"{rule}: {shown['name']}\n")
    for part in [shown["description"], *shown["looks_for"], *shown["references"]]:
        assert part in text, part


def test_a_family_is_shown_and_a_name_that_is_none_is_an_error(front: Front):
    listed = [rule["id"] for rule in front("rules", "list", "--kind", "pii", "--json").answer["rules"]]
    shown = [rule["id"] for rule in front("rules", "show", "pii", "--json").answer["rules"]]
    assert shown == listed

    got = front("rules", "show", "pii.no-such")
    assert (got.code, got.out) == (2, b"")
    assert got.err.splitlines()[0] == "armorer-guard: no rule or family is named `pii.no-such`"


def test_a_pack_that_holds_is_said_to(front: Front):
    (front.cwd / "acme.toml").write_text(PACK)
    got = front("rules", "check", "acme.toml")

    assert (got.code, got.out, got.err) == (0, b"acme.toml: 1 rule holds\n", "")
    assert front("rules", "check", "acme.toml", "--json").answer == {
        "packs": [{"file": "acme.toml", "rules": 1, "hosts": 0}],
        "errors": [],
    }


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ('kind = "secret"', 'kind = "secrets"', "rule_unreadable"),
        ('name = "Acme', 'nmae = "Acme', "rule_unreadable"),
        ("⟦acmepat_{base62:36}⟧", "⟦acmepat_{base62:35}⟧", "rule_example_missed"),
        ('"acmepat_{base62:35}"', '"acmepat_{base62:36}"', "rule_near_miss_found"),
        ('references = ["https://docs.acme.example/tokens"]', "references = []", "rule_unproven"),
        ("{base62:36}{", "{base63:36}{", None),
        ('token.shapes = ["acmepat_{base62:36}"]', 'token.shapes = ["acmepat_{base63:36}"]', "rule_field"),
        ('token.shapes = ["acmepat_{base62:36}"]', "", "rule_form"),
    ],
)
def test_a_pack_that_does_not_hold_is_refused_with_the_builds_own_errors(
    front: Front, old: str, new: str, kind: str | None
):
    (front.cwd / "acme.toml").write_text(PACK.replace(old, new))
    got = front("rules", "check", "acme.toml", "--json")
    if kind is None:
        assert got.code == 0
        return

    assert got.code == 1
    (error,) = got.answer["errors"]
    assert (error["kind"], error["file"]) == (kind, "acme.toml")
    said = front("rules", "check", "acme.toml")
    assert (said.code, said.out) == (1, b"")
    assert said.err.startswith("armorer-guard: acme.toml: ") and f"({kind})" in said.err


def test_ids_that_ship_are_taken_and_a_missing_file_is_an_error(front: Front):
    (front.cwd / "acme.toml").write_text(PACK.replace("secrets.acme-pat", rule_of_the_token(front)))
    got = front("rules", "check", "acme.toml", "--json")
    assert (got.code, got.answer["errors"][0]["kind"]) == (1, "rule_duplicate")

    missing = front("rules", "check", "missing.toml")
    assert missing.code == 1
    assert "missing.toml: No such file" in missing.err


def test_a_pack_of_ones_own_is_used_by_every_command(front: Front):
    (front.cwd / "acme.toml").write_text(PACK)
    (front.cwd / "text").write_text(f"{ACME} {TOKEN}")
    pack = ("--pack", "acme.toml")

    found = front("scan", "--json", *pack, "text").answer["findings"]
    assert [one["rule"] for one in found] == ["secrets.acme-pat", rule_of_the_token(front)]
    assert [one["rule"] for one in front("scan", "--json", "text").answer["findings"]] == found[1]["rule"].split("\n")
    assert ACME.encode() not in front("redact", *pack, "text").out
    assert front("scan", *pack, "--rule", "secrets.acme-pat", "text").out.count(b"\n") == 1
    assert "Acme personal access token" in front("rules", "show", "secrets.acme-pat", *pack).out.decode()
    assert front("rules", "list", *pack).out.decode().splitlines()[-3].startswith("acme.toml (secret)")
    assert front("rules", "why", ACME, *pack).out.startswith(b"found  secrets.acme-pat ")

    (front.cwd / "acme.toml").write_text(PACK.replace("critical", "huge"))
    for command in (["scan", "text"], ["redact", "text"], ["rules", "list"]):
        got = front(*command, *pack)
        assert (got.code, got.out) == (2, b"")
        assert "armorer-guard: acme.toml: " in got.err


def test_what_is_found_is_told_with_its_checksum_and_without_its_value(front: Front):
    got = front("rules", "why", f"x {TOKEN} y")

    assert got.code == 0
    start, end = 2, 2 + len(TOKEN)
    assert got.out.decode() == (
        f"found  {rule_of_the_token(front)} (critical) at bytes {start}..{end}, 1000 per mille sure, "
        "its checksum is right\n"
    )
    wrong = TOKEN[:-1] + ("A" if TOKEN[-1] != "A" else "B")
    assert "its checksum is wrong\n" in front("rules", "why", wrong).out.decode()


def test_what_is_nearly_found_is_told_with_the_reason(front: Front):
    rule = rule_of_the_token(front)
    reasons = {
        "short": (TOKEN[:-1], "length"),
        "long": (TOKEN + "Z", "length"),
        "glued": ("x" + TOKEN, "boundary"),
        "placeholder": ("gh" + "p_" + "x" * 36, "placeholder"),
    }
    got = {name: near(front, text)[rule]["reason"] for name, (text, _) in reasons.items()}

    assert got == {name: reason for name, (_, reason) in reasons.items()}
    held = near(front, f"a {TOKEN[:-1]} b")[rule]
    assert held == {
        "rule": rule,
        "start": 2,
        "end": 6,
        "reason": "length",
        "message": held["message"],
    }
    assert "35" in held["message"] or "5 of 6" in held["message"]
    assert TOKEN[4:20] not in front("rules", "why", TOKEN[:-1]).out.decode()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("password = changeme", "placeholder"),
        ("password = ${DB_PASSWORD}", "reference"),
        ("password = abc", "length"),
        ("postgres://user:${PASS}@host/db", "reference"),
        ("Authorization: Bearer abc", "length"),
        (f"password = {TOKEN}", "weaker"),
    ],
)
def test_names_urls_and_headers_tell_what_is_wrong_with_their_values(front: Front, text: str, reason: str):
    assert reason in [held["reason"] for held in near(front, text).values()]


def test_a_text_may_start_with_a_hyphen(front: Front):
    assert front("rules", "why", "--", "-----BEGIN RSA PRIVATE KEY-----").code == 0


def test_a_text_that_is_far_from_everything_is_said_to_be(front: Front):
    got = front("rules", "why", "nothing to see here")

    assert (got.code, got.out) == (0, b"no rule finds anything, and none is near\n")


def test_used_wrongly_it_says_how(front: Front):
    said = {
        arguments: front("rules", *arguments).err.splitlines()[0].removeprefix("armorer-guard: ")
        for arguments in [
            (),
            ("lits",),
            ("show",),
            ("check",),
            ("list", "x"),
            ("why", "two", "words"),
            ("show", "x", "--kind", "pii"),
            ("list", "--kind", "none"),
        ]
    }
    assert list(said.values()) == [
        "`rules` is told what to do with them",
        "`rules lits` is nothing that can be done",
        "`rules show` says nothing of what",
        "`rules check` says nothing of what",
        "`rules list` takes fewer arguments",
        "`rules why` takes fewer arguments",
        "`rules show` does not take one of these options",
        "unknown kind `none`",
    ]
    assert all(front("rules", *arguments).code == 2 for arguments in said)
