"""
Ways to write a shell text differently that keep its meaning. A leaf: it knows nothing of the guard.

Each rewrite takes a text and gives another that does at least the same, or None where it would not. What a guard
decides about the other may be stricter, never weaker. The text must be a whole one, see `is_whole`.
"""

from __future__ import annotations

import base64
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator

Rewrite = Callable[[str], "str | None"]

#: Every rewrite by name.
REWRITES: dict[str, Rewrite] = {}

#: Rewrites that only put something around a command, as careful people do: no reason to deny an ordinary one.
HARMLESS = {
    "single_quotes",
    "double_quotes",
    "backslash",
    "line_continuation",
    "comment_before",
    "comment_behind",
    "variable_argument",
    "array",
    "subshell",
    "group",
    "and_before",
    "true_behind",
    "condition",
    "loop",
    "shell_function",
    "bash_c",
    "timeout",
    "env",
    "nice",
    "time",
    "nohup",
    "command",
    "full_path",
    "background",
    "here_document",
    "errors_to_output",
    "cd_here",
}

#: What a shell does itself: it cannot be started by another program, nor through a variable without difference.
_BUILTINS = """
alias bg bind break builtin caller case cd command compgen complete compopt continue coproc declare dirs disown echo
enable eval exec exit export false fc fg for function getopts hash help history if jobs kill let local logout mapfile
popd printf pushd pwd read readarray readonly return select set shift shopt source suspend test time times trap true
type typeset ulimit umask unalias unset until wait while { } ! [ [[ ( (( . :
"""
BUILTINS = set(_BUILTINS.split())
#: What is a word of the grammar only as long as it is not quoted.
KEYWORDS = {"case", "coproc", "for", "function", "if", "select", "until", "while", "{", "!", "[["}

_SIMPLE = re.compile(r"[\w@%+=:,./^~ \t'\"-]+\Z", re.ASCII)
_BARE = re.compile(r"[\w@%+:./-]+\Z", re.ASCII)
_PLAIN_NAME = re.compile(r"[\w.+-]+\Z", re.ASCII)


def words_of(text: str) -> list[str] | None:
    """The words of a text that is one simple command without expansions; None for any other."""
    if not _SIMPLE.match(text):
        return None
    try:
        words = shlex.split(text)
    except ValueError:
        return None
    # An assignment, a tilde or a keyword would not survive being quoted.
    if not words or "=" in words[0] or words[0] in KEYWORDS or any("~" in word for word in words):
        return None
    return words


def program_of(text: str) -> list[str] | None:
    """As `words_of`, when the first word is a program that other programs can start."""
    words = words_of(text)
    return words if words and words[0] not in BUILTINS and _PLAIN_NAME.match(words[0]) else None


def is_one_line(text: str) -> bool:
    """Whether something may be put behind the text on its line."""
    goes_on = text.rstrip().endswith(("\\", "&", ";", "|"))
    return not goes_on and not any(part in text for part in ("\n", "<<", "#"))


def is_whole(text: str) -> bool:
    """
    Whether `bash` reads the text to its end without a word of complaint: one that is cut off in a here-document would
    take in what is put behind it, one with a bracket too many would end what is put around it. Runs nothing.
    """
    read = subprocess.run(["bash", "-n"], input=text.encode(), capture_output=True, check=False)
    return read.returncode == 0 and not read.stderr


def begins_as_option(text: str) -> bool:
    """Whether a shell, or `eval`, would take the text for an option of its own."""
    return text.lstrip().startswith("-")


def has_parameters(text: str) -> bool:
    """Whether the text uses positional parameters: another shell has others."""
    return re.search(r"\$\{?[0-9@*#]", text) is not None


def joined(words: list[str]) -> str:
    """Words as a command line."""
    return " ".join(map(shlex.quote, words))


def rewrite(function: Rewrite) -> Rewrite:
    """Enters a rewrite under its name."""
    REWRITES[function.__name__] = function
    return function


def all_of(text: str) -> Iterator[tuple[str, str]]:
    """Every rewrite of a text, with its name."""
    for name, function in REWRITES.items():
        made = function(text)
        if made is not None and made != text:
            yield name, made


# Quoting


@rewrite
def single_quotes(text: str) -> str | None:
    words = words_of(text)
    return words and " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)


@rewrite
def double_quotes(text: str) -> str | None:
    words = words_of(text)
    return words and " ".join('"' + word.replace('"', '\\"') + '"' for word in words)


@rewrite
def backslash(text: str) -> str | None:
    words = words_of(text)
    return words and " ".join("".join(f"\\{letter}" for letter in word) or "''" for word in words)


@rewrite
def split_quotes(text: str) -> str | None:
    words = words_of(text)
    if not words:
        return None
    return " ".join(f"{shlex.quote(word[:1])}''\"\"{shlex.quote(word[1:])}" for word in words)


@rewrite
def ansi_c_hex(text: str) -> str | None:
    words = words_of(text)
    return words and " ".join("$'" + "".join(f"\\x{ord(letter):02x}" for letter in word) + "'" for word in words)


@rewrite
def ansi_c_octal(text: str) -> str | None:
    words = words_of(text)
    return words and " ".join("$'" + "".join(f"\\{ord(letter):03o}" for letter in word) + "'" for word in words)


@rewrite
def line_continuation(text: str) -> str | None:
    words = words_of(text)
    return " \\\n  ".join(map(shlex.quote, words)) if words and len(words) > 1 else None


@rewrite
def continued_inside(text: str) -> str | None:
    words = words_of(text)
    if not words or len(words[0]) < 2 or not _BARE.match(words[0]):
        return None
    return f"{words[0][0]}\\\n{words[0][1:]} {joined(words[1:])}"


@rewrite
def comment_before(text: str) -> str | None:
    return f"# clean up before the build\n{text}"


@rewrite
def comment_behind(text: str) -> str | None:
    return f"{text} # as agreed" if is_one_line(text) else None


# Expansion


@rewrite
def variable_program(text: str) -> str | None:
    words = program_of(text)
    return words and f"tool={words[0]}; $tool {joined(words[1:])}"


@rewrite
def variable_argument(text: str) -> str | None:
    words = words_of(text)
    return f'last={shlex.quote(words[-1])}; {joined(words[:-1])} "$last"' if words and len(words) > 1 else None


@rewrite
def variable_pieces(text: str) -> str | None:
    words = program_of(text)
    if not words or len(words[0]) < 2:
        return None
    return f"a={words[0][:1]} b={words[0][1:]}; $a${{b}} {joined(words[1:])}"


@rewrite
def variable_whole(text: str) -> str | None:
    words = program_of(text)
    if not words or not all(_BARE.match(word) for word in words):
        return None
    return f"line='{' '.join(words)}'; $line"


@rewrite
def indirect_variable(text: str) -> str | None:
    words = words_of(text)
    if not words or len(words) < 2:
        return None
    return f'value={shlex.quote(words[-1])}; name=value; {joined(words[:-1])} "${{!name}}"'


@rewrite
def default_value(text: str) -> str | None:
    words = program_of(text)
    return words and f"unset absent; ${{absent:-{words[0]}}} {joined(words[1:])}"


@rewrite
def array(text: str) -> str | None:
    words = words_of(text)
    return words and f'line=({joined(words)}); "${{line[@]}}"' if words and words[0] not in BUILTINS else None


@rewrite
def positional(text: str) -> str | None:
    words = words_of(text)
    return f'set -- {joined(words[1:])}; {shlex.quote(words[0])} "$@"' if words and len(words) > 1 else None


@rewrite
def read_words(text: str) -> str | None:
    words = program_of(text)
    if not words or len(words) < 2 or not all(_BARE.match(word) for word in words):
        return None
    return f"read -r one rest <<< '{' '.join(words)}'; $one $rest"


@rewrite
def printf_into_variable(text: str) -> str | None:
    words = program_of(text)
    return words and f"printf -v tool %s {words[0]}; $tool {joined(words[1:])}"


@rewrite
def name_reference(text: str) -> str | None:
    words = program_of(text)
    return words and f"real={words[0]}; declare -n other=real; $other {joined(words[1:])}"


@rewrite
def printf_substitution(text: str) -> str | None:
    words = program_of(text)
    return words and f"$(printf %s {words[0]}) {joined(words[1:])}"


@rewrite
def echo_substitution(text: str) -> str | None:
    words = words_of(text)
    if not words or len(words) < 2 or words[-1].startswith("-"):
        return None
    return f'{joined(words[:-1])} "$(echo {shlex.quote(words[-1])})"'


@rewrite
def backticks(text: str) -> str | None:
    words = program_of(text)
    return words and f"`echo {words[0]}` {joined(words[1:])}"


@rewrite
def reversed_substitution(text: str) -> str | None:
    words = program_of(text)
    return words and f"$(echo {words[0][::-1]} | rev) {joined(words[1:])}"


@rewrite
def brace_expansion(text: str) -> str | None:
    words = program_of(text)
    if not words or len(words) < 2 or any(not _BARE.match(word) or ".." in word for word in words):
        return None
    return "{" + ",".join(words) + "}"


@rewrite
def field_separator(text: str) -> str | None:
    words = program_of(text)
    if not words or len(words) < 2 or not all(_BARE.match(word) for word in words):
        return None
    return "${IFS}".join(words)


@rewrite
def own_field_separator(text: str) -> str | None:
    words = program_of(text)
    if not words or len(words) < 2 or not all(_BARE.match(word) and "_" not in word for word in words):
        return None
    return f"IFS=_; line={'_'.join(words)}; $line"


# Structure


@rewrite
def subshell(text: str) -> str | None:
    return f"(\n{text}\n)"


@rewrite
def group(text: str) -> str | None:
    return f"{{\n{text}\n}}"


@rewrite
def and_before(text: str) -> str | None:
    return f"true && {text}" if is_one_line(text) else f"true && {{\n{text}\n}}"


@rewrite
def or_before(text: str) -> str | None:
    return f"false || {{\n{text}\n}}"


@rewrite
def true_behind(text: str) -> str | None:
    return f"{text}; true" if is_one_line(text) else f"{text}\ntrue"


@rewrite
def condition(text: str) -> str | None:
    return f"if true; then\n{text}\nfi"


@rewrite
def tested(text: str) -> str | None:
    return f"if\n{text}\nthen :; fi"


@rewrite
def case_branch(text: str) -> str | None:
    return f"case x in *)\n{text}\n;; esac"


@rewrite
def loop(text: str) -> str | None:
    return f"for round in 1; do\n{text}\ndone"


@rewrite
def endless_loop(text: str) -> str | None:
    return f"while :; do\n{text}\nbreak; done"


@rewrite
def negated(text: str) -> str | None:
    return f"! {{\n{text}\n}}"


@rewrite
def shell_function(text: str) -> str | None:
    # A function has parameters of its own.
    if has_parameters(text):
        return None
    return f"clean_up() {{\n{text}\n}}\nclean_up"


@rewrite
def function_with_arguments(text: str) -> str | None:
    words = program_of(text)
    return words and f'run_it() {{ {words[0]} "$@"; }}; run_it {joined(words[1:])}'


@rewrite
def alias(text: str) -> str | None:
    words = program_of(text)
    return words and f"shopt -s expand_aliases\nalias tidy={shlex.quote(joined(words))}\ntidy"


@rewrite
def background(text: str) -> str | None:
    return f"{{\n{text}\n}} & wait"


@rewrite
def substituted(text: str) -> str | None:
    return f"printf '%s\\n' \"$(\n{text}\n)\""


@rewrite
def in_a_string(text: str) -> str | None:
    return f'echo "done: $(\n{text}\n)"'


@rewrite
def process_substitution(text: str) -> str | None:
    # What a command prints is all that it does: printed by another one, it is another's doing.
    if text.startswith(("echo ", "printf ")):
        return None
    return f"cat <(\n{text}\n)"


@rewrite
def trapped(text: str) -> str | None:
    return f"trap -- {shlex.quote(text)} EXIT"


@rewrite
def errors_to_output(text: str) -> str | None:
    return f"{text} 2>&1" if words_of(text) else None


@rewrite
def redirected_before(text: str) -> str | None:
    words = words_of(text)
    return words and f"2>/dev/null {text}" if words and words[0] not in BUILTINS else None


@rewrite
def piped_on(text: str) -> str | None:
    return f"{{\n{text}\n}} | cat"


@rewrite
def cd_here(text: str) -> str | None:
    return f"cd . && {{\n{text}\n}}"


# Wrappers


def _wrapped(name: str, prefix: str) -> None:
    def around(text: str) -> str | None:
        words = program_of(text)
        return words and f"{prefix} {joined(words)}"

    REWRITES[name] = around


for _name, _prefix in {
    "sudo": "sudo -n",
    "doas": "doas",
    "env": "env LANG=C",
    "env_ignore": "env -i",
    "assignment": "LANG=C",
    "nice": "nice -n 5",
    "ionice": "ionice -c 3",
    "timeout": "timeout 60",
    "nohup": "nohup",
    "setsid": "setsid -w",
    "stdbuf": "stdbuf -oL",
    "command": "command",
    "time": "time",
    "exec": "exec",
    "busybox_env": "busybox env",
    "stacked": "sudo -n env A=1 nice timeout -k 5 60 nohup",
}.items():
    _wrapped(_name, _prefix)


@rewrite
def env_split(text: str) -> str | None:
    words = program_of(text)
    if not words or not all(_BARE.match(word) for word in words):
        return None
    return f"env -S '{' '.join(words)}'"


@rewrite
def xargs(text: str) -> str | None:
    words = program_of(text)
    if not words or len(words) < 2 or not all(_BARE.match(word) for word in words[1:]):
        return None
    return f"echo {' '.join(words[1:])} | xargs {words[0]}" if not words[1].startswith("-") else None


@rewrite
def xargs_last(text: str) -> str | None:
    words = program_of(text)
    if not words or len(words) < 2 or not _BARE.match(words[-1]) or words[-1].startswith("-"):
        return None
    return f"echo {words[-1]} | xargs -I@@ {joined(words[:-1])} @@"


@rewrite
def full_path(text: str) -> str | None:
    words = program_of(text)
    return words and f"/usr/bin/{words[0]} {joined(words[1:])}"


@rewrite
def odd_path(text: str) -> str | None:
    words = program_of(text)
    return words and f"/usr/../usr/bin//./{words[0]} {joined(words[1:])}"


# Texts inside of texts


@rewrite
def bash_c(text: str) -> str | None:
    if begins_as_option(text) or has_parameters(text):
        return None
    return f"bash -c {shlex.quote(text)}"


@rewrite
def shell_options(text: str) -> str | None:
    if begins_as_option(text) or has_parameters(text):
        return None
    return f"/usr/bin/env bash --norc -o pipefail -c {shlex.quote(text)} name"


@rewrite
def twice_nested(text: str) -> str | None:
    if begins_as_option(text) or has_parameters(text):
        return None
    return f"sh -c {shlex.quote(f'bash -lc {shlex.quote(text)}')}"


@rewrite
def evaluated(text: str) -> str | None:
    if begins_as_option(text):
        return None
    return f"eval {shlex.quote(text)}"


@rewrite
def evaluated_variable(text: str) -> str | None:
    if begins_as_option(text):
        return None
    return f'text={shlex.quote(text)}; eval "$text"'


@rewrite
def sourced(text: str) -> str | None:
    return f"source <(printf '%s\\n' {shlex.quote(text)})"


@rewrite
def here_document(text: str) -> str | None:
    return f"bash <<'END_OF_TEXT'\n{text}\nEND_OF_TEXT"


@rewrite
def here_string(text: str) -> str | None:
    return f"bash <<< {shlex.quote(text)}"


@rewrite
def piped_text(text: str) -> str | None:
    return f"printf '%s\\n' {shlex.quote(text)} | bash"


@rewrite
def base64_text(text: str) -> str | None:
    return f"echo {base64.b64encode(text.encode()).decode()} | base64 -d | bash"


@rewrite
def hex_text(text: str) -> str | None:
    return f"echo {text.encode().hex()} | xxd -r -p | bash"


@rewrite
def base64_substitution(text: str) -> str | None:
    if begins_as_option(text):
        return None
    return f'eval "$(echo {base64.b64encode(text.encode()).decode()} | base64 --decode)"'


@rewrite
def script_file(text: str) -> str | None:
    return f"cat > step.sh <<'END_OF_TEXT'\n{text}\nEND_OF_TEXT\nbash step.sh"


@rewrite
def in_python(text: str) -> str | None:
    return f"python3 -c {shlex.quote(f'import subprocess; subprocess.run({text!r}, shell=True)')}"


def option_forms(text: str, flags: list[str]) -> Iterator[tuple[str, str]]:
    """
    Rewrites of the options of a simple command.

    Args:
        flags: Options without a value, all spellings of one in one string: `-r -R --recursive`.
    """
    words = program_of(text)
    if not words:
        return
    spellings = {name: flag.split() for flag in flags for name in flag.split()}
    for at, word in enumerate(words[1:], 1):
        if word == "--":
            break
        for other in spellings.get(word, []):
            if other != word:
                yield f"option_spelled_{other}", joined([*words[:at], other, *words[at + 1 :]])
        letters = [f"-{letter}" for letter in word[1:]]
        if len(letters) > 1 and word[0] == "-" and word not in spellings and all(one in spellings for one in letters):
            yield "options_apart", joined([*words[:at], *letters, *words[at + 1 :]])
            yield "options_turned", joined([*words[:at], *letters[::-1], *words[at + 1 :]])
