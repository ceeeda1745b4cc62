//! Conditions on what an action is done to.

use super::Truth;
use crate::actions::{Action, ActionKind};
use crate::call::Context;
use crate::policy::compiled::{Compiled, Span, Texts as _};
use crate::policy::glob::Glob;
use crate::policy::packed::{fixed_struct, fixed_word};

/// What a pattern over targets may begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) enum Base {
    Workspace = 1,
    Home = 2,
    Cwd = 3,
    GuardHome = 4,
}

fixed_word!(Base {
    1 => Workspace,
    2 => Home,
    3 => Cwd,
    4 => GuardHome,
});

/// The directories of a call that patterns may begin with, without a slash at their ends.
#[derive(Debug, Clone, Copy)]
pub(in crate::policy) struct Bases<'a>([Option<&'a str>; 5]);

impl<'a> Bases<'a> {
    pub(in crate::policy) fn of(context: &'a Context) -> Self {
        let bare =
            |path: &'a Option<String>| path.as_deref().map(|path| path.trim_end_matches('/'));
        // In the order of `Base`; what begins with none of them begins with nothing.
        Self([
            Some(""),
            bare(&context.workspace),
            bare(&context.home),
            bare(&context.cwd),
            bare(&context.guard_home),
        ])
    }

    /// `None`: nobody said where that is.
    const fn get(&self, base: Option<Base>) -> Option<&'a str> {
        match base {
            None => self.0[0],
            Some(base) => self.0[base as usize],
        }
    }
}

fixed_struct! {
    /// A pattern over targets.
    #[derive(Debug, Clone, Copy)]
    pub(in crate::policy) struct TargetGlob {
        pub(in crate::policy) base: Option<Base>,
        pub(in crate::policy) glob: Glob,
    }
}

fixed_struct! {
    /// A directory and what lies below it.
    #[derive(Debug, Clone, Copy)]
    pub(in crate::policy) struct Under {
        pub(in crate::policy) base: Option<Base>,
        /// Without a slash at its end.
        pub(in crate::policy) rest: Span,
    }
}

fixed_struct! {
    /// Patterns over targets.
    #[derive(Debug, Clone, Copy)]
    pub(in crate::policy) struct Targets {
        pub(in crate::policy) any: Span,
        pub(in crate::policy) under: Span,
        pub(in crate::policy) none: Span,
        pub(in crate::policy) outside: Span,
    }
}

impl Targets {
    pub(super) fn hold(self, action: &Action, bases: &Bases<'_>, compiled: &Compiled) -> Truth {
        if action.kind == ActionKind::Unknown {
            return Truth::Unknown;
        }
        let either = |globs: Span, folders: Span| {
            let mut truth = Truth::No;
            for glob in compiled.of::<TargetGlob>(globs) {
                truth = truth.max(glob.holds(action, bases, compiled));
                if truth == Truth::Yes {
                    return truth;
                }
            }
            for folder in compiled.of::<Under>(folders) {
                truth = truth.max(folder.holds(action, bases, compiled));
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
    fn holds(self, action: &Action, bases: &Bases<'_>, compiled: &Compiled) -> Truth {
        let Some(base) = bases.get(self.base) else {
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
    fn holds(self, action: &Action, bases: &Bases<'_>, compiled: &Compiled) -> Truth {
        let Some(base) = bases.get(self.base) else {
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
