"""
What one command leaves behind for the next, as bash does it: each text of `tests/data/shell/state.txt` runs in a real
bash, where `probe` is a function that prints its words, and is judged, where `rm` stands for it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from armorer_guard import Guard

TEXTS = (Path(__file__).parents[1] / "data" / "shell" / "state.txt").read_text(encoding="utf-8")
PRELUDE = """exec 9>&1
probe() { { printf '<%s>' "$PWD" "$@"; echo; } >&9; }
export -f probe
"""

#: What only the run decides, or is not followed: the target is then said not to be known, never to be another one.
NOT_FOLLOWED = {
    "x='a$y'; y=b; probe \"${x@P}\"": "prompt expansion",
    "exec 3<<<'fd'; read -u 3 x; probe $x": "descriptors of the shell",
    "exec 3< <(echo fd); read x <&3; probe $x": "descriptors of the shell",
    "exec <<< 'stdin'; read x; probe $x": "descriptors of the shell",
    'coproc { echo out; }; read x <&"${COPROC[0]}"; probe $x': "descriptors of the shell",
    "x=$(echo 'a b' | awk '{print $2}'); probe $x": "awk is not computed",
    "x=$(expr 1 + 2); probe $x": "expr is not computed",
    "set -- -a -b val rest; while getopts ab: o; do probe $OPTARG; done; shift $((OPTIND-1)); probe $1": (
        "how often a loop runs"
    ),
    "for ((i=0;i<2;i++)); do probe $i; done": "how often a loop runs",
    "x=1; until ((x>2)); do probe $x; ((x++)); done": "how often a loop runs",
    "x=a; y=$(eval 'x=b'; echo $x); probe $x $y": "what a nested text does to a substitution's output",
    "bash -s q <<'E'\nprobe $1\nE": "parameters of a nested shell",
}


def texts() -> list[str]:
    """Every text."""
    return [text.strip("\n") for text in TEXTS.split("\n%%\n") if text.strip()]


def probed(text: str, folder: Path) -> set[str]:
    """The paths that a text probes in a real bash."""
    done = subprocess.run(
        ["bash", "--norc", "--noprofile", "-c", PRELUDE + text],
        capture_output=True,
        text=True,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        timeout=60,
        env={"PATH": os.environ["PATH"], "HOME": "/home/u"},
        check=False,
    )
    found = set()
    for line in done.stdout.splitlines():
        where, *words = re.findall(r"<([^>]*)>", line) or [""]
        found |= {os.path.normpath(Path(where) / word) for word in words}
    return found


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash to compare with")
@pytest.mark.parametrize("text", texts())
def test_every_path_that_bash_would_reach_is_told(text: str, tmp_path: Path):
    (tmp_path / "sub").mkdir()
    reached = probed(text, tmp_path)
    decision = Guard(record=False).check(
        "Bash", {"command": text.replace("probe", "rm")}, cwd=str(tmp_path), workspace=str(tmp_path)
    )
    deleted = [action for action in decision.actions if action.kind == "fs.delete"]
    told = {action.target for action in deleted}
    unknown = any(not action.target or action.reason for action in deleted) or any(
        action.kind in ("unknown", "exec.dynamic") for action in decision.actions
    )

    if text in NOT_FOLLOWED:
        assert unknown and not reached <= told, f"is followed by now: {NOT_FOLLOWED[text]}"
    else:
        assert reached <= told, (reached, told)
