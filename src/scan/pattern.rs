//! Expressions around a literal, compiled on the first hit of their rule.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use regex::bytes::{Captures, Regex, RegexBuilder};

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

/// The same, looked up once in a text for each rule: expressions are long, and literals may be many.
fn compiled_once(
    pass: &mut Pass<'_>,
    (rule, whole): (usize, bool),
    expression: &str,
) -> Option<Rc<Regex>> {
    let asked = (rule, whole);
    if let Some((_, regex)) = pass.expressions.iter().find(|(held, _)| *held == asked) {
        return regex.clone();
    }
    let regex = compiled(expression);
    pass.expressions.push((asked, regex.clone()));
    regex
}

/// How many bytes expressions of a rule may read for each byte of the text so far, and how many before that counts. Where
/// the literals of a rule stand so close that more would be read, a stretch is read once for all of them.
const MOST_READ: usize = 3;
const READ_AHEAD: usize = 16 << 10;
/// How long such a stretch is, in bytes: some times what is read around one literal.
const STRETCH: usize = 4 << 10;

pub(super) fn confirm(pass: &mut Pass<'_>, rule: &Rule, form: &Pattern, hit: Hit) {
    if hit.end <= pass.covered(hit.rule) {
        return;
    }
    let from = hit
        .start
        .saturating_sub(usize::from(form.before))
        .max(pass.reach(hit.rule));
    let to = pass.bytes.len().min(hit.end + usize::from(form.after));
    let (Some(window), Some(regex)) = (
        pass.bytes.get(from..to),
        compiled_once(pass, (hit.rule, false), &form.expression),
    ) else {
        return;
    };
    let most = hit.end * MOST_READ + READ_AHEAD;
    if !pass.spend(hit.rule, window.len(), most) {
        return stretch(pass, rule, form, hit, from);
    }
    let Some(groups) = regex.captures(window) else {
        return;
    };
    if let Some(end) = keep(pass, rule, hit.rule, from, &groups) {
        // What was found is not read again.
        pass.give_back(hit.rule, window.len() - end);
    }
}

/// The expression without what binds it to one end of what is read around a literal: a stretch holds many literals.
fn unbound(form: &Pattern) -> Cow<'_, str> {
    let expression = form.expression.as_str();
    let (flags, body) = match expression.strip_prefix("(?i)") {
        Some(body) => ("(?i)", body),
        None => ("", expression),
    };
    let begins = body.strip_prefix('^').filter(|_| form.before == 0);
    let ends = body.strip_suffix('$').filter(|_| form.after == 0);
    match begins.or(ends) {
        Some(body) => Cow::Owned([flags, body].concat()),
        None => Cow::Borrowed(expression),
    }
}

/// Keeps what an expression found in a text that begins at `from`; where it ends there.
fn keep(
    pass: &mut Pass<'_>,
    rule: &Rule,
    index: usize,
    from: usize,
    groups: &Captures<'_>,
) -> Option<usize> {
    let whole = groups.get(0)?;
    let secret = groups.name("secret").unwrap_or(whole);
    let (start, end) = (from + secret.start(), from + secret.end());
    pass.looked(index, end);
    let told = (from + whole.start(), from + whole.end());
    if !plausible::is_placeholder(secret.as_bytes())
        && pass.is_apart(told.0, told)
        && !pass.is_glued_or_in_row(start, end, false)
    {
        pass.found(index, rule, (start, end), None);
    }
    Some(secret.end())
}

/// Reads on from a literal, for it and for all that follow as far as what is read around them lies in the stretch.
fn stretch(pass: &mut Pass<'_>, rule: &Rule, form: &Pattern, hit: Hit, from: usize) {
    let Some(regex) = compiled_once(pass, (hit.rule, true), &unbound(form)) else {
        return;
    };
    let after = usize::from(form.after);
    let bytes = pass.bytes;
    let to = bytes.len().min(hit.end + after + STRETCH);
    for groups in regex.captures_iter(&bytes[from..to]) {
        keep(pass, rule, hit.rule, from, &groups);
    }
    pass.cover(hit.rule, if to < bytes.len() { to - after } else { to });
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
    fn literals_without_number_hide_nothing_among_them() {
        let row = ":5432:".repeat(4_000);
        for text in [
            format!("{row}\n{}", lines(1, 2)),
            format!("{row} x\n{}{row}", lines(1, 2)),
            format!("{row}\n{}{row}\n{}", lines(1, 2), lines(2, 3)),
        ] {
            assert_eq!(found(&text), text.matches(".corp").count());
        }
    }

    #[test]
    fn an_expression_that_begins_or_ends_with_its_literal_is_asked_at_each_of_them() {
        let value = ["Tq7wLx", "2vRk9"].concat();
        for (literal, last, rule) in [
            (
                "net use ",
                format!("net use Z: /user:svc {value}"),
                "secrets.windows-share",
            ),
            (
                "oracle:thin: ",
                format!("oracle:thin:app/{value}@db-3"),
                "secrets.oracle-login",
            ),
            (
                "htpasswd -x ",
                format!("htpasswd -bc f dana {value}"),
                "secrets.htpasswd-argument",
            ),
            (
                "| pass insert ",
                format!("echo {value} | pass insert x"),
                "secrets.piped-secret",
            ),
            (
                "[INST] ",
                String::from("[INST] <<SYS>>"),
                "injection.fake-turn",
            ),
        ] {
            let row = literal.repeat(8_000);
            let text = format!("{row}\n{last}\n{row}");
            let found = crate::builtin::scanner().scan(text.as_bytes(), Surface::ToolResult);
            assert!(found.iter().any(|found| found.rule == rule), "{rule}");
        }
    }

    #[test]
    fn what_is_only_reported_is_looked_for_only_so_often_and_secrets_go_on_being_found() {
        let text = "<IMPORTANT> ".repeat(3_000) + "\n" + &lines(1, 2);
        let all = crate::builtin::scanner().scan(text.as_bytes(), Surface::ToolResult);
        let notes = all.iter().filter(|found| !found.redact).count();
        assert_eq!((notes, found(&text)), (crate::scan::MOST_NOTES, 1));
    }
}
