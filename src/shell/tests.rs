use std::rc::Rc;

use super::command::{Candidate, Scope, Start, Stdin, Stdout, Value, Why};
use super::{command::Resolution, resolve};

fn start() -> Start {
    Start {
        cwd: Some(String::from("/work/project")),
        home: Some(String::from("/home/user")),
        user: Some(String::from("user")),
        scope: Rc::new(Scope::default()),
    }
}

fn run(source: &str) -> Resolution {
    resolve(source, &start())
}

/// A value in short: exact text as it is, what is unknown after an ellipsis.
fn short(value: &Value) -> String {
    let why = |why: &Why| match why {
        Why::UnsetVariable(name) | Why::Parameter(name) => format!("…{name}"),
        Why::RunTimeValue(name) => format!("…{name}?"),
        other => format!("…{other:?}"),
    };
    match value {
        Value::Exact(text) => text.clone(),
        Value::OneOf(texts) => format!("<{}>", texts.join("|")),
        Value::Pattern(text) => format!("glob:{text}"),
        Value::Prefix(text, reason) => format!("{text}{}", why(reason)),
        Value::Unknown(reason) => why(reason),
        Value::Either(values) => {
            format!(
                "<{}>",
                values.iter().map(short).collect::<Vec<_>>().join("|")
            )
        }
    }
}

/// The commands of a text, words separated by blanks; nothing may be unresolved.
fn words(source: &str) -> Vec<String> {
    let resolution = run(source);
    assert_eq!(resolution.unresolved, Vec::new(), "in `{source}`");
    lines(&resolution)
}

fn lines(resolution: &Resolution) -> Vec<String> {
    resolution
        .commands
        .iter()
        .map(|command| {
            command
                .words
                .iter()
                .map(|word| short(&word.value))
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect()
}

/// The last command's words.
fn last(source: &str) -> String {
    words(source).pop().unwrap_or_default()
}

#[test]
fn spellings_of_a_program_are_one_program() {
    for spelling in [
        "rm -rf /",
        r#"r"m" -rf /"#,
        r"r''m -r''f /",
        r"\rm -rf /",
        r"r\m -rf /",
        r"$'\x72\x6d' -rf /",
        r"$'\u0072m' -rf /",
        r"$'\162m' -rf /",
        "rm$IFS-rf$IFS/",
        "rm${IFS}-rf${IFS}/",
        "{rm,-rf,/}",
        "rm \\\n -rf \\\r\n /",
        "r\\\nm -rf /\r\n",
        "x='rm -rf /'; $x",
        "a=r b=m; $a$b -rf /",
        "x=xrmx; ${x:1:2} -rf /",
        "x=RM; ${x,,} -rf /",
        "x=rn; ${x/n/m} -rf /",
        "x=rm.exe; ${x%.*} -rf /",
        "x=/bin/rm; ${x##*/} -rf /",
        "y=rm; x=y; ${!x} -rf /",
        "declare -n x=y; y=rm; $x -rf /",
        "c=(rm -rf /); \"${c[@]}\"",
        "set -- rm -rf /; \"$@\"",
        "f() { \"$@\"; }; f rm -rf /",
        "alias x='rm -rf'; x /",
        "printf -v x %s rm; $x -rf /",
        "read x <<< rm; $x -rf /",
        "$UNSET rm -rf /",
        "rm -rf ${PATH:0:1}",
    ] {
        assert_eq!(last_of(spelling), "rm -rf /", "in `{spelling}`");
    }
}

fn last_of(source: &str) -> String {
    lines(&run(source)).pop().unwrap_or_default()
}

#[test]
fn pure_substitutions_are_computed() {
    for spelling in [
        r"$(printf '\162\155') -rf /",
        r"`echo -e '\x72\x6d'` -rf /",
        "$(echo 'eZ -rf /' | tr eZ rm)",
        "$(tr 'A-Z' 'a-z' <<< 'RM -RF /')",
        "$(echo / fr- mr | rev | xargs | rev | rev)",
        "$(echo cm0gLXJmIC8= | base64 -d)",
        "$(base32 -d <<< OJWSALLSMYQC6===)",
        "$(xxd -r -p <<< 726d202d7266202f)",
        "$(cat <<'X'\nrm -rf /\nX\n)",
        "$(echo xxrm | cut -c3-4) -rf /",
        "$(which rm) -rf /",
        "$(command -v rm) -rf /",
        "$(basename /bin/rm) -rf /",
        "rm -rf $(dirname /x)",
    ] {
        assert!(
            ["rm -rf /", "/ -rf rm"].contains(&last_of(spelling).as_str()),
            "in `{spelling}`: {}",
            last_of(spelling)
        );
    }
}

#[test]
fn an_unset_variable_is_empty_and_anything() {
    let resolution = run("rm -rf \"$X/\"");
    let value = &resolution.commands[0].words[2].value;
    let why = Why::UnsetVariable(String::from("X"));
    assert_eq!(
        value.candidates(),
        [Candidate::Exact("/"), Candidate::Prefix("", &why)]
    );
    assert_eq!(last("rm -rf $A/$B/*"), "rm -rf <glob://*|…A>");
    assert_eq!(last("rm -rf \"${A:?}\"/*"), "rm -rf …A");
    assert_eq!(last("rm ${A:-/tmp}/x"), "rm </tmp/x|…A>");
}

#[test]
fn a_pipe_carries_what_is_known() {
    let resolution = run("echo cm0gLXJmIC8= | base64 -d | sh");
    let shell = &resolution.commands[2];
    assert_eq!(shell.stdin, Stdin::Pipe(vec![1]));
    assert_eq!(
        shell.known_stdin(),
        Some(&Value::Exact(String::from("rm -rf /")))
    );
    assert_eq!(resolution.commands[0].stdout, Stdout::Pipe(vec![1]));
}

#[test]
fn a_fork_bomb_is_a_function_that_calls_itself() {
    assert_eq!(run(":(){ :|:& };:").recursive_functions.len(), 2);
    assert_eq!(run("f(){ echo x; }; f; f").recursive_functions, []);
}
