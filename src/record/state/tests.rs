//! What a run has seen, as its records tell it.

use super::*;

fn decision(effect: &str, tool: &str, ts: &str, more: &str) -> String {
    format!(
        r#"{{"kind":"decision","id":"R","ts":"{ts}","subject":{{"tool":"{tool}","server":null,"class":["fs.read"]}},"verdict":{{"effect":"{effect}"{more}}},"approval":null}}"#
    )
}

const LABEL: &str = r#","labels":[{"label":"secret","message":"read it"}]"#;

fn folded(lines: &[String]) -> State {
    let mut state = State::default();
    for line in lines {
        state.take(line.as_bytes());
    }
    state
}

fn count(state: &State, name: &str, now: &str) -> u64 {
    state.seen([name].into_iter(), None, now).counters[0].1
}

#[test]
fn what_may_have_run_leaves_its_labels_and_what_was_denied_does_not() {
    let at = "2026-11-22T09:41:07.123456Z";
    for (effect, labels) in [("allow", 1), ("ask", 1), ("deny", 0)] {
        let state = folded(&[decision(effect, "Bash", at, LABEL)]);
        let seen = state.seen([].into_iter(), None, at);
        assert_eq!(seen.labels.len(), labels, "{effect}");
        assert_eq!(seen.sources.len(), labels);
    }
    let told = r#"{"kind":"outcome","id":"O","ts":"2026-11-22T09:41:08.000000Z","labels":[{"label":"secret","message":"it ran"}]}"#;
    let seen = folded(&[decision("deny", "Bash", at, LABEL), told.to_owned()]).seen(
        [].into_iter(),
        None,
        at,
    );
    assert_eq!(seen.labels, ["secret"]);
    assert_eq!(
        (
            seen.sources[0].record.as_str(),
            seen.sources[0].message.as_str()
        ),
        ("O", "it ran")
    );
}

#[test]
fn counters_look_as_far_back_as_their_window() {
    let lines: Vec<String> = ["09:00", "09:05", "09:55", "10:00"]
        .iter()
        .map(|clock| {
            decision(
                "allow",
                "Bash",
                &format!("2026-11-22T{clock}:01.000000Z"),
                "",
            )
        })
        .collect();
    let state = folded(&lines);
    for (name, now, expected) in [
        ("calls", "2026-11-22T10:00:30Z", 4),
        ("tool:Bash/1m", "2026-11-22T10:00:30Z", 1),
        ("tool:Bash/1m", "2026-11-22T10:01:00Z", 0),
        ("kind:fs.read/10m", "2026-11-22T10:00:30Z", 2),
        ("calls/1h", "2026-11-22T10:00:30Z", 3),
        ("calls/1d", "2026-11-23T08:59:00Z", 4),
        ("calls/1d", "2026-11-23T09:00:00Z", 1),
        ("calls/1h", "no clock", 4),
        ("tool:Read", "2026-11-22T10:00:30Z", 0),
        ("denied", "2026-11-22T10:00:30Z", 0),
    ] {
        assert_eq!(count(&state, name, now), expected, "{name} at {now}");
    }
}

#[test]
fn names_without_room_are_counted_together_and_never_too_low() {
    let at = "2026-11-22T09:41:07.123456Z";
    let lines: Vec<String> = (0..MAX_COUNTERS + 40)
        .map(|number| decision("allow", &format!("t{number}"), at, ""))
        .collect();
    let state = folded(&lines);
    assert!(count(&state, &format!("tool:t{}", MAX_COUNTERS + 39), at) >= 40);
    assert_eq!(count(&state, "tool:t0", at), 1);
}

#[test]
fn a_line_that_cannot_be_read_counts_against_the_run() {
    let mut state = State::default();
    assert!(state.take(b"{\"kind\":7"));
    assert_eq!(
        state.seen([].into_iter(), None, "").labels,
        ["secret", "untrusted"]
    );
}

fn grant(id: &str, bound: &str, more: &str) -> String {
    format!(
        r#"{{"kind":"grant","id":"G","ts":"t","grant":{{"id":"{id}","scope":"once","match":{bound}{more}}}}}"#
    )
}

const NOW: &str = "2026-11-22T09:41:07.123456Z";
const EXACT: &str = r#"{"action_digest":"A","cwd":"/w","policy":"P"}"#;

fn live(state: &State, action: &str, cwd: &str, policy: &str, now: &str) -> Vec<String> {
    let asked = Asked {
        action,
        cwd: Some(cwd),
        policy,
        now,
        is_still: |path, digest| (path, digest) == ("/w/deploy.sh", "sha256:1"),
    };
    state
        .seen([].into_iter(), Some(asked), now)
        .grants
        .into_iter()
        .map(|grant| grant.id)
        .collect()
}

#[test]
fn a_grant_covers_what_it_is_bound_to_and_nothing_else() {
    let state = folded(&[grant("g", EXACT, "")]);
    assert_eq!(live(&state, "A", "/w", "P", NOW), ["g"]);
    for (action, cwd, policy) in [("B", "/w", "P"), ("A", "/x", "P"), ("A", "/w", "Q")] {
        assert!(live(&state, action, cwd, policy, NOW).is_empty());
    }
    let unbound = folded(&[
        grant("g", "{}", ""),
        grant("h", r#"{"policy":"P"}"#, ""),
        grant("i", r#"{"action_digest":"A"}"#, ""),
    ]);
    assert!(live(&unbound, "A", "/w", "P", NOW).is_empty());
}

#[test]
fn a_grant_for_a_file_holds_while_that_file_is_the_same() {
    let bound = |operands: &str| {
        let bound = EXACT.replace('}', &format!(r#","operands":{operands}}}"#));
        live(&folded(&[grant("g", &bound, "")]), "A", "/w", "P", NOW).len()
    };
    assert_eq!(bound("[]"), 1);
    assert_eq!(bound(r#"[{"path":"/w/deploy.sh","digest":"sha256:1"}]"#), 1);
    for other in [
        r#"[{"path":"/w/deploy.sh","digest":"sha256:2"}]"#,
        r#"[{"path":"/w/other.sh","digest":"sha256:1"}]"#,
        r#"[{"path":"/w/deploy.sh"}]"#,
        r#"[{"path":"/w/deploy.sh","digest":"sha256:1"},{"path":"/w/x","digest":"sha256:1"}]"#,
    ] {
        assert_eq!(bound(other), 0, "{other}");
    }
}

#[test]
fn what_calls_answered_and_cost_is_added_up() {
    let outcome = |clock: &str, output: &str, spend: &str| {
        format!(
            r#"{{"kind":"outcome","id":"O","ts":"2026-11-22T{clock}:00.000000Z","output":{output}{spend}}}"#
        )
    };
    let state = folded(&[
        outcome("09:00", r#"{"bytes":7}"#, r#","spend":{"usd_micros":40}"#),
        outcome(
            "10:00",
            r#"{"bytes":5}"#,
            r#","spend":{"usd_micros":2,"tokens":9}"#,
        ),
        outcome("10:00", r#"{"bytes":null}"#, ""),
        outcome("10:00", r#"{"$blob":"sha256:1","bytes":70000}"#, ""),
        outcome(
            "10:00",
            "null",
            &format!(r#","spend":{{"tokens":{}}}"#, u64::MAX),
        ),
    ]);
    for (name, expected) in [
        ("output_bytes", 12),
        ("output_bytes/10m", 5),
        ("spend:usd_micros", 42),
        ("spend:usd_micros/1m", 2),
        ("spend:tokens", u64::MAX),
        ("spend:tokens/1d", u64::MAX),
        ("calls", 0),
    ] {
        assert_eq!(
            count(&state, name, "2026-11-22T10:00:30Z"),
            expected,
            "{name}"
        );
    }
}

#[test]
fn a_tool_is_pinned_by_the_first_definition_that_was_told() {
    let told = |tool: &str, digest: &str| {
        format!(
            r#"{{"kind":"decision","id":"R","ts":"{NOW}","subject":{{"tool":"{tool}","def_digest":"{digest}"}},"verdict":{{"effect":"deny"}}}}"#
        )
    };
    let state = folded(&[
        told("mcp__a__read", "1"),
        told("mcp__a__read", "2"),
        decision("allow", "mcp__c__read", NOW, ""),
    ]);
    for (tool, digest, pin) in [
        ("mcp__a__read", "1", ToolPin::Ok),
        ("mcp__a__read", "2", ToolPin::Changed),
        ("mcp__b__read", "1", ToolPin::Shadowed),
        ("mcp__a__write", "1", ToolPin::New),
        ("read", "1", ToolPin::New),
    ] {
        assert_eq!(
            state.pin(tool, Some(digest), None),
            Some(pin),
            "{tool} {digest}"
        );
    }
    let both = folded(&[told("mcp__a__read", "1"), told("mcp__b__read", "1")]);
    let of_both = |digest| both.pin("mcp__a__read", Some(digest), None);
    assert_eq!(of_both("1"), Some(ToolPin::Shadowed));
    assert_eq!(of_both("2"), Some(ToolPin::Changed));
}

#[test]
fn a_list_of_tools_pins_them_and_says_what_they_are_from_there_on() {
    let told = |kind: &str, count: &str, servers: &str| {
        format!(
            r#"{{"kind":"{kind}","id":"R","ts":"{NOW}","tools":{{"count":{count},"servers":[{servers}]}}}}"#
        )
    };
    let server = |name: &str, tool: &str, digest: &str| {
        format!(r#"{{"name":"{name}","tools":[{{"name":"{tool}","def_digest":"{digest}"}}]}}"#)
    };
    let first = told(
        "run.start",
        "2",
        &[server("a", "mcp__a__read", "1"), server("rt", "run", "5")].join(","),
    );
    let servers_only = told("run.epoch", "null", &server("a", "mcp__a__other", "7"));
    let started = folded(&[first.clone(), servers_only]);
    let second = told("run.epoch", "1", &server("a", "mcp__a__read", "2"));
    let changed = folded(&[first, second]);
    for (state, tool, definition, pinned, pin) in [
        (&started, "mcp__a__read", None, None, Some(ToolPin::Ok)),
        (
            &started,
            "mcp__a__read",
            Some("2"),
            None,
            Some(ToolPin::Changed),
        ),
        (
            &started,
            "mcp__a__read",
            None,
            Some("9"),
            Some(ToolPin::Changed),
        ),
        (&started, "mcp__a__other", None, None, Some(ToolPin::New)),
        (&started, "run", None, None, Some(ToolPin::Ok)),
        (&started, "Bash", None, None, None),
        (&changed, "mcp__a__read", None, None, Some(ToolPin::Changed)),
        (&changed, "mcp__a__read", Some("1"), None, Some(ToolPin::Ok)),
        (&changed, "run", Some("5"), None, Some(ToolPin::Ok)),
        (
            &State::default(),
            "run",
            Some("5"),
            None,
            Some(ToolPin::New),
        ),
        (
            &State::default(),
            "run",
            Some("5"),
            Some("5"),
            Some(ToolPin::Ok),
        ),
        (
            &State::default(),
            "run",
            Some("5"),
            Some("6"),
            Some(ToolPin::Changed),
        ),
        (&State::default(), "run", None, Some("6"), None),
    ] {
        assert_eq!(
            state.pin(tool, definition, pinned),
            pin,
            "{tool} {definition:?} {pinned:?}"
        );
    }
    // A name that two servers share is not the name by which either is called.
    let both = told(
        "run.start",
        "2",
        &[server("a", "read", "1"), server("b", "read", "2")].join(","),
    );
    let both = folded(&[both]);
    assert_eq!(
        both.pin("mcp__a__read", None, None),
        Some(ToolPin::Shadowed)
    );
    assert_eq!(both.pin("read", None, None), None);
}

#[test]
fn a_grant_ends_by_use_by_time_and_by_being_taken_back() {
    let once = grant("g", EXACT, r#","max_uses":1"#);
    let used = format!(
        r#"{{"kind":"decision","id":"D","ts":"{NOW}","subject":{{"tool":"Bash"}},"verdict":{{"effect":"allow"}},"approval":{{"grants":["g"]}}}}"#
    );
    assert!(live(&folded(&[once.clone(), used]), "A", "/w", "P", NOW).is_empty());
    let ends = grant("g", EXACT, r#","expires":"2026-11-22T09:41:08.000000Z""#);
    assert_eq!(
        live(&folded(std::slice::from_ref(&ends)), "A", "/w", "P", NOW),
        ["g"]
    );
    assert!(
        live(
            &folded(std::slice::from_ref(&ends)),
            "A",
            "/w",
            "P",
            "2026-11-22T09:41:08.000000Z"
        )
        .is_empty()
    );
    assert!(live(&folded(std::slice::from_ref(&ends)), "A", "/w", "P", "soon").is_empty());
    let later = r#"{"kind":"note","id":"N","ts":"2026-11-22T09:41:09.000000Z"}"#;
    // The clock was set back after that record: what has lapsed does not come back.
    let lapsed = folded(&[ends, later.to_owned()]);
    assert!(live(&lapsed, "A", "/w", "P", NOW).is_empty());
    let revoked = r#"{"kind":"revoke","id":"V","ts":"t","grant_id":"g"}"#;
    assert!(live(&folded(&[once, revoked.to_owned()]), "A", "/w", "P", NOW).is_empty());
}

fn brings(effect: &str, more: &str) -> String {
    format!(
        r#"{{"kind":"decision","id":"R","ts":"2026-11-22T09:41:07.123456Z","subject":{{"tool":"Bash","server":null,"class":["fs.write"]{more}}},"verdict":{{"effect":"{effect}"}},"approval":null}}"#
    )
}

fn paths(state: &State) -> Vec<String> {
    state.fetched().into_iter().map(|file| file.path).collect()
}

#[test]
fn what_may_have_been_brought_is_known_and_what_took_its_place_for_certain_too() {
    let fetches = r#","fetched":[{"host":"x.example","path":"/w/x"},{"path":"/w/y"}]"#;
    for (effect, count) in [("allow", 2), ("ask", 2), ("deny", 0)] {
        assert_eq!(
            folded(&[brings(effect, fetches)]).fetched().len(),
            count,
            "{effect}"
        );
    }
    let mut state = folded(&[brings("allow", fetches)]);
    let told = state.fetched();
    assert_eq!(
        (
            told[0].host.as_deref(),
            told[0].record.as_str(),
            told[0].at.as_str()
        ),
        (Some("x.example"), "R", "2026-11-22T09:41:07.123456Z")
    );
    assert_eq!(told[1].host, None);
    let replaces = r#","replaced":["/w/x","/w/unheard-of"]"#;
    for effect in ["deny", "ask"] {
        assert!(!state.take(brings(effect, replaces).as_bytes()), "{effect}");
    }
    assert_eq!(paths(&state), ["/w/x", "/w/y"]);
    assert!(state.take(brings("allow", replaces).as_bytes()));
    assert_eq!(paths(&state), ["/w/y"]);
    state.take(
        brings(
            "allow",
            r#","fetched":[{"path":"/w/d/x"},{"path":"/w/dd"}]"#,
        )
        .as_bytes(),
    );
    assert!(state.take(brings("allow", r#","replaced":["/w/d"]"#).as_bytes()));
    assert_eq!(paths(&state), ["/w/dd", "/w/y"]);
    state.take(brings("allow", r#","replaced":["/w/dd"]"#).as_bytes());
    // What is replaced and brought again is there.
    let again = r#","fetched":[{"path":"/w/y"}],"replaced":["/w/y"]"#;
    assert!(state.take(brings("allow", again).as_bytes()));
    assert_eq!(paths(&state), ["/w/y"]);
}

#[test]
fn of_too_many_files_the_nearest_folder_with_others_is_known() {
    let mut state = State::default();
    for number in 0..256 {
        let file = format!(
            r#","fetched":[{{"host":"h","path":"/w/d{}/f{number}"}}]"#,
            number % 4
        );
        state.take(brings("allow", &file).as_bytes());
    }
    assert_eq!(paths(&state).len(), 256);
    state.take(
        brings(
            "allow",
            r#","fetched":[{"host":"h","path":"/w/d1/deep/er/x"}]"#,
        )
        .as_bytes(),
    );
    assert_eq!(paths(&state).len(), 193);
    assert!(paths(&state).contains(&String::from("/w/d1")));
    for number in 0..64 {
        let file = format!(r#","fetched":[{{"path":"/v{number}"}}]"#);
        state.take(brings("allow", &file).as_bytes());
    }
    assert_eq!(paths(&state), ["/"]);
}
