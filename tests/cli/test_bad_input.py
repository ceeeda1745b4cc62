"""Input that is broken, hostile or enormous has a stated answer at every door, and none of them is `allow`."""

from __future__ import annotations

import functools
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import Front, call, event

MIB = 1 << 20
DEEP = 10_000


def hook_event(inner: bytes) -> bytes:
    """An event whose arguments are those bytes."""
    return (
        b'{"session_id":"s","cwd":"/p","hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":' + inner + b"}"
    )


def request(inner: bytes) -> bytes:
    """A request whose arguments are those bytes."""
    return b'{"id":null,"tool":"Bash","args":' + inner + b"}"


# What the arguments of a call are, and the kind of the answer.
BROKEN_ARGUMENTS = {
    "invalid UTF-8": (b'{"command":"ls \xff\xfe"}', "invalid_utf8"),
    "an overlong encoding": (b'{"command":"\xc0\xaf"}', "invalid_utf8"),
    "a surrogate in UTF-8": (b'{"command":"\xed\xa0\x80"}', "invalid_utf8"),
    "a raw NUL": (b'{"command":"ls \x00"}', "json_syntax"),
    "a raw line feed": (b'{"command":"ls \x0b"}', "json_syntax"),
    "NaN": (b'{"command":"ls","n":NaN}', "json_syntax"),
    "Infinity": (b'{"command":"ls","n":-Infinity}', "json_syntax"),
    "a number beyond doubles": (b'{"command":"ls","n":1e999}', "json_number_out_of_range"),
    "a duplicate key": (b'{"command":"rm -rf /","command":"ls"}', "json_duplicate_name"),
    "an escaped duplicate key": (b'{"command":"rm -rf /","comman\\u0064":"ls"}', "json_duplicate_name"),
    "nesting of objects": (b'{"a":' * DEEP + b"1" + b"}" * DEEP, "json_too_deep"),
    "nesting of lists": (b'{"a":' + b"[" * DEEP + b"]" * DEEP + b"}", "json_too_deep"),
    "a comment": (b'{"command":"ls" /* x */}', "json_syntax"),
    "a trailing comma": (b'{"command":"ls",}', "json_syntax"),
}


@pytest.mark.parametrize(("arguments", "kind"), BROKEN_ARGUMENTS.values(), ids=BROKEN_ARGUMENTS)
def test_a_broken_call_is_an_error_of_its_kind_at_every_door(front: Front, arguments: bytes, kind: str):
    single = front("check", "--call", "--json", stdin=request(arguments))
    assert (single.code, single.answer["error"]["kind"]) == (2, kind)

    guessed = front("check", "--json", stdin=request(arguments))
    assert (guessed.code, guessed.answer["error"]["kind"]) == (2, kind)

    line = front("check", "--jsonl", stdin=request(arguments) + b"\n" + call("ls", id=2).encode())
    assert [answer.get("effect") or answer["error"]["kind"] for answer in line.answers] == [kind, "allow"]

    hooked = front("hook", "claude-code", stdin=hook_event(arguments))
    assert hooked.code == 2
    said = hooked.answer["hookSpecificOutput"]
    assert said["permissionDecision"] == "deny"
    assert f"[error.{kind}]" in said["permissionDecisionReason"]
    assert hooked.err == said["permissionDecisionReason"] + "\n"


def test_a_byte_order_mark_is_skipped(front: Front):
    assert front("check", "--call", stdin=b"\xef\xbb\xbf" + call("rm -rf /").encode()).code == 20
    assert front("check", stdin=b"\xef\xbb\xbf" + call("rm -rf /").encode()).code == 20
    hooked = front("hook", "claude", stdin=b"\xef\xbb\xbf" + hook_event(b'{"command":"rm -rf /"}'))
    assert hooked.answer["hookSpecificOutput"]["permissionDecision"] == "deny"


def test_lone_surrogates_are_judged_not_refused(front: Front):
    got = front("check", "--json", stdin=b'{"tool":"Bash","args":{"command":"echo \\ud800; rm -rf /"}}')

    assert (got.code, got.answer["redacted"]) == (20, {"command": "echo \ufffd; rm -rf /"})


def test_an_escaped_nul_is_judged(front: Front):
    assert front("check", stdin=b'{"tool":"Bash","args":{"command":"rm -rf / \\u0000"}}').code != 0


@pytest.mark.parametrize("stdin", [b"", b"{", b"null", b"[]", b'"rm"', b"{}", b"\x00", b"\xff", b"PreToolUse"])
def test_the_hook_denies_what_is_no_event(front: Front, stdin: bytes):
    got = front("hook", "claude-code", stdin=stdin)

    assert got.code == 2
    assert got.answer["hookSpecificOutput"]["permissionDecision"] == "deny"
    assert got.err.startswith("armorer-guard could not judge this, so it is denied: ")
    assert got.err.count("\n") == 1


@pytest.mark.parametrize("missing", ["session_id", "tool_name", "tool_input", "hook_event_name"])
@pytest.mark.parametrize("instead", ["absent", None, 7])
def test_the_hook_denies_an_event_without_a_field_it_needs(front: Front, missing: str, instead: object):
    sent = event()
    if instead == "absent":
        del sent[missing]
    else:
        sent[missing] = instead
    got = front("hook", "claude-code", stdin=json.dumps(sent))

    if missing == "tool_input" and instead is not None and instead != "absent":
        # Arguments may be any value; a `Bash` without a command is not understood, which is never harmless.
        assert got.code in (0, 2) and got.answer != {}
    else:
        assert (got.code, got.answer["hookSpecificOutput"]["permissionDecision"]) == (2, "deny")


@pytest.mark.parametrize("arguments", [("check",), ("check", "--text"), ("check", "--call")])
def test_nothing_on_standard_input_is_an_error(front: Front, arguments: tuple[str, ...]):
    got = front(*arguments, "--json", stdin=b"")

    assert (got.code, got.answer) == (
        2,
        {"id": None, "error": {"kind": "input_empty", "message": "the input is empty"}},
    )


def test_a_line_of_fifty_megabytes_is_judged_and_the_stream_goes_on(front: Front):
    filler = "x" * (50 * MIB)
    stream = f'{{"id":1,"text":"{filler}"}}\n{call("ls", id=2)}\n'
    got = front("check", "--jsonl", "--no-record", stdin=stream, timeout=120)

    assert [(answer["id"], answer["effect"]) for answer in got.answers] == [(1, "allow"), (2, "allow")]
    assert got.answers[0]["redacted"] == filler


def test_a_line_beyond_the_limit_is_an_error_and_the_stream_goes_on(front: Front):
    stream = b'{"id":1,"text":"' + b"x" * (64 * MIB) + b'"}\n' + call("ls", id=2).encode() + b"\n"
    got = front("check", "--jsonl", "--no-record", stdin=stream, timeout=120)

    assert [answer.get("effect") or answer["error"]["kind"] for answer in got.answers] == ["input_too_large", "allow"]
    assert got.code == 2


def test_endless_input_is_an_error_in_bounded_memory(front: Front):
    """A gigabyte without a line feed must not be held: the process may use 300 MiB."""
    limited = ["sh", "-c", 'ulimit -v 307200; head -c 1073741824 /dev/zero | "$0" check --jsonl', str(front.path)]
    done = subprocess.run(limited, env=front.environment, capture_output=True, timeout=120, check=False)

    assert json.loads(done.stdout)["error"]["kind"] == "input_too_large"
    assert done.returncode == 2


def test_the_hook_reads_fifty_megabytes_and_denies_more_than_its_limit(front: Front):
    large = front(
        "hook", "claude", stdin=hook_event(b'{"command":"rm -rf / #' + b"x" * (50 * MIB) + b'"}'), timeout=120
    )
    assert large.answer["hookSpecificOutput"]["permissionDecision"] == "deny"

    larger = front("hook", "claude", stdin=hook_event(b'{"command":"ls #' + b"x" * (64 * MIB) + b'"}'), timeout=120)
    assert larger.code == 2
    assert "[error.input_too_large]" in larger.answer["hookSpecificOutput"]["permissionDecisionReason"]


def test_errors_never_quote_the_input(front: Front):
    secret = "hunter" + "2hunter2"
    for stdin in (f'{{"tool":"Bash","args":{{"p":{secret}}}}}', f'{{"tool":"Bash","args":{{}},"{secret}":1}}'):
        for arguments in (("check",), ("check", "--json"), ("check", "--jsonl"), ("hook", "claude")):
            got = front(*arguments, stdin=stdin)
            assert got.code == 2
            assert secret not in got.out.decode() + got.err


def test_a_reader_that_goes_away_is_an_exit_status(front: Front):
    for arguments, stdin in (
        (("check", "--json"), call("ls")),
        (("check", "--jsonl"), call("ls")),
        (("hook", "claude"), json.dumps(event())),
        (("--help",), ""),
    ):
        # Gone before the process starts: a quick answer would otherwise be written while somebody still reads.
        reader, writer = os.pipe()
        os.close(reader)
        with front.start(*arguments, stdout=writer) as process:
            os.close(writer)
            assert process.stdin and process.stderr
            process.stdin.write(stdin.encode())
            process.stdin.close()
            assert process.wait(10) == 2, arguments
            said = process.stderr.read().decode()
            assert "Broken pipe" in said and "panicked" not in said


def test_an_ask_that_nobody_can_read_is_a_denial(front: Front):
    """With standard output closed the answer is lost, and a host would take exit status 0 for consent."""
    asks = json.dumps(event(tool_input={"command": "git push --force origin topic"}))
    assert front("hook", "claude", stdin=asks).code == 0

    script = '"$0" hook claude >&-'
    done = subprocess.run(
        ["sh", "-c", script, str(front.path)],
        input=asks.encode(),
        capture_output=True,
        env=front.environment,
        cwd=front.cwd,
        check=False,
    )
    assert done.returncode == 2
    assert b"[error.output_unwritable]" in done.stderr


def test_closed_standard_streams_do_not_make_it_fail_open(front: Front):
    script = 'printf %s "$1" | "$0" hook claude >&- 2>&-; echo $?; "$0" hook claude <&-'
    done = subprocess.run(
        ["sh", "-c", script, str(front.path), json.dumps(event(tool_input={"command": "rm -rf /"}))],
        capture_output=True,
        env=front.environment,
        cwd=front.cwd,
        check=False,
    )
    first, second = done.stdout.split(b"\n", 1)
    assert first == b"2"
    assert json.loads(second)["hookSpecificOutput"]["permissionDecision"] == "deny"
    assert done.returncode == 2


def test_a_hook_that_gets_no_end_of_input_denies_in_time(front: Front):
    started = time.monotonic()
    with front.start("hook", "claude", "--deadline-ms", "300") as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write(b'{"session_id":')
        assert process.wait(10) == 2
        said = json.loads(process.stdout.read())["hookSpecificOutput"]
        assert said["permissionDecision"] == "deny"
        assert "[error.deadline]" in said["permissionDecisionReason"]
        assert process.stderr.read().decode() == said["permissionDecisionReason"] + "\n"
    assert 0.25 < time.monotonic() - started < 5


def test_a_hook_whose_time_signal_is_blocked_or_ignored_still_denies_in_time(front: Front):
    def block() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        signal.signal(signal.SIGALRM, signal.SIG_IGN)

    with front.start("hook", "claude", "--deadline-ms", "300", preexec_fn=block) as process:
        assert process.wait(10) == 2


@pytest.mark.parametrize("end", [signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS])
def test_a_hook_that_aborts_denies(front: Front, end: signal.Signals):
    """What a stack overflow or a failed allocation ends in."""
    with front.start("hook", "claude") as process:
        assert process.stdin and process.stdout
        process.stdin.write(b"{")
        deadline = time.monotonic() + 10
        # Only a process that waits for more input has armed its last resort.
        while "S (sleeping)" not in status(process.pid):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(end)
        assert process.wait(10) == 2
        said = json.loads(process.stdout.read())["hookSpecificOutput"]
        assert said["permissionDecision"] == "deny"
        assert "[error.resources]" in said["permissionDecisionReason"]


@pytest.mark.skipif(sys.platform != "linux", reason="how small a stack may be is each system's own business")
def test_a_hook_without_stack_denies(front: Front):
    ended = []
    for kibibytes in (16, 24, 32, 48, 64, 96, 128):
        limit = kibibytes * 1024
        done = front(
            "hook",
            "claude",
            stdin=json.dumps(event(tool_input={"command": "ls | (cat; (echo $(echo a)))"})),
            prepare=functools.partial(resource.setrlimit, resource.RLIMIT_STACK, (limit, limit)),
        )
        ended.append(done.code)
        if done.code == 2 and done.out:
            assert done.answer["hookSpecificOutput"]["permissionDecision"] == "deny"
    assert set(ended) <= {0, 2} and 2 in ended


def status(pid: int) -> str:
    """The state line of a process; where there is no /proc, any process counts as waiting."""
    try:
        return Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except FileNotFoundError:
        time.sleep(0.5)
        return "S (sleeping)"


def test_a_command_with_thousands_of_levels_does_not_end_the_process(front: Front):
    for command in ("(" * DEEP, "$(" * DEEP, "{ " * DEEP, "if " * DEEP, "a=(" * DEEP, "((" * DEEP):
        assert front("check", stdin=call(command)).code in (10, 20), command[:4]
    # Backticks do not nest: an even number of them is so many empty substitutions, an odd one leaves the last open.
    assert front("check", stdin=call("`" * (DEEP // 2 * 2))).code == 0
    assert front("check", stdin=call("`" * (DEEP // 2 * 2 + 1))).code in (10, 20)


def test_a_directory_as_standard_input_is_an_error(front: Front):
    for arguments in (("check",), ("check", "--jsonl"), ("hook", "claude")):
        folder = os.open(front.cwd, os.O_RDONLY)
        with front.start(*arguments, stdin=folder) as process:
            os.close(folder)
            assert process.stderr
            assert process.wait(10) == 2
            assert "directory" in process.stderr.read().decode()
