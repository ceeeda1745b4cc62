//! What the decision procedure promises, on hand-made facts.

mod builtin;

use super::*;
use crate::actions::{Action, ActionKind, Certainty, Place, Target};
use crate::call::{Caller, Context, Surface};
use crate::decision::Effect;
use crate::facts::{Phase, RunState};
use crate::json::Value;
use crate::scan::{Checksum, Finding, FindingKind, Severity};
use crate::span::ByteSpan;

fn policy(rules: &str) -> Policy {
    Policy::from_compiled(policy_text(rules).as_bytes()).expect("a policy")
}

fn policy_text(rules: &str) -> String {
    format!(
        r#"{{"default":{{"post":{{"effect":"allow","layer":"builtin"}},"pre":{{"effect":"ask","layer":"builtin"}},"text":{{"effect":"allow","layer":"builtin"}}}},"format":"armorer-policy/1","id":"t","mode":"enforce","rules":[{rules}]}}"#
    )
}

fn rule(id: &str, effect: &str, more: &str, when: &str) -> String {
    format!(
        r#"{{"id":"{id}","effect":"{effect}","layer":"user","file":"t.yaml","line":1,"why":"because"{more},"when":[{when}]}}"#
    )
}

fn action(kind: ActionKind, target: &str, place: Option<Place>) -> Action {
    Action {
        kind,
        target: Target {
            value: String::from(target),
            exact: true,
            place,
            host: kind
                .as_str()
                .starts_with("net.")
                .then(|| String::from("x.io")),
        },
        attributes: Vec::new(),
        certainty: Certainty::Certain,
        on: None,
        by: String::from("rm"),
        at: String::from("/command"),
        span: None,
        reason: None,
        safer: None,
    }
}

fn delete(target: &str, place: Place) -> Action {
    action(ActionKind::FsDelete, target, Some(place))
}

fn unknown() -> Action {
    Action {
        reason: Some(String::from("the program is not known")),
        ..action(ActionKind::Unknown, "", None)
    }
}

fn finding(kind: FindingKind, severity: Severity, checksum: Option<Checksum>) -> Finding {
    Finding {
        rule: "secrets.test".into(),
        kind,
        severity,
        confidence_pm: 990,
        at: String::from("/command"),
        span: ByteSpan::new(0, 4).expect("not empty"),
        checksum,
        view: None,
        redact: true,
    }
}

fn facts(actions: Vec<Action>) -> Facts {
    Facts {
        phase: Phase::Pre,
        tool: String::from("Bash"),
        server: None,
        pin: None,
        sends: None,
        surface: Surface::ToolArgs,
        actions,
        findings: Vec::new(),
        args: Value::Object(vec![(String::from("command"), Value::from("rm x"))]),
        context: Context {
            cwd: Some(String::from("/w/p")),
            workspace: Some(String::from("/w/p")),
            home: Some(String::from("/home/u")),
            user: Some(String::from("u")),
            guard_home: None,
        },
        caller: Caller::default(),
        state: RunState::default(),
        now: String::from("2026-11-25T10:00:00.000000Z"),
    }
}

/// Effect and determining rules.
fn answer(facts: &Facts, policy: &Policy) -> (Effect, Vec<String>) {
    let verdict = decide(facts, policy);
    let rules = verdict
        .determining
        .iter()
        .map(|rule| rule.rule.clone())
        .collect();
    (verdict.effect, rules)
}

#[test]
fn the_built_in_table_is_the_built_in_policy() {
    let table = crate::builtin::policy().expect("it can be read");
    let text = Policy::from_compiled(crate::builtin::policy_text()).expect("it can be read");

    assert_eq!(table.digest(), text.digest());
    assert_eq!(
        format!("{:?}", table.compiled),
        format!("{:?}", text.compiled)
    );
    assert_eq!(table.id(), "armorer-guard/default");
}

#[test]
fn a_denial_outweighs_a_question_and_a_question_a_permission() {
    let kind = r#"{"action":{"kind":["fs.delete"]}}"#;
    let text = [
        rule("a", "allow", "", kind),
        rule("b", "ask", "", kind),
        rule("c", "deny", "", kind),
    ];
    let call = facts(vec![delete("/w/p/x", Place::Workspace)]);

    let all = policy(&text.join(","));
    assert_eq!(answer(&call, &all), (Effect::Deny, vec!["c".into()]));
    let two = policy(&text[..2].join(","));
    assert_eq!(answer(&call, &two), (Effect::Ask, vec!["b".into()]));
    let one = policy(&text[..1].join(","));
    assert_eq!(answer(&call, &one), (Effect::Allow, vec!["a".into()]));
    let none = policy("");
    assert_eq!(
        answer(&call, &none),
        (Effect::Ask, vec!["default.action".into()])
    );
}

/// Rules of every layer that fit the call, in every choice of effects, and every default.
fn every_choice() -> impl Iterator<Item = ([Option<Effect>; 4], Effect)> {
    const EFFECTS: [Effect; 3] = [Effect::Allow, Effect::Ask, Effect::Deny];
    (0..256_usize).flat_map(|number| {
        let choice = [0, 2, 4, 6].map(|shift| EFFECTS.get((number >> shift) & 3).copied());
        EFFECTS.into_iter().map(move |default| (choice, default))
    })
}

/// Sorted by name, as the rules of a compiled policy are.
const LAYERS: [&str; 4] = ["builtin", "managed", "project", "user"];

/// The answer as it is defined: of every rule of every layer the strictest, and the default of what nothing permits.
#[test]
fn every_rule_of_every_layer_is_collected_and_the_strictest_decides() {
    let call = facts(vec![delete("/w/p/x", Place::Workspace)]);
    for (choice, default) in every_choice() {
        let rules: Vec<(String, Effect, String)> = choice
            .iter()
            .zip(LAYERS)
            .filter_map(|(effect, layer)| {
                let effect = (*effect)?;
                let text = rule(
                    layer,
                    effect.as_str(),
                    "",
                    r#"{"action":{"kind":["fs.*"]}}"#,
                )
                .replace(r#""layer":"user""#, &format!(r#""layer":"{layer}""#));
                Some((layer.to_owned(), effect, text))
            })
            .collect();
        let strictest = rules.iter().map(|(_, effect, _)| *effect).max();
        let permitted = rules.iter().any(|(_, effect, _)| *effect == Effect::Allow);
        let expected = match strictest {
            Some(effect) if permitted || effect >= default => (
                effect,
                rules
                    .iter()
                    .filter(|(_, held, _)| *held == effect)
                    .map(|(layer, ..)| layer.clone())
                    .collect(),
            ),
            _ => (default, vec![String::from("default.action")]),
        };
        let texts: Vec<&str> = rules.iter().map(|(.., text)| text.as_str()).collect();
        let text = policy_text(&texts.join(",")).replace(
            r#""pre":{"effect":"ask""#,
            &format!(r#""pre":{{"effect":"{}""#, default.as_str()),
        );
        let policy = Policy::from_compiled(text.as_bytes()).expect("a policy");
        assert_eq!(answer(&call, &policy), expected, "{choice:?} {default:?}");
    }
}

#[test]
fn what_is_not_known_counts_against_the_call_in_every_layer() {
    let hidden = Action {
        target: Target {
            exact: false,
            place: Some(Place::Unknown),
            ..delete("", Place::Unknown).target
        },
        ..delete("", Place::Unknown)
    };
    let call = facts(vec![hidden]);
    let when = r#"{"action":{"kind":["fs.delete"],"place":["home"]}}"#;
    for layer in LAYERS {
        for (effect, expected) in [
            ("deny", Effect::Deny),
            ("ask", Effect::Ask),
            ("allow", Effect::Ask),
        ] {
            let text = rule("r", effect, "", when)
                .replace(r#""layer":"user""#, &format!(r#""layer":"{layer}""#));
            let (got, rules) = answer(&call, &policy(&text));
            assert_eq!(got, expected, "{layer} {effect}");
            assert_eq!(rules == ["r"], effect != "allow", "{layer} {effect}");
        }
    }
}

#[test]
fn a_denial_is_lowered_by_no_permission_no_grant_and_no_mode() {
    let kind = r#"{"action":{"kind":["fs.delete"]}}"#;
    let denial =
        rule("theirs", "deny", "", kind).replace(r#""layer":"user""#, r#""layer":"managed""#);
    let permission = rule("mine", "allow", "", kind);
    let mut call = facts(vec![delete("/w/p/x", Place::Workspace)]);
    call.state.grants = vec![crate::facts::LiveGrant {
        id: String::from("g"),
        scope: String::from("run"),
        rule: None,
    }];
    let text = policy_text(&format!("{permission},{denial}"));
    for mode in ["enforce", "observe"] {
        let text = text.replace(r#""mode":"enforce""#, &format!(r#""mode":"{mode}""#));
        let policy = Policy::from_compiled(text.as_bytes()).expect("a policy");
        let verdict = decide(&call, &policy);
        assert_eq!(verdict.effect, Effect::Deny, "{mode}");
        assert_eq!(verdict.determining[0].rule, "theirs");
        assert!(verdict.grants.is_empty());
    }
}

#[test]
fn each_action_needs_a_permission_of_its_own() {
    let policy = policy(&rule(
        "a",
        "allow",
        "",
        r#"{"action":{"kind":["fs.delete"],"place":["workspace"]}}"#,
    ));
    let inside = delete("/w/p/x", Place::Workspace);
    let outside = delete("/srv/x", Place::Outside);

    assert_eq!(
        answer(&facts(vec![inside.clone()]), &policy).0,
        Effect::Allow
    );
    let verdict = decide(&facts(vec![inside, outside]), &policy);
    assert_eq!(verdict.effect, Effect::Ask);
    assert_eq!(verdict.determining[0].actions, [1]);
    assert_eq!(
        verdict.determining[0].message,
        "would delete /srv/x: no rule of the policy allows that, so a person is asked"
    );
}

#[test]
fn what_would_do_nothing_is_allowed() {
    assert_eq!(
        answer(&facts(Vec::new()), &policy("")),
        (Effect::Allow, vec!["default.nothing".into()])
    );
}

#[test]
fn what_was_not_understood_is_covered_only_by_a_permission_that_names_it() {
    let any = rule("a", "allow", "", r#"{"action":{"kind":["*"]}}"#);
    let named = rule("a", "allow", "", r#"{"action":{"kind":["unknown"]}}"#);
    let call = facts(vec![unknown()]);

    assert_eq!(
        answer(&call, &policy(&any)),
        (Effect::Ask, vec!["default.unknown".into()])
    );
    assert_eq!(answer(&call, &policy(&named)).0, Effect::Allow);
    let open = r#"{"default":{"post":{"effect":"allow","layer":"user"},"pre":{"effect":"allow","layer":"user"},"text":{"effect":"allow","layer":"user"}},"format":"armorer-policy/1","id":"t","mode":"enforce","rules":[]}"#;
    let open = Policy::from_compiled(open.as_bytes()).expect("a policy");
    assert_eq!(answer(&call, &open).0, Effect::Ask);
}

#[test]
fn an_unknown_place_counts_against_the_call() {
    let place = r#"{"action":{"kind":["fs.delete"],"place":["root"]}}"#;
    let deny = policy(&rule("d", "deny", "", place));
    let soft = policy(&rule("d", "deny", r#","unknown":"ask""#, place));
    let allow = policy(&rule(
        "a",
        "allow",
        "",
        r#"{"action":{"kind":["fs.delete"],"place":["workspace"]}}"#,
    ));
    for call in [
        facts(vec![delete("", Place::Unknown)]),
        facts(vec![action(ActionKind::FsDelete, "", None)]),
    ] {
        let verdict = decide(&call, &deny);
        assert_eq!(
            (verdict.effect, verdict.determining[0].unknown),
            (Effect::Deny, true)
        );
        assert_eq!(decide(&call, &soft).effect, Effect::Ask);
        assert_eq!(decide(&call, &allow).effect, Effect::Ask);
    }
    let sure = facts(vec![delete("", Place::Unknown), delete("/", Place::Root)]);
    let verdict = decide(&sure, &soft);
    assert_eq!(verdict.effect, Effect::Deny);
    assert_eq!(
        (
            &verdict.determining[0].actions[..],
            verdict.determining[0].unknown
        ),
        (&[1][..], false)
    );
}

#[test]
fn all_conditions_of_a_block_hold_for_the_same_action() {
    let policy = policy(&rule(
        "d",
        "deny",
        "",
        r#"{"action":{"kind":["fs.delete"],"place":["home"],"has":{"all":["recursive"]}}}"#,
    ));
    let recursive = Action {
        attributes: vec![String::from("recursive")],
        ..delete("/w/p/x", Place::Workspace)
    };

    let split = facts(vec![recursive, delete("/home/u/x", Place::Home)]);
    assert_eq!(decide(&split, &policy).effect, Effect::Ask);
    let same = facts(vec![Action {
        attributes: vec![String::from("recursive")],
        ..delete("/home/u/x", Place::Home)
    }]);
    assert_eq!(decide(&same, &policy).effect, Effect::Deny);
}

#[test]
fn one_look_dismisses_no_rule_that_holds() {
    let denies = |when: &str, actions: Vec<Action>| {
        let policy = policy(&rule("a", "deny", "", when));
        answer(&facts(actions), &policy).0 == Effect::Deny
    };
    // Patterns that begin with two bases: what fits the second alone holds too.
    let two_bases =
        r#"{"action":{"kind":["fs.*"],"target":{"any":["${workspace}/gen/**","**/*.key"]}}}"#;
    assert!(denies(
        two_bases,
        vec![delete("/w/p/gen/a", Place::Workspace)]
    ));
    assert!(denies(two_bases, vec![delete("/x/a.key", Place::Outside)]));
    assert!(!denies(two_bases, vec![delete("/x/a.kex", Place::Outside)]));

    let placed = r#"{"action":{"kind":["fs.*"],"place":["system"],"certainty":["certain"]}}"#;
    assert!(denies(placed, vec![delete("/etc/a", Place::System)]));
    assert!(denies(placed, vec![delete("", Place::Unknown)]));
    assert!(!denies(placed, vec![delete("/w/p/a", Place::Workspace)]));
    let guessed = Action {
        certainty: Certainty::Possible,
        ..delete("/etc/a", Place::System)
    };
    assert!(!denies(placed, vec![guessed]));

    let marked = r#"{"action":{"has":{"any":["forced"]}}}"#;
    let forced = Action {
        attributes: vec![String::from("forced")],
        ..delete("/w/p/a", Place::Workspace)
    };
    assert!(denies(marked, vec![forced]));
    assert!(denies(marked, vec![unknown()]));
    assert!(!denies(marked, vec![delete("/w/p/a", Place::Workspace)]));

    // However far back the action stands, and the last of those that share a bit as well.
    for many in [61, 62, 63, 64, 200] {
        let mut actions = vec![delete("/w/p/a", Place::Workspace); many];
        assert!(!denies(placed, actions.clone()), "{many}");
        actions.push(delete("/etc/a", Place::System));
        assert!(denies(placed, actions), "{many}");
    }
}

#[test]
fn a_question_is_overridden_only_for_what_the_permission_covers() {
    let text = [
        rule(
            "a",
            "allow",
            r#","overrides":["b"]"#,
            r#"{"action":{"target":{"under":["${workspace}/tmp"]}}}"#,
        ),
        rule("b", "ask", "", r#"{"action":{"kind":["fs.delete"]}}"#),
    ]
    .join(",");
    let policy = policy(&text);
    let inside = delete("/w/p/tmp/x", Place::Workspace);
    let beside = delete("/w/p/tmpx", Place::Workspace);

    assert_eq!(
        answer(&facts(vec![inside.clone()]), &policy),
        (Effect::Allow, vec!["a".into()])
    );
    assert_eq!(answer(&facts(vec![beside.clone()]), &policy).0, Effect::Ask);
    assert_eq!(
        answer(&facts(vec![inside, beside]), &policy),
        (Effect::Ask, vec!["b".into()])
    );
}

#[test]
fn a_rule_that_has_run_out_is_silent_and_an_unreadable_clock_ends_permissions() {
    let kind = r#"{"action":{"kind":["fs.delete"]}}"#;
    let allow = policy(&rule("a", "allow", r#","until":"2026-11-25""#, kind));
    let deny = policy(&rule("d", "deny", r#","until":"2026-11-25""#, kind));
    let mut call = facts(vec![delete("/w/p/x", Place::Workspace)]);

    for (now, with_allow, with_deny) in [
        ("2026-11-25T23:59:59.000000Z", Effect::Allow, Effect::Deny),
        ("2026-11-26T00:00:00.000000Z", Effect::Ask, Effect::Ask),
        ("", Effect::Ask, Effect::Deny),
    ] {
        call.now = String::from(now);
        assert_eq!(decide(&call, &allow).effect, with_allow, "{now}");
        assert_eq!(decide(&call, &deny).effect, with_deny, "{now}");
    }
}

#[test]
fn a_stricter_rule_that_lacks_one_condition_is_told() {
    let policy = policy(
        &[
            rule("a", "allow", "", r#"{"action":{"kind":["fs.delete"]}}"#),
            rule(
                "d",
                "deny",
                "",
                r#"{"action":{"kind":["fs.delete"],"place":["home"]}}"#,
            ),
            rule(
                "e",
                "deny",
                "",
                r#"{"action":{"kind":["fs.write"],"place":["home"]}}"#,
            ),
            rule(
                "f",
                "deny",
                "",
                r#"{"action":{"kind":["fs.delete"],"place":["home"],"has":{"all":["force"]}}}"#,
            ),
        ]
        .join(","),
    );

    assert_eq!(
        decide(&facts(vec![delete("/w/p/x", Place::Workspace)]), &policy).near,
        [crate::decision::Near {
            rule: String::from("d"),
            effect: Effect::Deny,
            missing: ["action.place".into()],
        }]
    );
}

#[test]
fn an_observing_policy_allows_and_says_what_it_would_have_said() {
    let text = r#"{"default":{"post":{"effect":"allow","layer":"builtin"},"pre":{"effect":"deny","layer":"builtin"},"text":{"effect":"allow","layer":"builtin"}},"format":"armorer-policy/1","id":"t","mode":"observe","rules":[]}"#;
    let policy = Policy::from_compiled(text.as_bytes()).expect("a policy");
    let verdict = decide(&facts(vec![unknown()]), &policy);

    assert_eq!(verdict.effect, Effect::Allow);
    assert_eq!(verdict.determining[0].effect, Effect::Deny);
    assert_eq!(verdict.obligations, ["observed"]);
}

#[test]
fn what_a_core_does_not_know_is_refused() {
    let kind = r#"{"action":{"kind":["fs.delete"]}}"#;
    let wrap = |rules: &str| {
        format!(
            r#"{{"default":{{"post":{{"effect":"allow","layer":"builtin"}},"pre":{{"effect":"ask","layer":"builtin"}},"text":{{"effect":"allow","layer":"builtin"}}}},"format":"armorer-policy/1","id":"t","mode":"enforce","rules":[{rules}]}}"#
        )
    };
    for (text, kind) in [
        (String::from("rules: []"), "policy_not_json"),
        (String::new(), "policy_not_json"),
        (String::from("[]"), "policy_invalid"),
        (
            wrap(&rule("a", "allow", r#","colour":"red""#, kind)),
            "policy_invalid",
        ),
        (
            wrap(&rule("a", "allow", "", r#"{"mood":["bad"]}"#)),
            "policy_invalid",
        ),
        (
            wrap(&rule(
                "a",
                "allow",
                "",
                r#"{"action":{"kind":["fs.devour"]}}"#,
            )),
            "policy_invalid",
        ),
        (wrap(&rule("a", "allow", "", "")), "policy_invalid"),
        (
            wrap(&rule("a", "allow", r#","unknown":"ask""#, kind)),
            "policy_invalid",
        ),
        (
            wrap(&rule("a", "allow", r#","overrides":["z"]"#, kind)),
            "policy_invalid",
        ),
        (
            wrap(&rule(
                "a",
                "allow",
                "",
                r#"{"action":{"target":{"any":["/${nobody}"]}}}"#,
            )),
            "policy_invalid",
        ),
        (
            wrap(&[rule("b", "allow", "", kind), rule("a", "deny", "", kind)].join(",")),
            "policy_invalid",
        ),
        (
            wrap(
                &[
                    rule("a", "allow", r#","overrides":["b"]"#, kind),
                    rule("b", "deny", "", kind),
                ]
                .join(","),
            ),
            "policy_invalid",
        ),
        (wrap("").replace("policy/1", "policy/2"), "policy_format"),
    ] {
        let found = Policy::from_compiled(text.as_bytes()).map_err(|error| error.kind);
        assert_eq!(found.err(), Some(kind), "{text}");
    }
}
