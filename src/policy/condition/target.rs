//! Conditions on what an action is done to.

use super::Truth;
use crate::actions::{Action, ActionKind};
use crate::call::Context;
use crate::policy::compiled::{Compiled, Draft, Key, Span, Texts as _};
use crate::policy::glob::{Ends, Glob, Probe};
use crate::policy::packed::{fixed_struct, fixed_word};

/// What a pattern over targets may begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) enum Base {
    Nothing = 0,
    Workspace = 1,
    Home = 2,
    Cwd = 3,
    GuardHome = 4,
}

fixed_word!(Base {
    0 => Nothing,
    1 => Workspace,
    2 => Home,
    3 => Cwd,
    4 => GuardHome,
});

impl Base {
    /// What follows it, as a key of blocks.
    pub(in crate::policy) const fn key(self) -> Key {
        match self {
            Self::Nothing => Key::Target,
            Self::Workspace => Key::InWorkspace,
            Self::Home => Key::InHome,
            Self::Cwd => Key::InCwd,
            Self::GuardHome => Key::InGuardHome,
        }
    }
}

/// The directories of a call that patterns may begin with, without a slash at their ends, in the order of [`Base`]; `None`
/// where nobody said where one is.
#[derive(Debug, Clone, Copy)]
pub(in crate::policy) struct Bases<'a>([Option<&'a str>; 5]);

impl<'a> Bases<'a> {
    pub(in crate::policy) fn of(context: &'a Context) -> Self {
        let bare = |path: &'a Option<String>| {
            let mut path = path.as_deref()?;
            while let Some(shorter) = path.strip_suffix('/') {
                path = shorter;
            }
            Some(path)
        };
        Self([
            Some(""),
            bare(&context.workspace),
            bare(&context.home),
            bare(&context.cwd),
            bare(&context.guard_home),
        ])
    }
}

/// A target as patterns look at it.
#[derive(Debug, Clone, Copy)]
pub(in crate::policy) struct Spot<'a> {
    /// As much as is known.
    value: &'a str,
    exact: bool,
    bases: Bases<'a>,
    /// Of a target that is known exactly, in the order of [`Base`]: what follows the base; `None` where it does not begin so.
    below: [Option<(&'a str, Probe)>; 5],
}

impl<'a> Spot<'a> {
    pub(in crate::policy) fn of(action: &'a Action, bases: &Bases<'a>) -> Self {
        let value = action.target.value.as_str();
        let exact = action.target.exact;
        let mut below = [None; 5];
        if exact {
            for (below, base) in below.iter_mut().zip(bases.0) {
                let rest = base.and_then(|base| value.strip_prefix(base));
                *below = rest.map(|rest| (rest, Probe::of(rest)));
            }
        }
        Self {
            value,
            exact,
            bases: *bases,
            below,
        }
    }

    #[inline]
    fn base(&self, base: Base) -> Option<&'a str> {
        self.bases.0[base as usize]
    }

    /// Whether a pattern may hold at all, by what stands first in it.
    #[inline]
    pub(in crate::policy) fn may_hold(&self, base: Base, ends: &Ends) -> bool {
        match &self.below[base as usize] {
            Some((_, probe)) => probe.may_fit(ends),
            // What is not known is not ruled out.
            None => !self.exact || self.base(base).is_none(),
        }
    }
}

fixed_struct! {
    /// The beginning of a stored pattern, or of a bundle of them.
    #[derive(Debug, Clone, Copy)]
    struct Opening {
        base: Base,
        ends: Ends,
    }
}

fixed_struct! {
    /// A pattern over targets.
    #[derive(Debug, Clone, Copy)]
    pub(in crate::policy) struct TargetGlob {
        pub(in crate::policy) base: Base,
        pub(in crate::policy) glob: Glob,
    }
}

fixed_struct! {
    /// Patterns of which one look dismisses all: most of a long list begin or end as others of it do.
    #[derive(Debug, Clone, Copy)]
    pub(in crate::policy) struct Bundle {
        base: Base,
        /// What every text that fits one of them begins and ends with.
        ends: Ends,
        /// Of [`TargetGlob`]s.
        globs: Span,
    }
}

impl Bundle {
    /// How many bits of a text patterns must want alike to be looked at together: two bytes.
    const MIN_WEIGHT: u32 = 16;

    /// Those patterns in as few bundles as tell much.
    pub(in crate::policy) fn all(mut globs: Vec<TargetGlob>, draft: &mut Draft) -> Span {
        globs.sort_by_key(|glob| (glob.base as u8, glob.glob.ends.order()));
        let mut bundles: Vec<Self> = Vec::new();
        let mut rest = globs.as_slice();
        while let Some(first) = rest.first() {
            let mut ends = first.glob.ends;
            let mut len = 1;
            for next in rest[1..].iter().take_while(|next| next.base == first.base) {
                let shared = ends.shared(next.glob.ends);
                if shared.weight() < Self::MIN_WEIGHT {
                    break;
                }
                ends = shared;
                len += 1;
            }
            let (own, after) = rest.split_at(len);
            bundles.push(Self {
                base: first.base,
                ends,
                globs: draft.target_globs.keep(own),
            });
            rest = after;
        }
        draft.bundles.keep(&bundles)
    }

    /// What the patterns of a bundle stand behind, and how what follows it begins and ends.
    pub(in crate::policy) const fn sign(&self) -> (Key, Ends) {
        (self.base.key(), self.ends)
    }
}

fixed_struct! {
    /// A directory and what lies below it.
    #[derive(Debug, Clone, Copy)]
    pub(in crate::policy) struct Under {
        pub(in crate::policy) base: Base,
        /// Without a slash at its end.
        pub(in crate::policy) rest: Span,
    }
}

fixed_struct! {
    /// Patterns over targets.
    #[derive(Debug, Clone, Copy)]
    pub(in crate::policy) struct Targets {
        /// Of [`Bundle`]s.
        pub(in crate::policy) any: Span,
        pub(in crate::policy) under: Span,
        /// Of [`Bundle`]s.
        pub(in crate::policy) none: Span,
        pub(in crate::policy) outside: Span,
    }
}

impl Targets {
    pub(super) fn hold(self, action: &Action, spot: &Spot<'_>, compiled: &Compiled) -> Truth {
        if action.kind == ActionKind::Unknown {
            return Truth::Unknown;
        }
        let wanted = if self.any.is_empty() && self.under.is_empty() {
            Truth::Yes
        } else {
            either(self.any, self.under, spot, compiled)
        };
        if wanted == Truth::No || (self.none.is_empty() && self.outside.is_empty()) {
            return wanted;
        }
        wanted.min(either(self.none, self.outside, spot, compiled).not())
    }
}

/// Whether one of some patterns holds, or a target lies below one of some directories.
fn either(bundles: Span, folders: Span, spot: &Spot<'_>, compiled: &Compiled) -> Truth {
    let mut truth = Truth::No;
    let may_hold = |opening: &Opening| spot.may_hold(opening.base, &opening.ends);
    for bundle in compiled.of_those::<Opening, Bundle>(bundles, may_hold) {
        for glob in compiled.of_those::<Opening, TargetGlob>(bundle.globs, may_hold) {
            truth = truth.max(glob.holds(spot, compiled));
            if truth == Truth::Yes {
                return truth;
            }
        }
    }
    for folder in compiled.of::<Under>(folders) {
        truth = truth.max(folder.holds(spot, compiled));
    }
    truth
}

impl TargetGlob {
    fn holds(self, spot: &Spot<'_>, compiled: &Compiled) -> Truth {
        let Some(base) = spot.base(self.base) else {
            return Truth::Unknown;
        };
        if spot.exact {
            spot.below[self.base as usize]
                .is_some_and(|(rest, _)| self.glob.matches(rest, compiled))
                .into()
        } else {
            partly(spot.value, base, self.glob.literal(compiled))
        }
    }
}

impl Under {
    fn holds(self, spot: &Spot<'_>, compiled: &Compiled) -> Truth {
        let Some(base) = spot.base(self.base) else {
            return Truth::Unknown;
        };
        let folder = compiled.raw(self.rest);
        if spot.exact {
            spot.below[self.base as usize]
                .and_then(|(rest, _)| rest.as_bytes().strip_prefix(folder))
                .is_some_and(|rest| rest.first().is_none_or(|byte| *byte == b'/'))
                .into()
        } else {
            partly(spot.value, base, folder)
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

#[cfg(test)]
mod tests {
    use super::*;

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
