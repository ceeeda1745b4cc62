//! The effects of an entry, each decoded when it is first asked for: a command is given none of the options that most
//! effects of its program are about, and of a parent that only names its subcommands no effect is asked.
//!
//! In their stored form they follow one another: what becomes of the effect that is idle and how many options its gate has,
//! a byte each; the options as `u16`; the length of the effect as `u32`, and the effect. Numbers are little-endian.

use std::sync::OnceLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::entry::{Act, Effect, Role, Selector, Test};
use super::words::Words;
use crate::actions::action::Certainty;
use crate::actions::kinds::ActionKind;
use crate::held::Held;

/// How many options a gate may have; an effect that is about more has none, and is looked at.
const MOST: usize = 4;

/// What becomes of an effect none of whose options is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Idle {
    /// Its conditions do not hold.
    #[default]
    Out,
    /// It applies, to nothing.
    Empty,
    /// It applies, to nothing, and counts as one that did something.
    Counted,
}

impl Idle {
    const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Out,
            1 => Self::Empty,
            2 => Self::Counted,
            _ => return None,
        })
    }
}

/// Options of which one must be given for an effect to do anything. It follows from what the effect says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Gate {
    options: [u16; MOST],
    count: usize,
    idle: Idle,
}

impl Gate {
    fn of(effect: &Effect<'_>) -> Self {
        let by_condition = effect.when.iter().find_map(|condition| {
            let mut gate = Self::default();
            let asked = condition.iter().all(|term| match &term.test {
                Test::Option(option, _) if !term.negated => gate.add(*option),
                _ => false,
            });
            asked.then_some(gate)
        });
        by_condition
            .or_else(|| Self::of_target(effect))
            .unwrap_or_default()
    }

    /// The gate of an effect that is about the values of options and holds whatever else is given.
    fn of_target(effect: &Effect<'_>) -> Option<Self> {
        let plain = effect.when.is_empty()
            && effect.unless.is_empty()
            && effect.append.is_none()
            && effect.replace.is_none();
        let idle = match &effect.act {
            // These look at the whole command, or tell something of it, also where there is no target.
            Act::Do(ActionKind::ExecPrivileged | ActionKind::VcsWrite | ActionKind::VcsPush)
            | Act::Argv
            | Act::Link => return None,
            Act::Do(ActionKind::ExecLocal | ActionKind::PackageInstall)
                if effect.role == Role::Name =>
            {
                return None;
            }
            Act::Do(_) | Act::Script(_) | Act::Module(_) => Idle::Empty,
            Act::Code(_) | Act::Assign => Idle::Counted,
        };
        let mut gate = Self {
            idle,
            ..Self::default()
        };
        (plain && gate.add_selected(effect.to.as_ref()?)).then_some(gate)
    }

    /// Adds the options whose values are selected; `false` where something else may be.
    fn add_selected(&mut self, selector: &Selector<'_>) -> bool {
        match selector {
            Selector::Option(option) => self.add(*option),
            Selector::Join(inner) => self.add_selected(inner),
            Selector::All(parts) | Selector::First(parts) => {
                parts.iter().all(|part| self.add_selected(part))
            }
            _ => false,
        }
    }

    fn add(&mut self, option: u16) -> bool {
        let free = self.options.get_mut(self.count);
        free.map(|free| *free = option)
            .inspect(|()| self.count += 1)
            .is_some()
    }

    fn options(&self) -> &[u16] {
        self.options.get(..self.count).unwrap_or_default()
    }

    /// Reads a gate and what follows it.
    fn take(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let ([idle, count], mut rest) = bytes.split_first_chunk()?;
        let mut gate = Self {
            idle: Idle::from_number(*idle)?,
            ..Self::default()
        };
        for _ in 0..*count {
            let (option, after) = rest.split_first_chunk()?;
            gate.add(u16::from_le_bytes(*option)).then_some(())?;
            rest = after;
        }
        Some((gate, rest))
    }
}

/// An effect that may not be decoded yet.
#[derive(Debug, Clone)]
pub struct Gated<'a> {
    gate: Gate,
    effect: Held<'a, Effect<'a>>,
}

/// What stands for effects that a damaged table holds: nobody knows what the program does.
static UNREADABLE: Effect<'static> = Effect {
    act: Act::Do(ActionKind::Unknown),
    to: None,
    role: Role::Name,
    only: Words::NONE,
    except: Words::NONE,
    part: None,
    within: false,
    sure: false,
    when: Vec::new(),
    unless: Vec::new(),
    attributes: Vec::new(),
    inherit: true,
    certainty: Certainty::Possible,
    carries: true,
    on: Vec::new(),
    append: None,
    replace: None,
    safer: None,
};

impl<'a> Gated<'a> {
    /// What becomes of the effect where these options are given; `None`: look at the effect.
    #[must_use]
    pub fn idle(&self, given: impl Fn(u16) -> bool) -> Option<Idle> {
        let options = self.gate.options();
        let shut = !options.is_empty() && !options.iter().any(|option| given(*option));
        shut.then_some(self.gate.idle)
    }

    /// The effect.
    #[must_use]
    pub fn get(&self) -> &Effect<'a> {
        self.effect.get().unwrap_or(&UNREADABLE)
    }

    /// Reads one and what follows it.
    fn take(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (gate, rest) = Gate::take(bytes)?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (stored, rest) = rest.split_at_checked(length)?;
        let effect = Held::stored(stored);
        Some((Self { gate, effect }, rest))
    }
}

/// What a program does.
#[derive(Debug, Clone, Default)]
pub struct Effects<'a> {
    stored: &'a [u8],
    list: OnceLock<Vec<Gated<'a>>>,
}

impl<'a> Effects<'a> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list().len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list().is_empty()
    }

    /// All of them, as they are held.
    pub fn gated(&self) -> impl Iterator<Item = &Gated<'a>> {
        self.list().iter()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Effect<'a>> {
        self.gated().map(Gated::get)
    }

    /// The effect with that number.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<&Effect<'a>> {
        self.list().get(number).map(Gated::get)
    }

    fn list(&self) -> &[Gated<'a>] {
        self.list.get_or_init(|| {
            let mut list = Vec::new();
            let mut rest = self.stored;
            while !rest.is_empty() {
                match Gated::take(rest) {
                    Some((effect, after)) => {
                        list.push(effect);
                        rest = after;
                    }
                    None => {
                        list.push(Gated {
                            gate: Gate::default(),
                            effect: Held::stored(&[]),
                        });
                        break;
                    }
                }
            }
            list
        })
    }
}

impl<'a> FromIterator<Effect<'a>> for Effects<'a> {
    fn from_iter<I: IntoIterator<Item = Effect<'a>>>(effects: I) -> Self {
        let gated = |effect: Effect<'a>| Gated {
            gate: Gate::of(&effect),
            effect: Held::from(effect),
        };
        Self {
            stored: &[],
            list: OnceLock::from(effects.into_iter().map(gated).collect::<Vec<_>>()),
        }
    }
}

impl Serialize for Effects<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error;
        let mut out = Vec::new();
        for Gated { gate, effect } in self.gated() {
            let effect = effect.to_stored().map_err(Error::custom)?;
            let length = u32::try_from(effect.len()).map_err(Error::custom)?;
            let count = u8::try_from(gate.count).map_err(Error::custom)?;
            out.extend([gate.idle as u8, count]);
            out.extend(
                gate.options()
                    .iter()
                    .flat_map(|option| option.to_le_bytes()),
            );
            out.extend(length.to_le_bytes());
            out.extend(effect);
        }
        serializer.serialize_bytes(&out)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Effects<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self {
            stored: Deserialize::deserialize(deserializer)?,
            list: OnceLock::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::Term;
    use super::*;

    fn effect(act: Act<'static>, to: Option<Selector<'static>>) -> Effect<'static> {
        Effect {
            act,
            to,
            certainty: Certainty::Certain,
            ..UNREADABLE.clone()
        }
    }

    fn asks(options: &[u16]) -> Vec<Term<'static>> {
        let term = |option: &u16| Term {
            test: Test::Option(*option, Words::NONE),
            negated: false,
        };
        options.iter().map(term).collect()
    }

    fn idle(effect: Effect<'static>, given: &[u16]) -> Option<Idle> {
        let effects: Effects<'_> = [effect].into_iter().collect();
        let stored = postcard::to_allocvec(&effects).unwrap();
        let read: Effects<'_> = postcard::from_bytes(&stored).unwrap();
        let said = |effects: &Effects<'_>| {
            let first = effects.gated().next().unwrap();
            first.idle(|option| given.contains(&option))
        };
        assert_eq!(said(&read), said(&effects));
        assert_eq!(
            format!("{:?}", read.get(0)),
            format!("{:?}", effects.get(0))
        );
        said(&read)
    }

    #[test]
    fn an_effect_is_idle_without_the_options_that_it_is_about() {
        let read = Act::Do(ActionKind::FsRead);
        let of_option = Some(Selector::Option(3));
        let about = || effect(read.clone(), of_option.clone());
        assert_eq!(idle(about(), &[2]), Some(Idle::Empty));
        assert_eq!(idle(about(), &[2, 3]), None);
        let code = effect(Act::Code("shell"), of_option.clone());
        assert_eq!(idle(code, &[]), Some(Idle::Counted));
        let first = Selector::First(vec![Selector::Option(3), Selector::From(0)]);
        assert_eq!(idle(effect(read.clone(), Some(first)), &[]), None);
        let kind = Act::Do(ActionKind::ExecPrivileged);
        assert_eq!(idle(effect(kind, of_option.clone()), &[]), None);

        let asked = |when: Vec<Vec<Term<'static>>>| Effect { when, ..about() };
        assert_eq!(idle(asked(vec![asks(&[1, 2])]), &[3]), Some(Idle::Out));
        assert_eq!(idle(asked(vec![asks(&[1, 2])]), &[2]), None);
        assert_eq!(idle(asked(vec![asks(&[1, 2, 3, 4, 5])]), &[]), None);
        let mut unless = asks(&[1]);
        unless[0].negated = true;
        assert_eq!(idle(asked(vec![unless]), &[]), None);
    }

    #[test]
    fn what_a_damaged_table_holds_is_unknown() {
        let effects: Effects<'_> = [effect(Act::Do(ActionKind::FsRead), None)]
            .into_iter()
            .collect();
        let mut stored = postcard::to_allocvec(&effects).unwrap();
        let kinds = |stored: &[u8]| -> Vec<String> {
            let effects: Effects<'_> = postcard::from_bytes(stored).unwrap();
            let acts = effects.iter().map(|effect| format!("{:?}", effect.act));
            acts.collect()
        };
        assert_eq!(kinds(&stored), ["Do(FsRead)"]);
        // Behind the length of all: what becomes of it, no options, its own length.
        stored[3] -= 1;
        assert_eq!(kinds(&stored), ["Do(Unknown)", "Do(Unknown)"]);
        stored[1] = 9;
        assert_eq!(kinds(&stored), ["Do(Unknown)"]);
    }
}
