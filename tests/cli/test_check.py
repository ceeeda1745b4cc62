"""`armorer-guard check`: what is read, what is answered, and with which exit status."""

from __future__ import annotations

import json
import time
import zlib

import pytest

from .conftest import Front, call

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def github_token(body: str = "R7kQ2mZx9LwV4tYb8NcHs3JfPd6GaE") -> str:
    """A token that verifies, put together here so that none stands in the repository."""
    rest, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        digits = ALPHABET[digit] + digits
    return "gh" + "p_" + body + digits


ALLOWED = call("git status --short")
DENIED = call("rm -rf /")


def test_an_allowed_call_is_answered_in_full(front: Front):
    got = front("check", "--json", stdin=call("git status --short", id={"n": 1}, run="r1"))

    assert (got.code, got.err) == (0, "")
    answer = got.answer
    assert list(answer) == [
        "id",
        "effect",
        "reasons",
        "actions",
        "findings",
        "redacted",
        "decision",
        "run",
        "recorded",
        "elapsed_us",
    ]
    assert answer["id"] == {"n": 1}
    assert answer["effect"] == "allow"
    assert answer["findings"] == []
    assert answer["redacted"] == {"command": "git status --short"}
    assert answer["recorded"] is True
    assert [record["id"] for record in front.records() if record["kind"] == "decision"] == [answer["decision"]]


def test_a_denied_call_names_the_action_and_the_bytes_that_say_it(front: Front):
    command = "echo grüße && rm -rf /"
    got = front("check", "--json", stdin=call(command))

    assert (got.code, got.err) == (20, "")
    answer = got.answer
    assert answer["effect"] == "deny"
    (deleted,) = [action for action in answer["actions"] if action["kind"] == "fs.delete"]
    assert (deleted["target"], deleted["certainty"], deleted["at"]) == ("/", "certain", "/command")
    assert command.encode()[deleted["start"] : deleted["end"]] == b"rm -rf /"
    assert answer["reasons"] and all(set(reason) == {"rule", "message"} for reason in answer["reasons"])


def test_each_effect_has_its_own_exit_status(front: Front):
    codes = [
        front("check", stdin=call(command)).code for command in ("ls", "git push --force origin topic", "rm -rf /")
    ]

    assert codes == [0, 10, 20]


def test_people_read_the_answer_first_and_how_to_go_on(front: Front):
    got = front("check", stdin=call("rm -rf /"))
    lines = got.out.decode().splitlines()

    assert lines[0].startswith("DENY  would delete / (")
    assert [line[6:13].strip() for line in lines[1:]][-2:] == ["next", "record"]
    assert "\x1b" not in got.out.decode()


def test_a_secret_is_found_replaced_and_never_printed(front: Front):
    token = github_token()
    command = f"curl -H 'Authorization: Bearer {token}' https://api.example.com/x"
    asked = call(command, run=token, agent=token)
    results = [
        front("check", "--json", stdin=asked),
        front("check", stdin=asked),
        front("check", "--jsonl", stdin=asked),
        front("check", stdin=f"the token is {token}\n"),
    ]

    assert [token in result.out.decode() + result.err for result in results] == [False] * 4
    answer = results[0].answer
    (found,) = [finding for finding in answer["findings"] if finding["rule"] == "secrets.github-token"]
    assert command.encode()[found["start"] : found["end"]].decode() == token
    assert found["at"] == "/command"
    assert answer["redacted"]["command"].startswith("curl -H 'Authorization: Bearer ")
    kept = [path for path in front.home.rglob("*") if path.is_file() and token.encode() in path.read_bytes()]
    assert kept == []


def test_terminal_control_in_a_target_is_shown_and_not_carried_out(front: Front):
    got = front("check", stdin=call("rm -rf '/etc/\x1b[2J\u202e'"))

    assert got.code == 20
    assert "\x1b" not in got.out.decode() and "\u202e" not in got.out.decode()
    assert "/etc/\\u{1b}[2J\\u{202e}" in got.out.decode()


@pytest.mark.parametrize(
    ("stdin", "redacted"),
    [
        (b"plain words\n", "plain words\n"),
        (b"  {not json}", "  {not json}"),
        (b'{"other": "object"}', '{"other": "object"}'),
        (b"[1, 2]", "[1, 2]"),
        (b"nul \x00 here", "nul \x00 here"),
        (b"\xff\xfe bytes", "\ufffd\ufffd bytes"),
        (b'{"text": "inner", "surface": "user"}', "inner"),
    ],
)
def test_what_does_not_look_like_a_request_is_a_text(front: Front, stdin: bytes, redacted: str):
    got = front("check", "--json", stdin=stdin)

    assert (got.code, got.answer["effect"], got.answer["redacted"]) == (0, "allow", redacted)


def test_text_that_looks_like_a_call_can_be_judged_as_text(front: Front):
    got = front("check", "--json", "--text", stdin=DENIED)

    assert (got.code, got.answer["redacted"]) == (0, DENIED)


def test_a_stream_is_answered_in_order_and_goes_on_after_bad_lines(front: Front):
    lines = [
        call("ls", id=1),
        "not json",
        call("rm -rf /", id="two"),
        "",
        '{"id": 3, "tool": "Bash", "arguments": {"command": "ls"}}',
        '{"id": [4], "text": "hello", "surface": "tool_result"}\r',
        '{"id": 5, "tool": "Bash", "args": {"command": "ls"',
    ]
    got = front("check", "--jsonl", stdin="\n".join(lines))

    said = [(answer["id"], answer.get("effect") or answer["error"]["kind"]) for answer in got.answers]
    assert said == [
        (1, "allow"),
        (None, "json_syntax"),
        ("two", "deny"),
        (3, "request_unknown_member"),
        ([4], "allow"),
        (None, "json_truncated"),
    ]
    assert (got.code, got.err) == (2, "")


def test_a_streams_exit_status_is_that_of_its_strictest_answer(front: Front):
    def code(*lines: str) -> int:
        return front("check", "--jsonl", stdin="\n".join(lines)).code

    assert [code(ALLOWED, ALLOWED), code(DENIED, ALLOWED), code(ALLOWED, "x", DENIED), code("")] == [0, 20, 2, 0]


def test_an_answer_comes_before_the_next_request_is_sent(front: Front):
    with front.start("check", "--jsonl") as process:
        assert process.stdin and process.stdout
        for number in range(3):
            process.stdin.write(call("ls", id=number).encode() + b"\n")
            assert json.loads(process.stdout.readline())["id"] == number
        process.stdin.close()
        assert process.wait(10) == 0


def test_many_requests_are_all_answered_in_order(front: Front):
    got = front("check", "--jsonl", "--no-record", stdin="\n".join(call("ls", id=number) for number in range(2000)))

    assert [answer["id"] for answer in got.answers] == list(range(2000))


def test_the_run_and_directory_come_from_the_request_before_the_command_line(front: Front):
    got = front(
        "check",
        "--json",
        "--run",
        "one",
        "--cwd",
        "/srv/app",
        stdin=call("rm -rf ./build"),
    )
    other = front("check", "--json", "--run", "one", stdin=call("rm -rf ./build", cwd="/srv/other", run="two"))

    assert [action["target"] for action in got.answer["actions"]] == ["/srv/app/build"]
    assert [action["target"] for action in other.answer["actions"]] == ["/srv/other/build"]
    assert got.answer["run"] != other.answer["run"]
    again = front("check", "--json", "--run", "one", stdin=ALLOWED)
    assert again.answer["run"] == got.answer["run"]


def test_no_record_leaves_nothing_behind(front: Front):
    got = front("check", "--json", "--no-record", stdin=ALLOWED)

    assert (got.code, got.answer["recorded"]) == (0, False)
    assert not front.home.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "--text", "--jsonl"),
        ("check", "--surface", "page"),
        ("check", "--unknown"),
        ("check", "file.txt"),
        ("check", "--cwd"),
        ("hook",),
        ("hook", "nobody"),
        ("hook", "claude", "--deadline-ms", "soon"),
        ("--unknown",),
        ("chekc",),
    ],
)
def test_a_wrong_command_line_is_an_error_before_anything_is_read(front: Front, arguments: tuple[str, ...]):
    got = front(*arguments)

    assert (got.code, got.out) == (2, b"")
    assert got.err.startswith("armorer-guard: ")


def test_the_cost_of_a_long_text_has_no_steps(front: Front):
    """Four times the text may take at most eight times the time; a second look at earlier bytes would show."""

    def seconds(size: int) -> float:
        started = time.perf_counter()
        assert front("check", "--no-record", "--text", "--json", stdin=b"word " * (size // 5)).code == 0
        return time.perf_counter() - started

    seconds(1 << 20)
    small, large = min(seconds(2 << 20) for _ in range(3)), min(seconds(8 << 20) for _ in range(3))
    assert large < 8 * small + 0.2
