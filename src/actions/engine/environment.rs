//! Variables that are set in every environment, or nearly, by their usual values.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use crate::actions::Catalogue;
use crate::call::Context;
use crate::shell::command::{Scope, Usual, Value};

/// What was made last, and of what.
struct Made {
    /// Held, so that no other list can lie where it lies.
    listed: Usual,
    home: Option<String>,
    workspace: Option<String>,
    scope: Rc<Scope>,
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
            && Arc::ptr_eq(&made.listed, &listed)
            && made.home == context.home
            && made.workspace == context.workspace
        {
            return Rc::clone(&made.scope);
        }
        let scope = Rc::new(made(&listed, context));
        *last = Some(Made {
            listed,
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
    scope.variables.reserve_exact(listed.len());
    for (name, value) in listed {
        let value = if *value == "." {
            let workspace = context.workspace.clone();
            workspace.unwrap_or_else(|| String::from("."))
        } else {
            value
                .strip_prefix('~')
                .map_or_else(|| (*value).to_owned(), |rest| [home, rest].concat())
        };
        scope
            .variables
            .push(Rc::new(((*name).to_owned(), Value::Exact(value))));
    }
    scope
}
