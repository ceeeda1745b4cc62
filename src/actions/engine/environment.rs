//! Variables that are set in every environment, or nearly, by their usual values.

use std::cell::RefCell;
use std::rc::Rc;

use crate::actions::Catalogue;
use crate::call::Context;
use crate::shell::command::{Scope, Value};

/// What was made last, and of what.
struct Made {
    listed: Vec<(String, String)>,
    home: Option<String>,
    workspace: Option<String>,
    scope: Rc<Scope>,
}

impl Made {
    fn is_of(&self, listed: &[(&str, &str)], context: &Context) -> bool {
        self.home == context.home
            && self.workspace == context.workspace
            && self.listed.len() == listed.len()
            && self
                .listed
                .iter()
                .zip(listed)
                .all(|(held, asked)| held.0 == asked.0 && held.1 == asked.1)
    }
}

thread_local! {
    /// Calls of one agent have the same home and workspace, so the last one is kept.
    static LAST: RefCell<Option<Made>> = const { RefCell::new(None) };
}

/// The environment of a call.
pub(super) fn usual(catalogue: &Catalogue, context: &Context) -> Rc<Scope> {
    let listed = catalogue.environment();
    LAST.with_borrow_mut(|last| {
        if let Some(made) = last
            && made.is_of(listed, context)
        {
            return Rc::clone(&made.scope);
        }
        let scope = Rc::new(made(listed, context));
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        *last = Some(Made {
            listed: listed.iter().map(owned).collect(),
            home: context.home.clone(),
            workspace: context.workspace.clone(),
            scope: Rc::clone(&scope),
        });
        scope
    })
}

fn made(listed: &[(&str, &str)], context: &Context) -> Scope {
    let home = context.home.as_deref().unwrap_or("/home/~");
    let mut scope = Scope::default();
    for (name, value) in listed {
        let value = if *value == "." {
            let workspace = context.workspace.clone();
            workspace.unwrap_or_else(|| String::from("."))
        } else {
            value
                .strip_prefix('~')
                .map_or_else(|| (*value).to_owned(), |rest| format!("{home}{rest}"))
        };
        scope
            .variables
            .push(Rc::new(((*name).to_owned(), Value::Exact(value))));
    }
    scope
}
