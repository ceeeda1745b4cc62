//! A record as far as the folds of a run read it. Pure.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::decision::{Decision, Effect};
use crate::facts::Fetched;

/// A record, as far as the folds read it.
#[derive(Debug, Deserialize)]
pub(super) struct Line<'a> {
    #[serde(borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) ts: Cow<'a, str>,
    #[serde(default)]
    pub(super) seq: Option<u64>,
    #[serde(borrow, default)]
    pub(super) subject: Option<Subject<'a>>,
    #[serde(borrow, default)]
    pub(super) verdict: Option<Verdict<'a>>,
    #[serde(borrow, default)]
    pub(super) approval: Option<Approval<'a>>,
    #[serde(borrow, default)]
    pub(super) labels: Vec<Added<'a>>,
    #[serde(borrow, default)]
    pub(super) output: Option<Output<'a>>,
    #[serde(borrow, default)]
    pub(super) spend: BTreeMap<Cow<'a, str>, u64>,
    #[serde(borrow, default)]
    pub(super) grant: Option<Given<'a>>,
    #[serde(borrow, default)]
    pub(super) grant_id: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) epoch: Loose<u64>,
    #[serde(borrow, default)]
    pub(super) policy: Loose<PolicySeen<'a>>,
    #[serde(borrow, default)]
    pub(super) perms: Loose<ModeSeen<'a>>,
    #[serde(borrow, default)]
    pub(super) tools: Loose<ToolsSeen<'a>>,
    #[serde(borrow, default)]
    pub(super) facts: Option<FactsSeen<'a>>,
}

impl Line<'_> {
    /// The members that are read, but for place and time, which are told under the lock, and the facts: whoever appends a
    /// decision says its epoch himself.
    pub(super) const EXCERPT: [&'static str; 14] = [
        "approval", "epoch", "grant", "grant_id", "id", "kind", "labels", "output", "perms",
        "policy", "spend", "subject", "tools", "verdict",
    ];
}

impl Line<'static> {
    /// What the folds would read of the record of a decision, but for place, time, facts and epoch.
    /// `kinds` are those of its actions.
    pub(super) fn of_decision(decision: &Decision, kinds: BTreeSet<&'static str>) -> Self {
        let facts = &decision.facts;
        let verdict = &decision.verdict;
        let owned = |text: &str| Cow::Owned(text.to_owned());
        let fetched = |file: &Fetched| FetchedSeen {
            path: owned(&file.path),
            host: file.host.as_deref().map(owned),
            written: file.written,
        };
        Self {
            kind: Cow::Borrowed("decision"),
            id: owned(&decision.id),
            ts: Cow::Borrowed(""),
            seq: None,
            subject: Some(Subject {
                tool: Some(owned(&facts.tool)),
                server: facts.server.as_deref().map(owned),
                class: kinds.into_iter().map(Cow::Borrowed).collect(),
                def_digest: decision.definition.as_deref().map(owned),
                sent_bytes: facts.sends.map(|sends| sends.bytes),
                fetched: decision.left.fetched.iter().map(fetched).collect(),
                replaced: decision
                    .left
                    .replaced
                    .iter()
                    .map(|path| owned(path))
                    .collect(),
            }),
            verdict: Some(Verdict {
                effect: Some(verdict.effect),
                labels: verdict
                    .labels
                    .iter()
                    .map(|added| Added {
                        label: owned(&added.label),
                        message: owned(&added.message),
                    })
                    .collect(),
            }),
            approval: (!verdict.grants.is_empty()).then(|| Approval {
                grants: verdict.grants.iter().map(|id| owned(id)).collect(),
            }),
            labels: Vec::new(),
            output: None,
            spend: BTreeMap::new(),
            grant: None,
            grant_id: None,
            epoch: Loose::Other,
            policy: Loose::Other,
            perms: Loose::Other,
            tools: Loose::Other,
            facts: None,
        }
    }
}

/// A member of which other kinds of records make something else.
#[derive(Debug, Default)]
pub(super) enum Loose<T> {
    Held(T),
    #[default]
    Other,
}

/// What a member may be, as far as it is read: a number, or an object.
pub(super) trait Loosely<'de>: Sized {
    fn of_number(_: u64) -> Option<Self> {
        None
    }

    fn of_members<A: MapAccess<'de>>(members: A) -> Result<Option<Self>, A::Error>;
}

impl<'de> Loosely<'de> for u64 {
    fn of_number(number: u64) -> Option<Self> {
        Some(number)
    }

    fn of_members<A: MapAccess<'de>>(mut members: A) -> Result<Option<Self>, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// Objects of which some members are read.
macro_rules! read_loosely {
    ($($object:ident),*) => {$(
        impl<'de: 'a, 'a> Loosely<'de> for $object<'a> {
            fn of_members<A: MapAccess<'de>>(members: A) -> Result<Option<Self>, A::Error> {
                Self::deserialize(MapAccessDeserializer::new(members)).map(Some)
            }
        }
    )*};
}
read_loosely!(PolicySeen, ModeSeen, ToolsSeen);

impl<'de, T: Loosely<'de>> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(LooseVisitor(PhantomData))
    }
}

struct LooseVisitor<T>(PhantomData<T>);

impl<'de, T: Loosely<'de>> Visitor<'de> for LooseVisitor<T> {
    type Value = Loose<T>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("anything")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Loose<T>, E> {
        Ok(T::of_number(number).into())
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Loose<T>, A::Error> {
        T::of_members(members).map(Loose::from)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Loose<T>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Loose::Other)
    }

    fn visit_unit<E>(self) -> Result<Loose<T>, E> {
        Ok(Loose::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Loose<T>, E> {
        Ok(Loose::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Loose<T>, E> {
        Ok(Loose::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Loose<T>, E> {
        Ok(Loose::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Loose<T>, E> {
        Ok(Loose::Other)
    }
}

impl<T> From<Option<T>> for Loose<T> {
    fn from(held: Option<T>) -> Self {
        held.map_or(Self::Other, Self::Held)
    }
}

impl<T> Loose<T> {
    pub(super) fn held(self) -> Option<T> {
        match self {
            Self::Held(held) => Some(held),
            Self::Other => None,
        }
    }
}

/// The tools that an agent can see.
#[derive(Debug, Deserialize)]
pub(super) struct ToolsSeen<'a> {
    /// `None` where only their servers are known, or where there were too many for the line.
    #[serde(default)]
    pub(super) count: Option<u64>,
    #[serde(borrow, default)]
    pub(super) servers: Vec<ServerSeen<'a>>,
}

/// A server of tools.
#[derive(Debug, Deserialize)]
pub(super) struct ServerSeen<'a> {
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) tools: Vec<ToolSeen<'a>>,
}

/// A tool, and the digest of its definition.
#[derive(Debug, Deserialize)]
pub(super) struct ToolSeen<'a> {
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) def_digest: Cow<'a, str>,
}

/// The policy in force.
#[derive(Debug, Deserialize)]
pub(super) struct PolicySeen<'a> {
    #[serde(borrow, default)]
    pub(super) digest: Option<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct FactsSeen<'a> {
    #[serde(borrow, default)]
    pub(super) caller: Option<ModeSeen<'a>>,
}

/// The runtime's permission mode, and whose it is.
#[derive(Debug, Deserialize)]
pub(super) struct ModeSeen<'a> {
    #[serde(borrow, default)]
    pub(super) agent: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) host_mode: Option<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Subject<'a> {
    /// `None` where the subject was too long for the line.
    #[serde(borrow, default)]
    pub(super) tool: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) server: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) class: Vec<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) def_digest: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) sent_bytes: Option<u64>,
    #[serde(borrow, default)]
    pub(super) fetched: Vec<FetchedSeen<'a>>,
    #[serde(borrow, default)]
    pub(super) replaced: Vec<Cow<'a, str>>,
}

/// A file that a call brought from the network.
#[derive(Debug, Deserialize)]
pub(super) struct FetchedSeen<'a> {
    #[serde(borrow)]
    pub(super) path: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) host: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) written: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Output<'a> {
    #[serde(borrow, default, rename = "$blob")]
    pub(super) blob: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) bytes: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Verdict<'a> {
    #[serde(default)]
    pub(super) effect: Option<Effect>,
    #[serde(borrow, default)]
    pub(super) labels: Vec<Added<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Added<'a> {
    #[serde(borrow)]
    pub(super) label: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) message: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Approval<'a> {
    #[serde(borrow, default)]
    pub(super) grants: Vec<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Given<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) scope: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "match")]
    pub(super) bound: Option<Bound<'a>>,
    #[serde(borrow, default)]
    pub(super) expires: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) max_uses: Option<u64>,
}

/// What a grant is bound to.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Bound<'a> {
    #[serde(borrow, default)]
    pub(super) action_digest: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) cwd: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) rule: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) policy: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) operands: Vec<Operand<'a>>,
}

/// A file that an approved action would run.
#[derive(Debug, Deserialize)]
pub(super) struct Operand<'a> {
    #[serde(borrow)]
    pub(super) path: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) digest: Option<Cow<'a, str>>,
}
