//! `rules/runtimes/*.toml` to the compiled table; called by the build script, and by tests.

use std::path::Path;

use serde::Deserialize;

use super::contract::{Contract, Entry, EventContract, Fields, Index, Role};
use super::event::{HookEvent, result_name};
use super::reply::{REASON, ReplyTemplate};
use crate::call::Surface;
use crate::json::{Value, parse};

/// The file the build script writes.
const TABLE: &str = "runtimes.bin";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContractSpec {
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
    title: String,
    tested: String,
    adapter: String,
    references: Vec<String>,
    workspace_environment: Option<String>,
    #[serde(default)]
    config_files: Vec<String>,
    #[serde(default)]
    server_files: Vec<String>,
    unjudged: Vec<String>,
    fields: FieldsSpec,
    failure: ReplySpec,
    event: Vec<EventSpec>,
    example: Vec<ExampleSpec>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldsSpec {
    event: String,
    session: String,
    cwd: String,
    mode: String,
    agent: String,
    tool: String,
    args: String,
    call_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventSpec {
    name: String,
    role: String,
    result: Option<String>,
    output: Option<String>,
    duration_ms: Option<String>,
    cancelled: Option<String>,
    surface: Option<String>,
    text: Option<String>,
    model: Option<String>,
    reason: Option<String>,
    allow: ReplySpec,
    ask: ReplySpec,
    deny: ReplySpec,
    gap: Option<ReplySpec>,
    failure: Option<ReplySpec>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct ReplySpec {
    exit: u8,
    stdout: String,
    stderr: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExampleSpec {
    input: String,
    reads: Option<ReadsSpec>,
    refused: Option<String>,
}

/// What an example must be read as; what is not named must not be there.
#[derive(Deserialize, Debug, PartialEq, Default)]
#[serde(deny_unknown_fields, default)]
struct ReadsSpec {
    event: String,
    role: String,
    session: String,
    cwd: Option<String>,
    mode: Option<String>,
    agent: Option<String>,
    tool: Option<String>,
    args: Option<String>,
    call_id: Option<String>,
    result: Option<String>,
    duration_ms: Option<u64>,
    output: Option<String>,
    surface: Option<String>,
    text: Option<String>,
    model: Option<String>,
    reason: Option<String>,
}

/// Reads, checks and compiles `rules/runtimes` and writes the table to `out`.
///
/// # Errors
/// One sentence for each thing that is wrong, with file and entry.
pub fn compile(rules: &Path, out: &Path) -> Result<(), Vec<String>> {
    let folder = rules.join("runtimes");
    let unreadable = |error: &std::io::Error| vec![format!("{}: {error}", folder.display())];
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(|error| unreadable(&error))? {
        let path = entry.map_err(|error| unreadable(&error))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            files.push(path);
        }
    }
    // The order of a directory is not the same everywhere; the table is.
    files.sort();
    let mut errors = Vec::new();
    let mut specs = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&error))?;
        match toml::from_str::<ContractSpec>(&text) {
            Ok(spec) => specs.push(spec),
            Err(error) => errors.push(format!("{}: {error}", path.display())),
        }
    }
    let mut compiled = Vec::new();
    for spec in &specs {
        let mut problems = Vec::new();
        let contract = compile_contract(spec, &mut problems);
        if problems.is_empty() {
            check_examples(spec, &contract, &mut problems);
        }
        match postcard::to_allocvec(&contract) {
            Ok(bytes) => compiled.push(bytes),
            Err(error) => problems.push(error.to_string()),
        }
        errors.extend(
            problems
                .into_iter()
                .map(|problem| format!("runtime `{}`: {problem}", spec.name)),
        );
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let index = Index {
        entries: specs
            .iter()
            .zip(&compiled)
            .map(|(spec, contract)| Entry {
                names: std::iter::once(&spec.name)
                    .chain(&spec.aliases)
                    .map(String::as_str)
                    .collect(),
                title: &spec.title,
                tested: &spec.tested,
                contract,
            })
            .collect(),
    };
    let bytes = postcard::to_allocvec(&index).map_err(|error| vec![error.to_string()])?;
    std::fs::write(out.join(TABLE), bytes).map_err(|error| unreadable(&error))
}

fn compile_contract<'a>(spec: &'a ContractSpec, errors: &mut Vec<String>) -> Contract<'a> {
    if spec.references.is_empty() {
        errors.push(String::from("no reference says where the contract is from"));
    }
    let fields = &spec.fields;
    for pointer in [
        &fields.event,
        &fields.session,
        &fields.cwd,
        &fields.mode,
        &fields.agent,
        &fields.tool,
        &fields.args,
        &fields.call_id,
    ] {
        check_pointer(pointer, errors);
    }
    Contract {
        name: &spec.name,
        adapter: &spec.adapter,
        workspace_environment: spec.workspace_environment.as_deref(),
        fields: Fields {
            event: &fields.event,
            session: &fields.session,
            cwd: &fields.cwd,
            mode: &fields.mode,
            agent: &fields.agent,
            tool: &fields.tool,
            args: &fields.args,
            call_id: &fields.call_id,
        },
        events: spec
            .event
            .iter()
            .map(|event| (event.name.as_str(), compile_event(event, errors).into()))
            .collect(),
        config_files: spec.config_files.iter().map(String::as_str).collect(),
        server_files: spec.server_files.iter().map(String::as_str).collect(),
        unjudged: spec.unjudged.iter().map(String::as_str).collect(),
        failure: compile_reply("failure", &spec.failure, Says::Reason, errors),
    }
}

fn compile_event<'a>(spec: &'a EventSpec, errors: &mut Vec<String>) -> EventContract<'a> {
    let role = compile_role(spec, errors);
    let mut reply = |what: &str, reply: &'a ReplySpec, says: Says| {
        compile_reply(&format!("{} of `{}`", what, spec.name), reply, says, errors)
    };
    let allow = reply("allow", &spec.allow, Says::AsItLikes);
    EventContract {
        name: &spec.name,
        role,
        ask: reply("ask", &spec.ask, Says::Reason),
        deny: reply("deny", &spec.deny, Says::Reason),
        gap: spec
            .gap
            .as_ref()
            .map_or_else(|| allow.clone(), |gap| reply("gap", gap, Says::Reason)),
        failure: spec
            .failure
            .as_ref()
            .map(|failure| reply("failure", failure, Says::Reason)),
        allow,
    }
}

fn compile_role<'a>(spec: &'a EventSpec, errors: &mut Vec<String>) -> Role<'a> {
    for pointer in [
        &spec.output,
        &spec.duration_ms,
        &spec.cancelled,
        &spec.text,
        &spec.model,
        &spec.reason,
    ]
    .into_iter()
    .flatten()
    {
        check_pointer(pointer, errors);
    }
    match (spec.role.as_str(), &spec.result, &spec.output, &spec.text) {
        ("call", None, None, None) => Role::Call,
        ("begin", None, None, None) => Role::Begin {
            model: spec.model.as_deref(),
        },
        ("stop", None, None, None) => Role::Stop {
            reason: spec.reason.as_deref().unwrap_or("/reason"),
        },
        ("outcome", Some(result), Some(output), None) => {
            if result_name(result) != result {
                errors.push(format!("`{result}` is not a result"));
            }
            Role::Outcome {
                result,
                output,
                duration_ms: spec.duration_ms.as_deref(),
                cancelled: spec.cancelled.as_deref(),
            }
        }
        ("text", None, None, Some(text)) => {
            let surface = spec.surface.as_deref().and_then(Surface::from_name);
            if surface.is_none() {
                errors.push(format!("the text of `{}` has no known surface", spec.name));
            }
            Role::Text {
                surface: surface.unwrap_or(Surface::Retrieved),
                text,
            }
        }
        _ => {
            errors.push(format!(
                "event `{}` has not exactly the fields of its role `{}`: \
                 call, begin and stop have none, an outcome result and output, a text surface and text",
                spec.name, spec.role
            ));
            Role::Call
        }
    }
}

/// Values are moved out of the input's top level, so pointers have one step.
fn check_pointer(pointer: &str, errors: &mut Vec<String>) {
    let plain = pointer
        .strip_prefix('/')
        .is_some_and(|name| !name.is_empty() && !name.contains(['/', '~']));
    if !plain {
        errors.push(format!(
            "`{pointer}` is not a pointer of one step, such as `/tool_name`"
        ));
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Says {
    /// The reason must be in the reply.
    Reason,
    /// It need not.
    AsItLikes,
}

fn compile_reply<'a>(
    what: &str,
    spec: &'a ReplySpec,
    says: Says,
    errors: &mut Vec<String>,
) -> ReplyTemplate<'a> {
    let template = ReplyTemplate {
        exit: spec.exit,
        stdout: if spec.stdout.is_empty() {
            Vec::new()
        } else {
            spec.stdout.split(REASON).collect()
        },
        stderr: spec.stderr.is_some(),
    };
    // A reason that would break out of its string, were it not escaped.
    let hostile = "\",\"x\":\"\\";
    let filled = template.fill(hostile);
    match parse(&filled.stdout) {
        Ok(value) => {
            let mut found = 0;
            value.each_string(&mut |_, text, _| found += usize::from(text.contains(hostile)));
            if found + 1 != template.stdout.len() {
                errors.push(format!("{what}: `{REASON}` stands outside of a string"));
            }
            if says == Says::Reason && found == 0 {
                errors.push(format!("{what}: does not say the reason"));
            }
        }
        Err(error) => errors.push(format!("{what}: {error}")),
    }
    if spec.stderr.as_ref().is_some_and(|stderr| stderr != REASON) {
        errors.push(format!(
            "{what}: standard error says the reason, `{REASON}`, or nothing"
        ));
    }
    template
}

fn check_examples(spec: &ContractSpec, contract: &Contract<'_>, errors: &mut Vec<String>) {
    for (index, example) in spec.example.iter().enumerate() {
        let number = index + 1;
        let input = match parse(example.input.as_bytes()) {
            Ok(input) => input,
            Err(error) => {
                errors.push(format!("example {number}: {error}"));
                continue;
            }
        };
        let name = input
            .pointer(contract.fields.event)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        match (contract.read(input), &example.reads, &example.refused) {
            (Ok(event), Some(expected), None) => {
                match summarise(name, &event, expected) {
                    Ok(got) if got == *expected => {}
                    Ok(got) => errors.push(format!(
                        "example {number} is read as {got:?}, not as {expected:?}"
                    )),
                    Err(error) => errors.push(format!("example {number}: {error}")),
                };
            }
            (Err(refused), None, Some(kind)) if refused.error.kind == kind => {}
            (Err(refused), _, _) => errors.push(format!(
                "example {number} is refused ({}): {}",
                refused.error.kind, refused.error
            )),
            (Ok(_), _, _) => errors.push(format!("example {number} is read, not refused")),
        }
    }
    for (name, _) in &contract.events {
        let shown = spec.example.iter().any(|example| {
            example
                .reads
                .as_ref()
                .is_some_and(|reads| reads.event == *name)
        });
        if !shown {
            errors.push(format!("event `{name}` has no example"));
        }
    }
}

/// What was read, in the words of an example. JSON values are compared as values: where they are equal to the
/// expected ones, the expected spelling stands in.
fn summarise(
    event: String,
    read: &HookEvent<'_, '_>,
    expected: &ReadsSpec,
) -> Result<ReadsSpec, String> {
    let spelled = |value: Option<&Value>, expected: Option<&String>| -> Result<_, String> {
        let Some(value) = value else { return Ok(None) };
        if let Some(expected) = expected
            && parse(expected.as_bytes()).map_err(|error| error.to_string())? == *value
        {
            return Ok(Some(expected.clone()));
        }
        Ok(Some(
            String::from_utf8_lossy(&crate::json::canonical(value)).into_owned(),
        ))
    };
    let mut got = ReadsSpec {
        event,
        ..ReadsSpec::default()
    };
    let session = match read {
        HookEvent::Call(call, _) => {
            "call".clone_into(&mut got.role);
            got.tool = Some(call.tool.clone());
            got.args = spelled(Some(&call.args), expected.args.as_ref())?;
            got.call_id.clone_from(&call.call_id);
            &call.session
        }
        HookEvent::Outcome(outcome, _) => {
            "outcome".clone_into(&mut got.role);
            got.tool = Some(outcome.tool.clone());
            got.call_id.clone_from(&outcome.call_id);
            got.result = Some(outcome.result.to_owned());
            got.duration_ms = outcome.duration_ms;
            got.output = spelled(outcome.output.as_ref(), expected.output.as_ref())?;
            &outcome.session
        }
        HookEvent::Text(text, _) => {
            "text".clone_into(&mut got.role);
            got.surface = Some(text.surface.as_str().to_owned());
            got.text = Some(text.text.clone());
            &text.session
        }
        HookEvent::Begin(begin, _) => {
            "begin".clone_into(&mut got.role);
            got.model.clone_from(&begin.model);
            &begin.session
        }
        HookEvent::Stop(stop, _) => {
            "stop".clone_into(&mut got.role);
            got.reason.clone_from(&stop.reason);
            &stop.session
        }
        HookEvent::Unjudged => {
            "unjudged".clone_into(&mut got.role);
            return Ok(got);
        }
    };
    got.session.clone_from(&session.id);
    got.cwd.clone_from(&session.cwd);
    got.mode.clone_from(&session.mode);
    got.agent.clone_from(&session.agent);
    Ok(got)
}
