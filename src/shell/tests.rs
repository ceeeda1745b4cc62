use std::rc::Rc;
use std::sync::Arc;

use super::command::{Candidate, Listed, Scope, Start, Stdin, Stdout, Value, Why};
use super::{command::Resolution, resolve};

/// What is usual in these tests, sorted.
const USUAL: [(&str, &str); 4] = [
    ("CC", "cc"),
    ("RM", "rm -f"),
    ("git rev-parse --show-toplevel", "."),
    ("go env GOPATH", "~/go"),
];

fn start() -> Start {
    Start {
        workspace: Some(String::from("/w")),
        usual: Listed::of(&USUAL).map(Arc::new),
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
        Why::UnsetVariable(name) | Why::Parameter(name) | Why::PutIn(name) => format!("…{name}"),
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
fn what_is_usual_is_found_by_its_whole_name() {
    let knows = |list: &[(&str, &str)]| Start {
        usual: Listed::of(list).map(Arc::new),
        ..start()
    };
    let start = knows(&[("CC", "cc"), ("EMPTY", ""), ("go env GOPATH", "~/go")]);
    let found = |name: &str| start.usual(name);
    assert_eq!(found("CC").as_deref(), Some("cc"));
    assert_eq!(found("go env GOPATH").as_deref(), Some("/home/user/go"));
    assert_eq!(found("EMPTY").as_deref(), Some(""));
    for absent in ["C", "cc", "GOPATH", "", "CC\u{2}cc\u{1}EMPTY"] {
        assert_eq!(found(absent), None, "{absent:?}");
    }
    for count in 0..20 {
        let names: Vec<String> = (0..count).map(|at| format!("{at:02}")).collect();
        let list: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
        let start = knows(&list);
        let held = |name: &String| start.usual(name).as_deref() == Some("v");
        assert!(names.iter().all(held), "{count}");
        assert_eq!(start.usual("zz"), None);
    }
    assert!(Listed::of(&[("A", "b\u{1}c")]).is_none());
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
fn what_make_and_templates_put_in_comes_from_outside() {
    for (text, meant) in [
        ("$(RM) $(OBJECTS)", "rm -f …OBJECTS"),
        ("$(CC) -c x.c", "cc -c x.c"),
        ("rm -rf $(DIR)/x", "rm -rf …DIR"),
        ("$(BIN)/tool x", "</tool|…BIN> x"),
        ("cp $(addprefix a/, b) c", "cp …addprefix c"),
        ("rm -rf ${{ matrix.dir }}/x", "rm -rf …matrix.dir"),
        ("cp x ${{ env.OUT }}", "cp x …OUT"),
        ("OUT=y; cp x ${{ env.OUT }}", "cp x y"),
        ("echo \"${{ a.b }}-c\"", "echo …a.b"),
        ("${{ env.BIN }}/tool x", "</tool|…BIN> x"),
        (
            "cd \"$(git rev-parse --show-toplevel)\"; rm -rf $(go env GOPATH)/x",
            "rm -rf /home/user/go/x",
        ),
    ] {
        assert_eq!(last_of(text), meant, "in `{text}`");
    }
}

#[test]
fn a_program_that_the_text_makes_is_no_variable_of_make() {
    assert_eq!(last_of("RM() { echo x; }; $(RM) y"), "x y");
    assert_eq!(last_of("PATH=/tmp/x:$PATH; $(RM) y"), "…CommandOutput y");
    // A project's own folder is named only from inside of it.
    assert_eq!(
        last_of("rm -rf $(git rev-parse --show-toplevel)/x"),
        "rm -rf …CommandOutput"
    );
}

#[test]
fn descriptors_that_exec_opened_are_followed() {
    let stdin = |text: &str| run(text).commands.pop().map(|command| command.stdin);
    let Some(Stdin::Text { body, .. }) = stdin("exec 3<<< 'rm x'; sh <&3") else {
        panic!("no text");
    };
    assert_eq!(body, Value::Exact(String::from("rm x\n")));
    assert_eq!(
        stdin("exec 3< file; sh <&3"),
        Some(Stdin::File(Value::Exact(String::from("file"))))
    );
    assert_eq!(stdin("coproc sh"), Some(Stdin::Pipe(Vec::new())));
}

#[test]
fn a_value_expanded_like_a_prompt_runs_what_is_in_it() {
    let runs = |text: &str| words(text).contains(&String::from("rm y"));
    assert!(runs("x='a $(rm y) b'; echo \"${x@P}\""));
    assert!(!runs("x='$(rm y)'; echo \"${x@Q}\""));
}

#[test]
fn where_a_program_lies_is_no_place_of_the_project() {
    assert_eq!(last_of("$(which rm) -rf /"), "/usr/bin/rm -rf /");
    assert_eq!(last_of("$(command -v rm) -rf /"), "/usr/bin/rm -rf /");
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

#[test]
fn quotes_keep_words_whole_and_data_is_not_code() {
    assert_eq!(
        words("git commit -m \"remove 'rm' -rf / from docs\""),
        ["git commit -m remove 'rm' -rf / from docs"]
    );
    assert_eq!(words("echo '$(rm -rf /)'"), ["echo $(rm -rf /)"]);
    assert_eq!(words("ls # rm -rf /"), ["ls"]);
    assert_eq!(words("true; rm x # y\nls"), ["true", "rm x", "ls"]);
    assert_eq!(words("echo a#b \\# 'c#'"), ["echo a#b # c#"]);
    assert_eq!(
        words(r#"printf '%s\n' "a b" c\ d"#),
        [r"printf %s\n a b c d"]
    );
    assert_eq!(words("echo \"\" ''"), ["echo  "]);
}

#[test]
fn expansions_follow_bash() {
    for (source, expected) in [
        (
            "echo {a,b}{1..3} x{,.bak}",
            "echo a1 a2 a3 b1 b2 b3 x x.bak",
        ),
        ("echo {01..03} {a..e..2} {}", "echo 01 02 03 a c e {}"),
        ("echo {a,{b,c}d} {a} {,", "echo a bd cd {a} {,"),
        (
            "echo ~ ~/x ~root ~user/y '~' a~",
            "echo /home/user /home/user/x /root /home/user/y ~ a~",
        ),
        (
            "echo $((2+3*4)) $((0x10)) $((2**10)) $((7/2)) $((5>3?1:2))",
            "echo 14 16 1024 3 1",
        ),
        ("i=1; ((i++)); echo $i $((i+=5)) $i", "echo 2 7 7"),
        (
            "x=abcdef; echo ${x:2} ${x:1:3} ${x: -2} ${#x} ${x:0:-4}",
            "echo cdef bcd ef 6 ab",
        ),
        (
            "x=a.b.c; echo ${x%.*} ${x%%.*} ${x#*.} ${x##*.}",
            "echo a.b a b.c c",
        ),
        (
            "x=aXbX; echo ${x/X/-} ${x//X/-} ${x/#a/b} ${x/%X/y} ${x^^} ${x^}",
            "echo a-bX a-b- bXbX aXby AXBX AXbX",
        ),
        (
            "a=(x 'y z' w); echo ${a[1]} ${#a[@]} ${a[@]:1:1} ${!a[@]} ${a[-1]}",
            "echo y z 3 y z 0 1 2 w",
        ),
        (
            "declare -A m=([k]=v [j]=w); echo ${m[k]} ${m[j]}",
            "echo v w",
        ),
        ("a=(1); a+=(2 3); a[1]=x; echo ${a[*]}", "echo 1 x 3"),
        ("x=; echo ${x:-d} ${x-e} ${x:+f} ${y+g}z", "echo d <z|gz>"),
        ("set -- a b c; shift; echo $1 $# $*", "echo b 2 b c"),
        ("IFS=:; x=a:b; echo $x", "echo a b"),
        ("x='a  b'; echo $x \"$x\"", "echo a b a  b"),
        ("x=1 y=$x z; echo ${y:-none}", "echo <none|…y>"),
        ("echo /etc/* 'a*' \\?", "echo glob:/etc/* a* ?"),
        (
            "x='*.c'; ls $x \"$x\" [ab]x [",
            "ls glob:*.c *.c glob:[ab]x [",
        ),
        ("cd /a; cd b/../c; cd - ; echo $PWD $OLDPWD", "echo /a /a/c"),
        ("CDPATH=/ cd etc; echo $PWD", "echo /etc"),
        ("export CDPATH=/srv:/a; pushd b; echo $PWD", "echo /srv/b"),
        ("CDPATH=/srv; cd /a; cd ./b; echo $PWD", "echo /a/b"),
        ("CDPATH=.:/srv; cd /a; cd b; echo $PWD", "echo /a/b"),
        ("unset x; echo [${x}]", "echo []"),
        (
            "declare -u x=abc; declare -i n=2+3; echo $x $n",
            "echo ABC 5",
        ),
        (
            "f() { local x=in; g; }; g() { echo $x; }; x=out; f",
            "echo in",
        ),
        ("x=out; f() { local x=in; }; f; echo $x", "echo out"),
        ("f() { x=in; }; x=out; f; echo $x", "echo in"),
        (
            "(x=in; cd /); echo ${x:-none} $PWD",
            "echo <none|…x> /work/project",
        ),
        ("x=a; x+=b; echo $x; echo $_", "echo ab"),
        ("echo $'a\\tb' $\"c\" $'\\101'", "echo a\tb c A"),
        ("mapfile -t l <<< $'a\\nb'; echo ${l[1]}", "echo b"),
        ("IFS=, read a b <<< 1,2; echo $a-$b", "echo 1-2"),
        ("printf -v x '%s-%03d' a 7; echo $x", "echo a-007"),
    ] {
        assert_eq!(last(source), expected, "in `{source}`");
    }
}

#[test]
fn branches_give_every_value() {
    assert_eq!(last("if a; then x=1; else x=2; fi; rm $x"), "rm <1|2>");
    assert_eq!(last("x=0; if a; then x=1; fi; rm $x"), "rm <1|0>");
    assert_eq!(
        last("case $q in a) x=1 ;; *) x=2 ;; esac; rm $x"),
        "rm <1|2>"
    );
    assert_eq!(last("x=0; a || x=1; rm $x"), "rm <1|0>");
    assert_eq!(last("x=0; false || x=1; rm $x"), "rm 1");
    assert_eq!(last("x=0; [ -f a ] && x=1; rm $x"), "rm <1|0>");
    assert_eq!(last("mkdir a && x=1 && rm $x"), "rm 1");
    assert_eq!(
        words("for x in / /etc; do rm -rf $x; done"),
        ["rm -rf /", "rm -rf /etc"]
    );
    assert_eq!(
        words("for i in 1 2 3 4 5 6 7 8 9; do rm $i; done"),
        ["rm <1|2|3|4|5|6|7|8>", "rm 9"]
    );
    assert_eq!(
        last("for ((i=0; i<3; i++)); do rm a$i; done"),
        "rm <a1|a…i?>"
    );
    assert_eq!(
        words("x=/tmp; while a; do rm $x; x=/; done"),
        ["", "a", "rm </tmp|…x?>", ""]
    );
}

#[test]
fn certainty_ends_at_or_and_at_branches() {
    let certain = |source: &str| -> Vec<bool> {
        run(source)
            .commands
            .iter()
            .map(|command| command.certain)
            .collect()
    };
    assert_eq!(certain("a && b; c | d"), [true; 4]);
    assert_eq!(certain("a || b"), [true, false]);
    assert_eq!(certain("if a; then b; else c; fi"), [true, false, false]);
    assert_eq!(certain("for x in 1; do a; done"), [true]);
    assert_eq!(certain("for x in $q; do a; done"), [false]);
    assert_eq!(certain("while true; do a; done"), [true, true]);
}

#[test]
fn a_heredoc_belongs_to_its_reader() {
    let source = "cat <<A; bash <<'B' | tee x\nhello $(id)\nA\nrm -rf /\nB\necho done";
    let resolution = run(source);
    assert_eq!(
        lines(&resolution),
        ["id", "cat", "bash", "tee x", "echo done"]
    );
    let Stdin::Text {
        body,
        verbatim_at,
        span,
    } = &resolution.commands[2].stdin
    else {
        panic!("bash reads {:?}", resolution.commands[2].stdin);
    };
    assert_eq!(body, &Value::Exact(String::from("rm -rf /\n")));
    assert_eq!(&source[span.start()..span.end()], "rm -rf /\n");
    assert_eq!(*verbatim_at, Some(span.start()));
    assert_eq!(
        resolution.commands[1].known_stdin(),
        Some(&Value::Prefix(String::from("hello "), Why::CommandOutput))
    );
    let tabs = run("sh <<-X\n\ta\n\t\tb $HOME\n\tX\n");
    assert_eq!(
        tabs.commands[0].known_stdin(),
        Some(&Value::Exact(String::from("a\nb /home/user\n")))
    );
    let group = run("{ read x; sh; } <<< rm");
    assert_eq!(
        group.commands[1].known_stdin(),
        Some(&Value::Exact(String::from("rm\n")))
    );
}

#[test]
fn redirects_name_their_files() {
    let redirects = |source: &str| -> Vec<String> {
        run(source).commands[0]
            .redirects
            .iter()
            .map(|redirect| {
                format!(
                    "{:?} {} {}",
                    redirect.kind,
                    redirect.fd,
                    short(&redirect.target)
                )
            })
            .collect()
    };
    assert_eq!(
        redirects("a > x 2>> y < z <> w 3>&1 >| v {fd}> u"),
        [
            "Write 1 x",
            "Append 2 y",
            "Read 0 z",
            "ReadWrite 0 w",
            "Through 3 x",
            "Write 1 v",
            "Write 10 u"
        ]
    );
    assert_eq!(redirects("a 3>&1 4>&3"), ["Duplicate 3 1", "Duplicate 4 3"]);
    assert_eq!(redirects("a &> x"), ["Write 1 x"]);
    assert_eq!(redirects("a >& x"), ["Write 1 x"]);
    assert_eq!(redirects("a &>> x"), ["Append 1 x"]);
    assert_eq!(redirects("> x"), ["Write 1 x"]);
    assert_eq!(redirects("{ a; b; } > x"), ["Write 1 x"]);
    assert_eq!(redirects("f() { a; }; f > x"), ["Write 1 x"]);
    assert_eq!(
        redirects("a > \"$HOME/.bashrc\""),
        ["Write 1 /home/user/.bashrc"]
    );
}

#[test]
fn what_stands_in_substitutions_runs() {
    assert_eq!(
        words("echo $(rm -rf /)"),
        ["rm -rf /", "echo …CommandOutput"]
    );
    assert_eq!(
        words("echo \"${x:-$(rm a)}\""),
        ["rm a", "echo …CommandOutput"]
    );
    assert_eq!(
        words("x='a[$(rm b)]'; echo $((x))"),
        ["", "rm b", "echo …CommandOutput"]
    );
    assert_eq!(words("[[ -n $(rm c) && a =~ (b|c) ]]"), ["rm c"]);
    assert_eq!(words("a=($(rm d) `rm e`)"), ["rm d", "rm e", ""]);
    assert_eq!(
        words("cat <<E\n`rm \\`rm f\\``\nE\n"),
        ["rm f", "rm …CommandOutput", "cat"]
    );
    assert_eq!(words("echo ${a[$(rm g)]} $((1 + $(rm h)))").len(), 3);
    assert_eq!(words("case $(rm i) in $(rm j)) ;; esac"), ["rm i", "rm j"]);
    assert_eq!(words("f() { rm k; }"), Vec::<String>::new());
    assert_eq!(
        words("ls @($(rm l)|x)").first().map(String::as_str),
        Some("rm l")
    );
    assert_eq!(
        words("${x/$(rm m)/y}").first().map(String::as_str),
        Some("rm m")
    );
}

#[test]
fn groups_of_a_match_are_computed_where_they_can_be() {
    assert_eq!(
        words("[[ v1.2 =~ v([0-9]+)\\.([0-9]+) ]]; a ${BASH_REMATCH[1]} $BASH_REMATCH"),
        ["a 1 v1.2"]
    );
    assert_eq!(
        words("[[ $x =~ (.*) ]]; ${BASH_REMATCH[1]}"),
        ["…BASH_REMATCH?"]
    );
}

#[test]
fn process_substitutions_are_tied_to_their_command() {
    let resolution = run("bash <(curl x); tee >(sh) < f; while read l; do a; done < <(gen)");
    assert_eq!(
        lines(&resolution),
        [
            "curl x",
            "bash /dev/fd/…CommandOutput",
            "sh",
            "tee /dev/fd/…CommandOutput",
            "gen",
            "read l",
            "a"
        ]
    );
    assert_eq!(resolution.commands[0].stdout, Stdout::Pipe(vec![1]));
    assert_eq!(resolution.commands[1].words[1].from, [0]);
    assert_eq!(resolution.commands[2].stdin, Stdin::Pipe(vec![3]));
    assert_eq!(resolution.commands[5].stdin, Stdin::Pipe(vec![4]));
}

#[test]
fn an_error_hides_neither_what_stands_before_nor_after() {
    for (source, seen, span) in [
        ("echo a; ) rm b", &["echo a", "rm b"][..], (8, 14)),
        ("if x; then rm y", &["x", "rm y"], (0, 15)),
        ("a; done; rm z", &["a", "rm z"], (3, 13)),
        ("echo (rm q)", &["echo", "rm q"], (5, 11)),
        ("echo 'open", &["echo open"], (5, 10)),
        ("a &&", &["a"], (2, 4)),
        ("$(rm w", &["rm w", "…CommandOutput"], (0, 6)),
        ("echo ${x@", &["echo …Expansion"], (5, 9)),
    ] {
        let resolution = run(source);
        assert_eq!(lines(&resolution), seen, "in `{source}`");
        assert_eq!(resolution.unresolved[0].why, Why::Syntax, "in `{source}`");
        let at = resolution.unresolved[0].span;
        assert_eq!((at.start(), at.end()), span, "in `{source}`");
    }
}

#[test]
fn a_nested_text_knows_its_surroundings() {
    let outer =
        run("f() { rm -rf \"$1\"; }; alias g='f /'; D=/etc; a=(x y); eval 'f $D; g; ls ${a[1]}'");
    let eval = &outer.commands[outer.commands.len() - 1];
    let Value::Exact(code) = &eval.words[1].value else {
        panic!("the code is known");
    };
    let mut inner = start();
    inner.scope = Rc::clone(&eval.scope);
    let resolution = resolve(code, &inner);
    assert_eq!(lines(&resolution), ["rm -rf /etc", "rm -rf /", "ls y"]);
    let zero = Value::Exact(String::from("sh"));
    let argument = Value::Exact(String::from("/"));
    inner.scope = Rc::new(eval.scope.with_parameters(zero, vec![argument]));
    assert_eq!(lines(&resolve("rm $1 $0 $#", &inner)), ["rm / sh 1"]);
}

#[test]
fn verbatim_words_say_where_they_stand() {
    let source = "bash -c 'rm -rf /' \"ls a\" x$y";
    let resolution = run(source);
    let at: Vec<Option<usize>> = resolution.commands[0]
        .words
        .iter()
        .map(|word| word.verbatim_at)
        .collect();
    assert_eq!(at, [Some(0), Some(5), Some(9), Some(20), None]);
}

#[test]
fn over_the_budget_is_never_silence() {
    let limited = |source: &str| {
        run(source)
            .unresolved
            .iter()
            .any(|unresolved| unresolved.why == Why::Limit)
    };
    assert!(limited(&"$(".repeat(5_000)));
    assert!(limited(&"(".repeat(5_000)));
    assert!(limited(&"a b c;".repeat(5_000)));
    assert!(limited(&"x".repeat(super::MAX_SOURCE + 1)));
    assert!(limited(&"{a,b}".repeat(40)));
    let doubled = run(&format!("x=aaaaaaaa;{}", "x=$x$x;".repeat(16)));
    assert!(matches!(
        doubled.commands[16].assignments[0].value,
        Value::Prefix(_, Why::Limit)
    ));
    assert!(limited(&format!("x=aaaaaaaa;{}", "x=$x$x;".repeat(60))));
    assert!(limited(&"`\\`a\\``;".repeat(100)));
    let chain: String = (0..40)
        .map(|index| format!("f{index}() {{ f{}; }};", index + 1))
        .collect();
    assert!(limited(&format!("{chain} f0")));
    assert!(!limited(&"echo a; ".repeat(500)));
}

/// Pieces that texts are made of.
const PIECES: [&str; 48] = [
    "rm",
    " ",
    " ",
    "\n",
    ";",
    "|",
    "&",
    "&&",
    "||",
    "(",
    ")",
    "{",
    "}",
    "'",
    "\"",
    "`",
    "$",
    "$(",
    "$((",
    "))",
    "${x",
    ":-",
    "}",
    "<<E\n",
    "E\n",
    "<",
    ">",
    "<(",
    "if ",
    "then ",
    "fi",
    "for i in ",
    "do ",
    "done",
    "case ",
    " in ",
    "esac",
    "\\",
    "é",
    "\u{a0}",
    "#",
    "*",
    "[[ ",
    " ]]",
    "=",
    "a=(",
    "\r\n",
    "~",
];

#[test]
fn any_text_has_an_answer_whose_spans_fit() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..16 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            text.push_str(PIECES[usize::try_from(state % 48).unwrap()]);
        }
        let resolution = run(&text);
        let count = resolution.commands.len();
        let spans = resolution
            .commands
            .iter()
            .flat_map(|command| {
                command
                    .words
                    .iter()
                    .map(|word| word.span)
                    .chain(command.redirects.iter().map(|redirect| redirect.span))
                    .chain(command.assignments.iter().map(|assignment| assignment.span))
                    .chain([command.span])
            })
            .chain(
                resolution
                    .unresolved
                    .iter()
                    .map(|unresolved| unresolved.span),
            );
        for span in spans {
            assert!(
                text.get(span.start()..span.end()).is_some(),
                "{span:?} in {text:?}"
            );
        }
        for command in &resolution.commands {
            for word in &command.words {
                assert!(word.from.iter().all(|index| *index < count));
                if let (Some(at), Value::Exact(value)) = (word.verbatim_at, &word.value) {
                    assert_eq!(
                        text.get(at..at + value.len()),
                        Some(value.as_str()),
                        "in {text:?}"
                    );
                }
            }
            if let Stdin::Pipe(from) = &command.stdin {
                assert!(from.iter().all(|index| *index < count));
            }
        }
    }
}

#[test]
fn the_parser_takes_a_bounded_number_of_steps_for_every_byte() {
    for piece in PIECES.into_iter().chain([
        "a[",
        "a[ ",
        "$((a)",
        "((a)",
        "[[ a =~ [",
        "${x/",
        "a=([",
        "<<E",
        "@(",
        "`\\`",
        "$[a[",
        "x=1 ",
        "coproc ",
    ]) {
        for filler in ["", "a", " "] {
            let piece = format!("{piece}{filler}");
            let text = piece.repeat(16 * 1024 / piece.len());
            let steps = super::syntax::parse(&text).steps;
            assert!(steps <= 300 * text.len(), "{steps} steps for {piece:?}");
        }
    }
}
