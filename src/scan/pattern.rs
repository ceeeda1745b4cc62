//! Expressions around a literal, compiled on the first hit of their rule.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use regex::bytes::{Regex, RegexBuilder};

use super::pass::Pass;
use super::plausible;
use crate::rules::Rule;
use crate::rules::rule::Pattern;
use crate::rules::tables::Hit;

thread_local! {
    static COMPILED: RefCell<HashMap<String, Option<Rc<Regex>>>> = RefCell::new(HashMap::new());
}

fn compiled(expression: &str) -> Option<Rc<Regex>> {
    COMPILED.with_borrow_mut(|held| {
        if let Some(regex) = held.get(expression) {
            return regex.clone();
        }
        let regex = RegexBuilder::new(expression)
            .unicode(false)
            .size_limit(1 << 20)
            .build()
            .ok()
            .map(Rc::new);
        held.insert(expression.to_owned(), regex.clone());
        regex
    })
}

/// How many bytes expressions of a rule may read for each byte of the text so far, and how many before that counts. Where
/// the literals of a rule stand so close that more would be read, the text is nothing but these.
const MOST_READ: usize = 12;
const READ_AHEAD: usize = 16 << 10;

pub(super) fn confirm(pass: &mut Pass<'_>, rule: &Rule, form: &Pattern, hit: Hit) {
    let from = hit
        .start
        .saturating_sub(usize::from(form.before))
        .max(pass.reach(hit.rule));
    let to = pass.bytes.len().min(hit.end + usize::from(form.after));
    let (Some(window), Some(regex)) = (pass.bytes.get(from..to), compiled(&form.expression)) else {
        return;
    };
    let most = hit.end * MOST_READ + READ_AHEAD;
    if !pass.spend(hit.rule, window.len(), most) {
        return;
    }
    let Some(groups) = regex.captures(window) else {
        return;
    };
    let Some(secret) = groups.name("secret").or_else(|| groups.get(0)) else {
        return;
    };
    pass.looked(hit.rule, from + secret.end());
    // What was found is not read again.
    pass.give_back(hit.rule, window.len() - secret.end());
    if !plausible::is_placeholder(secret.as_bytes()) {
        pass.found(
            hit.rule,
            rule,
            (from + secret.start(), from + secret.end()),
            None,
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::call::Surface;

    fn found(text: &str) -> usize {
        let found = crate::builtin::scanner().scan(text.as_bytes(), Surface::ToolResult);
        found
            .iter()
            .filter(|found| found.rule == "secrets.pgpass")
            .count()
    }

    fn lines(from: usize, to: usize) -> String {
        (from..to)
            .map(|index| format!("db{index}.corp:5432:app:owner:kT9{index}vQz7wLx\n"))
            .collect()
    }

    #[test]
    fn what_expressions_may_read_is_enough_for_as_many_values_as_there_can_be() {
        assert_eq!(found(&lines(1_000, 3_000)), 2_000);
    }

    #[test]
    fn a_text_of_nothing_but_literals_does_not_hide_what_stands_after_it() {
        let text = ":5432:".repeat(20_000) + &"A plain line.\n".repeat(40) + &lines(1, 2);
        assert_eq!(found(&text), 1);
    }

    #[test]
    fn what_is_only_reported_is_looked_for_only_so_often_and_secrets_go_on_being_found() {
        let text = "<IMPORTANT> ".repeat(3_000) + "\n" + &lines(1, 2);
        let all = crate::builtin::scanner().scan(text.as_bytes(), Surface::ToolResult);
        let notes = all.iter().filter(|found| !found.redact).count();
        assert_eq!((notes, found(&text)), (crate::scan::MOST_NOTES, 1));
    }
}
