//! `armorer-guard hook RUNTIME`: one event of an agent runtime in, one answer in its own terms out.
//!
//! Whatever goes wrong is a denial in the runtime's terms: a guard that fails must not look like one that found nothing.

use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use armorer_guard_core::call::{Call, Caller, Context, Surface, Text};
use armorer_guard_core::decision::{Decision, Effect};
use armorer_guard_core::guard::{Guard, Options};
use armorer_guard_core::json::{StringRole, Value, canonical, parse_repaired};
use armorer_guard_core::record::kinds::{Config, ConfigFile, RunStart};
use armorer_guard_core::record::tools::Tools;
use armorer_guard_core::record::{Durability, Outcome, Stopping, StoreError, Unrecorded, digest};
use armorer_guard_core::runtime::{
    BeginEvent, Contract, EventContract, HookEvent, OutcomeEvent, Refused, Reply, ReplyTemplate,
    Session, StopEvent,
};
use armorer_guard_core::{builtin, edge, explain};

use crate::args::HookOptions;
use crate::input::read_all;
use crate::output::{Status, complain, write_out};
use crate::{help, last_resort};

/// Runs the hook and returns its exit status.
pub(crate) fn run(options: &HookOptions) -> u8 {
    let Some(contract) = builtin::runtime(&options.runtime) else {
        complain(
            &format!("the runtime `{}` is not known", options.runtime),
            Some(&help::known_runtimes()),
        );
        return Status::Error.code();
    };
    let failing = |what, kind| contract.failure.fill(&cannot_judge(what, kind));
    last_resort::arm(
        last_resort::Replies {
            late: failing("it did not come to an answer in time", "deadline"),
            fault: failing("it ran out of stack or memory", "resources"),
        },
        options.deadline,
    );
    let mut told = None;
    let reply = catch_unwind(AssertUnwindSafe(|| answer(&contract, options, &mut told)))
        .unwrap_or_else(|_| {
            contract
                .failure
                .fill(&cannot_judge("an internal error", "internal"))
        });
    let exit = deliver(&contract, &reply);
    if let Some(Told {
        guard,
        run,
        decision,
    }) = told
    {
        // A call that runs against an answer without this mark has not waited for it. The mark is evidence: where it
        // cannot be made, the answer stands all the same.
        let _ = guard.told(&run, &decision);
    }
    exit
}

/// An answer that forbids or asks, and the decision it is about.
struct Told {
    guard: ManuallyDrop<Guard>,
    run: String,
    decision: String,
}

/// Hosts wait about ten seconds, or as long as their configuration says; the answer must be there before.
pub(crate) const DEADLINE: Duration = Duration::from_secs(8);

fn cannot_judge(what: &str, kind: &str) -> String {
    format!(
        "armorer-guard could not judge this, so it is denied: {what} [error.{kind}]. Trying again changes nothing; \
         a person has to look at the guard or at what calls it."
    )
}

fn answer(contract: &Contract<'_>, options: &HookOptions, told: &mut Option<Told>) -> Reply {
    let refuse = |what: &str, kind: &str| contract.failure.fill(&cannot_judge(what, kind));
    let input = match read_all() {
        Ok(input) => input,
        Err(error) => return refuse(&error.message, error.kind),
    };
    let value = match parse_repaired(&input) {
        Ok((value, _)) => value,
        Err(error) => return refuse(&error.to_string(), error.kind.as_str()),
    };
    drop(input);
    let event = match contract.read(value) {
        Ok(event) => event,
        Err(Refused { error, event }) => {
            let template = event
                .and_then(|event| event.failure.as_ref())
                .unwrap_or(&contract.failure);
            return template.fill(&cannot_judge(&error.message, error.kind));
        }
    };
    if matches!(event, HookEvent::Unjudged) {
        return Reply {
            stdout: b"{}\n".to_vec(),
            stderr: Vec::new(),
            exit: 0,
        };
    }
    let Some(home) = options.home.clone().or_else(edge::guard_home) else {
        return refuse(
            "nothing says where it keeps its records; set ARMORER_GUARD_HOME",
            "home_unknown",
        );
    };
    let guard = Guard::open(&Options {
        home: Some(home.clone()),
        record: true,
    })
    .with_durability(Durability::from_environment())
    .with_unrecorded(Unrecorded::from_environment());
    // The process ends with the answer, which gives everything back at once; piece by piece takes as long as a policy's
    // decision.
    let guard = ManuallyDrop::new(guard);
    let place = |session: &Session| context(contract, session, home.clone());
    match event {
        HookEvent::Call(call, event) => {
            let decision = ManuallyDrop::new(guard.check(Call {
                tool: call.tool,
                args: call.args,
                pin: None,
                definition: None,
                context: place(&call.session),
                caller: caller(contract, call.session, call.call_id),
            }));
            let reply = reply(event, &decision);
            if decision.verdict.effect != Effect::Allow && decision.recorded() {
                *told = Some(Told {
                    guard,
                    run: decision.run.clone(),
                    decision: decision.id.clone(),
                });
            }
            reply
        }
        HookEvent::Begin(begin, event) => configure(contract, &guard, begin, event, &home),
        HookEvent::Stop(stop, event) => end(contract, &guard, stop, event),
        HookEvent::Text(text, event) => {
            let decision = guard.check_text(Text {
                bytes: text.text.into_bytes(),
                surface: text.surface,
                caller: caller(contract, text.session, None),
            });
            reply(event, &decision)
        }
        HookEvent::Outcome(outcome, event) => record(contract, &guard, outcome, event),
        HookEvent::Unjudged => contract
            .failure
            .fill(&cannot_judge("an internal error", "internal")),
    }
}

/// Closes a decision with its outcome, and judges what the tool answered: the model is about to read it.
fn record(
    contract: &Contract<'_>,
    guard: &Guard,
    outcome: OutcomeEvent,
    event: &EventContract<'_>,
) -> Reply {
    let text = outcome.output.as_ref().map(strings).unwrap_or_default();
    let run = guard.run_id(contract.name, Some(&outcome.session.id));
    let output_digest = outcome
        .output
        .as_ref()
        .map(|output| digest(&canonical(output)));
    let output_bytes = text.len() as u64;
    let decision = (!text.is_empty()).then(|| {
        guard.check_text(Text {
            bytes: text.into_bytes(),
            surface: Surface::ToolResult,
            // Without the call's id: that names the decision about the call, which the outcome closes.
            caller: caller(contract, outcome.session, None),
        })
    });
    let recorded = guard.outcome(&Outcome {
        run,
        of: None,
        call_id: outcome.call_id,
        tool: outcome.tool,
        result: outcome.result,
        duration_ms: outcome.duration_ms,
        output_bytes: Some(output_bytes),
        output_digest,
        findings: decision
            .as_ref()
            .map(|decision| decision.facts.findings.clone())
            .unwrap_or_default(),
        spend: std::collections::BTreeMap::new(),
        adapter: contract.adapter.to_owned(),
        answers_marked: true,
    });
    match (recorded, decision) {
        (Err(error), _) => not_recorded(contract, event, "what came of this call", &error),
        (Ok(_), None) => event.allow.fill(""),
        (Ok(_), Some(decision)) => reply(event, &decision),
    }
}

/// Records that a session begins, or that it is configured otherwise now. Nothing is judged.
fn configure(
    contract: &Contract<'_>,
    guard: &Guard,
    begin: BeginEvent,
    event: &EventContract<'_>,
    home: &Path,
) -> Reply {
    let run = guard.run_id(contract.name, Some(&begin.session.id));
    let place = context(contract, &begin.session, home.to_owned());
    let start = RunStart {
        runtime: contract.name.to_owned(),
        config: config(contract, place.home.as_deref(), place.cwd.as_deref()),
        tools: servers(contract, place.home.as_deref(), place.cwd.as_deref()),
        cwd: place.cwd,
        workspace: place.workspace,
        user: place.user,
        session: Some(begin.session.id),
        agent: begin.session.agent,
        host_mode: begin.session.mode,
        model: begin.model,
        ..RunStart::default()
    };
    match guard.configure(&run, start, contract.adapter) {
        Ok(_) => event.allow.fill(""),
        Err(error) => not_recorded(contract, event, "that the session begins", &error),
    }
}

/// The content of a file that a contract names, when it is there. Longer files are no configuration.
fn named_file(name: &str, home: Option<&str>, cwd: Option<&str>) -> Option<Vec<u8>> {
    const MOST: u64 = 4 << 20;
    let path = match (name.strip_prefix("~/"), name.strip_prefix("./")) {
        (Some(rest), _) => Path::new(home?).join(rest),
        (None, Some(rest)) => Path::new(cwd?).join(rest),
        (None, None) => PathBuf::from(name),
    };
    let data = std::fs::metadata(&path).ok()?;
    if !data.is_file() || data.len() > MOST {
        return None;
    }
    std::fs::read(&path).ok()
}

/// The servers of tools that a runtime is told to start.
fn servers(contract: &Contract<'_>, home: Option<&str>, cwd: Option<&str>) -> Option<Tools> {
    let described: Vec<Value> = contract
        .server_files
        .iter()
        .filter_map(|place| {
            let (name, pointer) = place.split_once('#')?;
            let (file, _) = parse_repaired(&named_file(name, home, cwd)?).ok()?;
            let escaped = cwd
                .unwrap_or_default()
                .replace('~', "~0")
                .replace('/', "~1");
            file.pointer(&pointer.replace("${cwd}", &escaped)).cloned()
        })
        .collect();
    Tools::of_servers(described.iter())
}

/// The files a runtime is configured by, as far as they are there, by digest.
fn config(contract: &Contract<'_>, home: Option<&str>, cwd: Option<&str>) -> Option<Config> {
    let files: Vec<ConfigFile> = contract
        .config_files
        .iter()
        .filter_map(|name| {
            Some(ConfigFile {
                digest: digest(&named_file(name, home, cwd)?),
                path: (*name).to_owned(),
            })
        })
        .collect();
    (!files.is_empty()).then(|| Config::of(files))
}

/// Ends the run of a session.
fn end(
    contract: &Contract<'_>,
    guard: &Guard,
    stop: StopEvent,
    event: &EventContract<'_>,
) -> Reply {
    let stopped = guard.stop(&Stopping {
        run: guard.run_id(contract.name, Some(&stop.session.id)),
        state: "completed",
        by: "runtime",
        reason: stop.reason,
        resumable: None,
        resume_cmd: None,
        outcomes_reported: true,
        adapter: contract.adapter.to_owned(),
    });
    match stopped {
        Ok(_) => event.allow.fill(""),
        // A session in which nothing was called has no record that could end.
        Err(error) if error.kind == StoreError::NO_RUN => event.allow.fill(""),
        Err(error) => not_recorded(contract, event, "that the session ended", &error),
    }
}

fn not_recorded(
    contract: &Contract<'_>,
    event: &EventContract<'_>,
    what: &str,
    error: &StoreError,
) -> Reply {
    event
        .failure
        .as_ref()
        .unwrap_or(&contract.failure)
        .fill(&format!(
            "armorer-guard could not record {what}: {} [error.{}]",
            error.message, error.kind
        ))
}

/// Every string of a tool's answer, a line each: what the model is going to read.
fn strings(output: &Value) -> String {
    let mut text = String::new();
    output.each_string(&mut |_, held, role| {
        if role == StringRole::Value && !held.is_empty() {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(held);
        }
    });
    text
}

fn context(contract: &Contract<'_>, session: &Session, home: PathBuf) -> Context {
    let here = std::env::current_dir().ok();
    let cwd = match (&session.cwd, here) {
        // An absolute path takes the place of what it is joined to.
        (Some(said), Some(here)) => Some(here.join(said)),
        (Some(said), None) => Some(PathBuf::from(said)),
        (None, here) => here,
    };
    let workspace = contract
        .workspace_environment
        .and_then(std::env::var_os)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    edge::context(cwd, workspace, Some(home))
}

fn caller(contract: &Contract<'_>, session: Session, call_id: Option<String>) -> Caller {
    Caller {
        run: Some(session.id),
        runtime: contract.name.to_owned(),
        call_id,
        depth: u32::from(session.agent.is_some()),
        agent: session.agent,
        host_mode: session.mode,
        run_mode: edge::run_mode(),
    }
}

fn reply(event: &EventContract<'_>, decision: &Decision) -> Reply {
    let template: &ReplyTemplate<'_> = match decision.verdict.effect {
        Effect::Allow if !decision.recorded() => return event.gap.fill(&explain::gap(decision)),
        Effect::Allow => &event.allow,
        Effect::Ask => &event.ask,
        Effect::Deny => &event.deny,
    };
    if template.says_reason() {
        template.fill(&explain::reason(decision))
    } else {
        template.fill("")
    }
}

/// Writes the reply. One that nobody can read, and that was more than silence, becomes the failure's exit status.
fn deliver(contract: &Contract<'_>, reply: &Reply) -> u8 {
    if !last_resort::claim() {
        // The handler has taken over and ends the process; this thread has nothing left to say.
        loop {
            std::thread::park();
        }
    }
    let silent = reply.exit == 0 && reply.stdout == b"{}\n";
    let unheard = match write_out(&reply.stdout) {
        Ok(()) if !silent && reply.exit == 0 && stdout_leads_nowhere() => {
            Some(String::from("standard output leads nowhere"))
        }
        Ok(()) => None,
        Err(error) => Some(error.to_string()),
    };
    let error_output = |bytes: &[u8]| {
        use std::io::Write;
        let _ = std::io::stderr().write_all(bytes);
    };
    match unheard {
        Some(why) if reply.exit == 0 => {
            let failure = contract.failure.fill(&cannot_judge(
                &format!("its answer could not be given: {why}"),
                "output_unwritable",
            ));
            error_output(&failure.stderr);
            failure.exit
        }
        _ => {
            error_output(&reply.stderr);
            reply.exit
        }
    }
}

/// Whether standard output is the null device, which is also what a closed one was replaced with before `main`.
#[cfg(unix)]
fn stdout_leads_nowhere() -> bool {
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;
    let out = std::io::stdout()
        .as_fd()
        .try_clone_to_owned()
        .and_then(|out| std::fs::File::from(out).metadata());
    match (out, std::fs::metadata("/dev/null")) {
        (Ok(out), Ok(null)) => (out.dev(), out.ino()) == (null.dev(), null.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn stdout_leads_nowhere() -> bool {
    false
}
