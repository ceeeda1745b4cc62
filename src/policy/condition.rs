//! Single conditions, three-valued: what is not known is neither true nor false, and the caller decides what that means.

use super::compiled::{Compiled, Span, Texts as _};
use super::glob::Glob;
use super::packed::{fixed_enum, fixed_struct, fixed_word};
use crate::actions::{Action, ActionKind, Place};
use crate::call::Context;
use crate::facts::Facts;
use crate::json::Value;
use crate::scan::{Checksum, Finding, Severity};

/// Whether a condition holds. The order makes `min` the "and" and `max` the "or".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Truth {
    No,
    Unknown,
    Yes,
}

impl Truth {
    const fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

fixed_struct! {
    /// Patterns over a name.
    #[derive(Debug, Clone, Copy)]
    pub(super) struct Globs {
        pub(super) any: Span,
        pub(super) none: Span,
    }
}

impl Globs {
    fn fit(self, text: &str, compiled: &Compiled) -> bool {
        let one_of = |globs: Span| {
            compiled
                .of::<Glob>(globs)
                .any(|glob| glob.matches(text, compiled))
        };
        (self.any.is_empty() || one_of(self.any)) && !one_of(self.none)
    }

    fn fit_option(self, text: Option<&str>, compiled: &Compiled) -> Truth {
        text.is_some_and(|text| self.fit(text, compiled)).into()
    }
}

fixed_struct! {
    /// Words of a set.
    #[derive(Debug, Clone, Copy)]
    pub(super) struct Words {
        pub(super) any: Span,
        pub(super) all: Span,
        pub(super) none: Span,
    }
}

impl Words {
    /// `absent` is the truth of a word that is not held: `No`, or `Unknown` where the set may be incomplete.
    fn fit(self, held: &[String], absent: Truth, compiled: &Compiled) -> Truth {
        let holds = |word: &[u8]| {
            if held.iter().any(|held| held.as_bytes() == word) {
                Truth::Yes
            } else {
                absent
            }
        };
        let mut truth = Truth::Yes;
        if !self.any.is_empty() {
            let any = compiled.raw_words(self.any).map(holds).max();
            truth = any.unwrap_or(Truth::No);
        }
        for word in compiled.raw_words(self.all) {
            truth = truth.min(holds(word));
        }
        for word in compiled.raw_words(self.none) {
            truth = truth.min(holds(word).not());
        }
        truth
    }
}

fixed_struct! {
    /// Bounds of a number, both inside.
    #[derive(Debug, Clone, Copy)]
    pub(super) struct Range {
        pub(super) gte: u64,
        pub(super) lte: u64,
    }
}

impl Range {
    const fn holds(self, number: u64) -> bool {
        self.gte <= number && number <= self.lte
    }
}

fixed_struct! {
    /// Hours of the week.
    #[derive(Debug, Clone, Copy)]
    pub(super) struct Window {
        /// Bit 0 is Monday.
        pub(super) days: u8,
        pub(super) from_min: i64,
        pub(super) to_min: i64,
        pub(super) offset_min: i64,
        pub(super) outside: bool,
    }
}

impl Window {
    fn holds(self, now: &str) -> Truth {
        let Some(minutes) = minutes_since_monday(now) else {
            return Truth::Unknown;
        };
        let local = minutes + self.offset_min;
        let (day, minute) = (local.div_euclid(1440), local.rem_euclid(1440));
        let on = |day: i64| self.days & (1 << day.rem_euclid(7)) != 0;
        let inside = if self.from_min < self.to_min {
            on(day) && self.from_min <= minute && minute < self.to_min
        } else {
            // A night belongs to the day on which it begins.
            (on(day) && self.from_min <= minute) || (on(day - 1) && minute < self.to_min)
        };
        (inside != self.outside).into()
    }
}

/// Minutes from some Monday 00:00 UTC to an RFC 3339 time in UTC; `None` when it is not one.
fn minutes_since_monday(now: &str) -> Option<i64> {
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = now.get(from..to)?;
        digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| digits.parse().ok())?
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute) = (number(11, 13)?, number(14, 16)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_of_month = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':')];
    let sound = year > 0
        && (1..=12).contains(&month)
        && (1..=days_of_month).contains(&day)
        && hour < 24
        && minute < 60
        && marks.iter().all(|(at, mark)| now.as_bytes()[*at] == *mark)
        && now.ends_with('Z');
    // Days from civil, after Howard Hinnant; day 0 is 1970-01-01, a Thursday.
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    sound.then_some((days + 3) * 1440 + hour * 60 + minute)
}

/// A condition on the call as a whole.
#[derive(Debug, Clone, Copy)]
pub(super) enum CallCondition {
    /// Bit by position in the vocabulary.
    Surface(u8),
    Tool(Globs),
    Server(Globs),
    Runtime(Globs),
    Agent(Globs),
    HostMode(Globs),
    Depth(Range),
    Arg(Span, ArgCondition),
    /// As `Arg`, for a pointer with a step that stands for every member.
    EveryArg(Span, ArgCondition),
    /// Bit by position in the vocabulary.
    Pin(u8),
    Principal(Globs),
    /// Bit by position in the vocabulary.
    RunMode(u8),
    Label(Words),
    Counter(Span, Range),
    Time(Window),
}

fixed_enum!(CallCondition {
    0 => Surface(set: u8),
    1 => Tool(globs: Globs),
    2 => Server(globs: Globs),
    3 => Runtime(globs: Globs),
    4 => Agent(globs: Globs),
    5 => HostMode(globs: Globs),
    6 => Depth(range: Range),
    7 => Arg(pointer: Span, condition: ArgCondition),
    8 => Label(words: Words),
    9 => Counter(name: Span, range: Range),
    10 => Time(window: Window),
    11 => EveryArg(pointer: Span, condition: ArgCondition),
    12 => Pin(set: u8),
    13 => Principal(globs: Globs),
    14 => RunMode(set: u8),
});

fixed_struct! {
    /// A condition on one argument.
    #[derive(Debug, Clone, Copy)]
    pub(super) struct ArgCondition {
        pub(super) exists: Option<bool>,
        /// `None`: the text does not matter.
        pub(super) text: Option<Globs>,
    }
}

impl CallCondition {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Surface(_) => "surface",
            Self::Tool(_) => "tool",
            Self::Server(_) => "server",
            Self::Runtime(_) => "runtime",
            Self::Agent(_) => "agent",
            Self::HostMode(_) => "host_mode",
            Self::Depth(_) => "depth",
            Self::Arg(..) | Self::EveryArg(..) => "arg",
            Self::Pin(_) => "pin",
            Self::Principal(_) => "principal",
            Self::RunMode(_) => "run_mode",
            Self::Label(_) => "label",
            Self::Counter(..) => "counter",
            Self::Time(_) => "time",
        }
    }

    pub(super) fn holds(self, facts: &Facts, compiled: &Compiled) -> Truth {
        let caller = &facts.caller;
        match self {
            Self::Surface(set) => (set & (1 << facts.surface as u8) != 0).into(),
            Self::Tool(globs) => {
                (!facts.tool.is_empty() && globs.fit(&facts.tool, compiled)).into()
            }
            Self::Server(globs) => globs.fit_option(facts.server.as_deref(), compiled),
            Self::Runtime(globs) => globs.fit(&caller.runtime, compiled).into(),
            Self::Agent(globs) => globs
                .fit(caller.agent.as_deref().unwrap_or("main"), compiled)
                .into(),
            Self::HostMode(globs) => globs.fit_option(caller.host_mode.as_deref(), compiled),
            Self::Depth(range) => range.holds(u64::from(caller.depth)).into(),
            Self::Arg(pointer, condition) => {
                condition.holds(compiled.text(pointer), facts, compiled)
            }
            Self::EveryArg(pointer, condition) => {
                condition.holds_for_one(compiled.text(pointer), facts, compiled)
            }
            Self::Pin(set) => match facts.pin {
                Some(pin) => (set & (1 << pin as u8) != 0).into(),
                // Only tools of servers are pinned.
                None if facts.server.is_some() => Truth::Unknown,
                None => Truth::No,
            },
            Self::Principal(globs) => match &facts.context.user {
                Some(user) => globs.fit(user, compiled).into(),
                None => Truth::Unknown,
            },
            Self::RunMode(set) => match caller.run_mode {
                Some(mode) => (set & (1 << mode as u8) != 0).into(),
                None => Truth::Unknown,
            },
            Self::Label(words) => words.fit(&facts.state.labels, Truth::No, compiled),
            Self::Counter(name, range) => {
                let name = compiled.text(name);
                let held = facts.state.counters.iter().find(|(held, _)| held == name);
                range.holds(held.map_or(0, |(_, count)| *count)).into()
            }
            Self::Time(window) => window.holds(&facts.now),
        }
    }
}

impl ArgCondition {
    fn holds(self, pointer: &str, facts: &Facts, compiled: &Compiled) -> Truth {
        let value = facts.args.pointer(pointer);
        if self.exists.is_some_and(|exists| exists != value.is_some()) {
            return Truth::No;
        }
        self.text.map_or(Truth::Yes, |globs| {
            fits_argument(globs, pointer, value, facts, compiled)
        })
    }

    /// As `holds`, for whichever of the values that the pointer stands for.
    fn holds_for_one(self, pointer: &str, facts: &Facts, compiled: &Compiled) -> Truth {
        let mut there = false;
        let mut best = Truth::No;
        facts.args.each_at(pointer, &mut |at, value| {
            there = true;
            if let Some(globs) = self.text {
                best = best.max(fits_argument(globs, at, Some(value), facts, compiled));
            }
        });
        if self.exists.is_some_and(|exists| exists != there) {
            Truth::No
        } else if self.text.is_none() {
            Truth::Yes
        } else {
            best
        }
    }
}

/// Whether the text of one argument fits.
fn fits_argument(
    globs: Globs,
    pointer: &str,
    value: Option<&Value>,
    facts: &Facts,
    compiled: &Compiled,
) -> Truth {
    // What was replaced by a mark cannot be compared any more.
    if facts
        .findings
        .iter()
        .any(|finding| finding.redact && finding.at == pointer)
    {
        return Truth::Unknown;
    }
    match value {
        Some(Value::String(text)) => globs.fit(text, compiled).into(),
        Some(&Value::Bool(truth)) => globs
            .fit(if truth { "true" } else { "false" }, compiled)
            .into(),
        Some(Value::Int(number)) => globs.fit(&number.to_string(), compiled).into(),
        _ => Truth::No,
    }
}

/// What a pattern over targets may begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    Workspace,
    Home,
    Cwd,
    GuardHome,
}

fixed_word!(Base {
    1 => Workspace,
    2 => Home,
    3 => Cwd,
    4 => GuardHome,
});

impl Base {
    fn of(self, context: &Context) -> Option<&str> {
        let path = match self {
            Self::Workspace => &context.workspace,
            Self::Home => &context.home,
            Self::Cwd => &context.cwd,
            Self::GuardHome => &context.guard_home,
        };
        path.as_deref().map(|path| path.trim_end_matches('/'))
    }
}

fixed_struct! {
    /// A pattern over targets.
    #[derive(Debug, Clone, Copy)]
    pub(super) struct TargetGlob {
        pub(super) base: Option<Base>,
        pub(super) glob: Glob,
    }
}

fixed_struct! {
    /// A directory and what lies below it.
    #[derive(Debug, Clone, Copy)]
    pub(super) struct Under {
        pub(super) base: Option<Base>,
        /// Without a slash at its end.
        pub(super) rest: Span,
    }
}

fixed_struct! {
    /// Patterns over targets.
    #[derive(Debug, Clone, Copy)]
    pub(super) struct Targets {
        pub(super) any: Span,
        pub(super) under: Span,
        pub(super) none: Span,
        pub(super) outside: Span,
    }
}

impl Targets {
    fn hold(self, action: &Action, context: &Context, compiled: &Compiled) -> Truth {
        if action.kind == ActionKind::Unknown {
            return Truth::Unknown;
        }
        let either = |globs: Span, folders: Span| {
            let mut truth = Truth::No;
            for glob in compiled.of::<TargetGlob>(globs) {
                truth = truth.max(glob.holds(action, context, compiled));
                if truth == Truth::Yes {
                    return truth;
                }
            }
            for folder in compiled.of::<Under>(folders) {
                truth = truth.max(folder.holds(action, context, compiled));
            }
            truth
        };
        let wanted = if self.any.is_empty() && self.under.is_empty() {
            Truth::Yes
        } else {
            either(self.any, self.under)
        };
        if wanted == Truth::No {
            return wanted;
        }
        let unwanted = either(self.none, self.outside);
        wanted.min(unwanted.not())
    }
}

impl TargetGlob {
    #[inline]
    fn holds(self, action: &Action, context: &Context, compiled: &Compiled) -> Truth {
        let Some(base) = self.base.map_or(Some(""), |base| base.of(context)) else {
            return Truth::Unknown;
        };
        let value = action.target.value.as_str();
        if action.target.exact {
            value
                .strip_prefix(base)
                .is_some_and(|rest| self.glob.matches(rest, compiled))
                .into()
        } else {
            partly(value, base, self.glob.literal(compiled))
        }
    }
}

impl Under {
    #[inline]
    fn holds(self, action: &Action, context: &Context, compiled: &Compiled) -> Truth {
        let Some(base) = self.base.map_or(Some(""), |base| base.of(context)) else {
            return Truth::Unknown;
        };
        let value = action.target.value.as_str();
        let folder = compiled.raw(self.rest);
        if action.target.exact {
            value
                .strip_prefix(base)
                .and_then(|rest| rest.as_bytes().strip_prefix(folder))
                .is_some_and(|rest| rest.first().is_none_or(|byte| *byte == b'/'))
                .into()
        } else {
            partly(value, base, folder)
        }
    }
}

/// Whether a value of which only the beginning or a pattern is known can still begin with `base` and `literal`.
fn partly(value: &str, base: &str, literal: &[u8]) -> Truth {
    let known = value
        .find(['*', '?', '[', '{', '$', '`'])
        .map_or(value, |end| &value[..end])
        .as_bytes();
    let agree = |known: &[u8], wanted: &[u8]| {
        let len = known.len().min(wanted.len());
        known[..len] == wanted[..len]
    };
    let fits = agree(known, base.as_bytes())
        && known
            .get(base.len()..)
            .is_none_or(|rest| agree(rest, literal));
    if fits { Truth::Unknown } else { Truth::No }
}

/// A condition on one action. The kind is not among them: it selects the actions a block speaks about.
#[derive(Debug, Clone, Copy)]
pub(super) enum ActionCondition {
    Target(Targets),
    /// Bit by position in the vocabulary.
    Place(u16),
    Host(Globs),
    Has(Words),
    Certainty(u8),
    Exact(bool),
    Remote(bool),
    On(Globs),
    By(Globs),
}

fixed_enum!(ActionCondition {
    0 => Target(targets: Targets),
    1 => Place(set: u16),
    2 => Host(globs: Globs),
    3 => Has(words: Words),
    4 => Certainty(set: u8),
    5 => Exact(exact: bool),
    6 => Remote(remote: bool),
    7 => On(globs: Globs),
    8 => By(globs: Globs),
});

impl ActionCondition {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Target(_) => "action.target",
            Self::Place(_) => "action.place",
            Self::Host(_) => "action.host",
            Self::Has(_) => "action.has",
            Self::Certainty(_) => "action.certainty",
            Self::Exact(_) => "action.exact",
            Self::Remote(_) => "action.remote",
            Self::On(_) => "action.on",
            Self::By(_) => "action.by",
        }
    }

    pub(super) fn holds(self, action: &Action, context: &Context, compiled: &Compiled) -> Truth {
        let not_understood = action.kind == ActionKind::Unknown;
        match self {
            Self::Target(targets) => targets.hold(action, context, compiled),
            Self::Place(set) => place(set, action),
            Self::Host(globs) => match &action.target.host {
                Some(host) => globs.fit(host, compiled).into(),
                None if not_understood || !action.target.exact || has_host(action.kind) => {
                    Truth::Unknown
                }
                None => Truth::No,
            },
            Self::Has(words) => {
                let absent = if not_understood {
                    Truth::Unknown
                } else {
                    Truth::No
                };
                words.fit(&action.attributes, absent, compiled)
            }
            Self::Certainty(set) => (set & (1 << action.certainty as u8) != 0).into(),
            Self::Exact(exact) => (action.target.exact == exact).into(),
            Self::Remote(remote) => (action.on.is_some() == remote).into(),
            Self::On(globs) => globs.fit_option(action.on.as_deref(), compiled),
            Self::By(globs) => globs.fit(&action.by, compiled).into(),
        }
    }
}

fn place(set: u16, action: &Action) -> Truth {
    let holds = |place: Place| set & (1 << place as u16) != 0;
    let known = match action.target.place {
        _ if action.kind == ActionKind::Unknown => None,
        Some(Place::Unknown) => None,
        None if is_path(action.kind) => None,
        place => Some(place),
    };
    match known {
        Some(place) => place.is_some_and(holds).into(),
        None if holds(Place::Unknown) => Truth::Yes,
        None => Truth::Unknown,
    }
}

/// Whether the target of such an action is a path.
const fn is_path(kind: ActionKind) -> bool {
    matches!(
        kind,
        ActionKind::FsRead
            | ActionKind::FsWrite
            | ActionKind::FsDelete
            | ActionKind::FsDestroy
            | ActionKind::FsPermission
    )
}

/// Whether the target of such an action is a host.
const fn has_host(kind: ActionKind) -> bool {
    matches!(
        kind,
        ActionKind::NetFetch
            | ActionKind::NetSend
            | ActionKind::NetScan
            | ActionKind::NetTunnel
            | ActionKind::ExecRemoteCode
            | ActionKind::ExecRemoteShell
    )
}

fixed_word!(Severity {
    0 => Low,
    1 => Medium,
    2 => High,
    3 => Critical,
});

/// A condition on one finding. The family is not among them: it selects the findings a block speaks about.
#[derive(Debug, Clone, Copy)]
pub(super) enum FindingCondition {
    Rule(Globs),
    Severity(Severity),
    /// Bit by position: valid, mismatch, none.
    Checksum(u8),
    Confidence(Range),
}

fixed_enum!(FindingCondition {
    0 => Rule(globs: Globs),
    1 => Severity(least: Severity),
    2 => Checksum(set: u8),
    3 => Confidence(range: Range),
});

impl FindingCondition {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Rule(_) => "finding.rule",
            Self::Severity(_) => "finding.severity",
            Self::Checksum(_) => "finding.checksum",
            Self::Confidence(_) => "finding.confidence",
        }
    }

    pub(super) fn holds(self, finding: &Finding, compiled: &Compiled) -> Truth {
        match self {
            Self::Rule(globs) => globs.fit(&finding.rule, compiled),
            Self::Severity(least) => finding.severity >= least,
            Self::Checksum(set) => {
                let bit = match finding.checksum {
                    Some(Checksum::Valid) => 0,
                    Some(Checksum::Mismatch) => 1,
                    None => 2,
                };
                set & (1 << bit) != 0
            }
            Self::Confidence(range) => range.holds(u64::from(finding.confidence_pm)),
        }
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_is_known_from_the_date() {
        let monday = minutes_since_monday("2026-11-23T00:00:00.000000Z").expect("a time");
        assert_eq!(monday.rem_euclid(7 * 1440), 0);
        assert_eq!(minutes_since_monday("2026-13-23T00:00:00Z"), None);
        assert_eq!(minutes_since_monday("2026-02-29T00:00:00Z"), None);
        assert!(minutes_since_monday("2028-02-29T00:00:00Z").is_some());
        assert_eq!(minutes_since_monday("yesterday"), None);
        assert_eq!(minutes_since_monday("2026-11-23T00:00:00+01:00"), None);
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        let night = Window {
            days: 0b1_0000, // Friday
            from_min: 22 * 60,
            to_min: 6 * 60,
            offset_min: 60,
            outside: false,
        };
        for (now, holds) in [
            ("2026-11-27T21:00:00Z", Truth::Yes), // Friday 22:00
            ("2026-11-28T04:59:00Z", Truth::Yes), // Saturday 05:59
            ("2026-11-28T05:00:00Z", Truth::No),
            ("2026-11-28T21:30:00Z", Truth::No), // Saturday 22:30
            ("2026-11-27T20:59:00Z", Truth::No),
            ("no time", Truth::Unknown),
        ] {
            assert_eq!(night.holds(now), holds, "{now}");
        }
    }

    #[test]
    fn a_value_that_is_partly_known_is_excluded_only_by_what_is_known() {
        for (value, literal, truth) in [
            ("/etc/*", "/etc/", Truth::Unknown),
            ("/e", "/etc/", Truth::Unknown),
            ("/srv/$X", "/etc/", Truth::No),
            ("", "/etc/", Truth::Unknown),
            ("$X/etc", "/etc", Truth::Unknown),
        ] {
            assert_eq!(partly(value, "", literal.as_bytes()), truth, "{value}");
        }
        assert_eq!(partly("/w/p/*", "/w/p", b"/src"), Truth::Unknown);
        assert_eq!(partly("/w/p/tests*", "/w/p", b"/src"), Truth::No);
        assert_eq!(partly("/w", "/w/p", b"/src"), Truth::Unknown);
    }
}
