"""What holds for any input, not only for the examples somebody thought of."""

from __future__ import annotations

import json
import zlib

from hypothesis import given, settings
from hypothesis import strategies as st

from armorer_guard import Guard, scan

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
GUARD = Guard(record=False)

# Text that cannot be a part of the token beside it.
surroundings = st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace").decode())
delimiters = st.sampled_from(
    [" ", "\n", '"', "'", "`", "(", ")", "<", ">", ",", ";", "|", "。", "「", "」", "\\n", "&"]
)


@st.composite
def tokens(draw) -> str:
    """GitHub tokens that verify, random enough not to be a placeholder."""
    body = "".join(draw(st.permutations(BASE62)))[:30]
    rest, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        digits = BASE62[digit] + digits
    return "gh" + "p_" + body + digits


def apart(result, raw: bytes) -> bytes:
    """What redaction left of the input: every byte outside the spans it replaced, in order."""
    kept, at = b"", 0
    for finding in sorted((f for f in result.findings if f.redact), key=lambda f: (f.start, -f.end)):
        if finding.start >= at:
            kept += raw[at : finding.start]
        at = max(at, finding.end)
    return kept + raw[at:]


@given(before=surroundings, left=delimiters, token=tokens(), right=delimiters, after=surroundings)
def test_a_planted_token_never_survives_redaction(before, left, token, right, after):
    text = before + left + token + right + after
    result = scan(text)
    assert token not in result.redacted
    start = len((before + left).encode())
    assert any(f.start <= start and f.end >= start + len(token) for f in result.findings if f.redact)


@given(st.binary(max_size=400))
def test_any_bytes_are_scanned_and_redaction_changes_only_spans(raw):
    result = scan(raw)
    assert all(0 <= finding.start < finding.end <= len(raw) for finding in result.findings)
    if not any(finding.redact for finding in result.findings):
        assert result.redacted_bytes == raw


@given(before=surroundings, token=tokens(), after=surroundings)
def test_redaction_keeps_every_other_byte(before, token, after):
    raw = f"{before} {token} {after}".encode()
    result = scan(raw)
    kept = apart(result, raw)
    # What is kept appears in the redacted bytes in the same order.
    at = 0
    redacted = result.redacted_bytes
    for byte in kept:
        at = redacted.index(byte, at) + 1


@given(st.text(max_size=200), tokens())
def test_redacting_twice_changes_nothing(text, token):
    once = scan(f"{text} {token}").redacted
    assert scan(once).redacted == once


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20) | tokens(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def shape(value):
    """A value with its strings taken out."""
    if isinstance(value, dict):
        return [shape(item) for item in value.values()]
    if isinstance(value, list):
        return [shape(item) for item in value]
    return "string" if isinstance(value, str) else value


@settings(max_examples=60)
@given(json_values)
def test_redacted_arguments_keep_their_structure(value):
    decision = GUARD.check("Anything", {"value": value}, cwd="/work/project")
    assert shape(decision.redacted) == shape({"value": value})


@settings(max_examples=60)
@given(json_values)
def test_redacted_json_text_stays_json_of_the_same_structure(value):
    text = json.dumps({"value": value})
    assert shape(json.loads(scan(text).redacted)) == shape(json.loads(text))


@settings(max_examples=100)
@given(st.text(max_size=120))
def test_every_command_has_a_decision_with_a_reason(command):
    command = command.encode("utf-8", "replace").decode()
    decision = GUARD.check("Bash", {"command": command}, cwd="/work/project")
    assert decision.effect in ("allow", "ask", "deny")
    assert decision.reasons


@settings(max_examples=100)
@given(st.text(alphabet="abc $\"'\\;|&(){}<>\n`#=*?[]~", max_size=60))
def test_adding_a_destructive_command_in_front_never_relaxes(tail):
    decision = GUARD.check("Bash", {"command": "rm -rf /\n" + tail}, cwd="/work/project")
    assert decision.effect == "deny"
