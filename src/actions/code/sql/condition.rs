//! Whether a condition holds for every row, whatever the table contains.

use super::Tokens;
use super::lex::Kind;

/// Conditions nested deeper than this are taken for real ones.
const MAX_DEPTH: usize = 12;

/// `Some(true)` when the condition is always true, `Some(false)` when it never is, `None` when rows decide.
pub(super) fn truth(tokens: Tokens<'_>, depth: usize) -> Option<bool> {
    if depth > MAX_DEPTH || tokens.is_empty() {
        return None;
    }
    let either = split(tokens, &["OR", "XOR"], Some(b'|'));
    if either.len() > 1 {
        let truths: Vec<_> = either.iter().map(|part| truth(*part, depth + 1)).collect();
        if truths.contains(&Some(true)) {
            return Some(true);
        }
        return truths
            .iter()
            .all(|held| *held == Some(false))
            .then_some(false);
    }
    let both = split(tokens, &["AND"], Some(b'&'));
    if both.len() > 1 {
        let truths: Vec<_> = both.iter().map(|part| truth(*part, depth + 1)).collect();
        if truths.contains(&Some(false)) {
            return Some(false);
        }
        return truths
            .iter()
            .all(|held| *held == Some(true))
            .then_some(true);
    }
    if tokens.is_word(0, "NOT") || (tokens.is_op(0, b'!') && !tokens.is_op(1, b'=')) {
        return truth(tokens.from(1), depth + 1).map(|held| !held);
    }
    if tokens.is_op(0, b'(') && tokens.closing(0) == Some(tokens.len() - 1) {
        return truth(tokens.range(1, tokens.len() - 1), depth + 1);
    }
    comparison(tokens)
}

fn comparison(tokens: Tokens<'_>) -> Option<bool> {
    if tokens.len() == 1 {
        return match literal(tokens, 0)? {
            Literal::Number(number) => Some(number != 0.0),
            Literal::Bool(held) => Some(held),
            Literal::Text(text) => text.parse::<f64>().ok().map(|number| number != 0.0),
        };
    }
    let length = tokens.len();
    if length >= 4
        && tokens.is_word(length - 3, "IS")
        && tokens.is_word(length - 2, "NOT")
        && tokens.is_word(length - 1, "NULL")
    {
        return Some(true);
    }
    if tokens.is_word(0, "EXISTS") && tokens.is_word(2, "SELECT") {
        return (!(0..length).any(|index| tokens.is_word(index, "FROM"))).then_some(true);
    }
    let (operator, first, after) = operator(tokens)?;
    let left = tokens.range(0, first);
    let right = tokens.from(after);
    if let (Some(left), Some(right)) = (single(left), single(right)) {
        return compare(&left, operator, &right);
    }
    if operator == "LIKE"
        && right.len() == 1
        && matches!(&right.kind(0), Some(Kind::Text(text, _)) if !text.is_empty() && text.bytes().all(|byte| byte == b'%'))
    {
        return Some(true);
    }
    if same(left, right) {
        return Some(matches!(operator, "=" | "<=" | ">=" | "LIKE"));
    }
    key_above_nothing(left, operator, right)
}

/// `id > 0`: no table holds a key below one, so that this is the whole table.
fn key_above_nothing(left: Tokens<'_>, operator: &str, right: Tokens<'_>) -> Option<bool> {
    let name = left.name(left.len().checked_sub(1)?)?.to_ascii_lowercase();
    let number = match single(right)? {
        Literal::Number(number) => number,
        _ => return None,
    };
    let key = name == "id" || name.ends_with("_id") || name == "rowid";
    let all = match operator {
        ">" => number <= 0.0,
        ">=" => number <= 1.0,
        "<>" => number <= 0.0,
        _ => false,
    };
    (key && all && left.len() <= 3).then_some(true)
}

enum Literal {
    Number(f64),
    Text(String),
    Bool(bool),
}

fn literal(tokens: Tokens<'_>, index: usize) -> Option<Literal> {
    match tokens.kind(index)? {
        Kind::Number => tokens.text(index).parse().ok().map(Literal::Number),
        Kind::Text(text, _) => Some(Literal::Text(text.clone())),
        Kind::Word if tokens.is_word(index, "TRUE") => Some(Literal::Bool(true)),
        Kind::Word if tokens.is_word(index, "FALSE") => Some(Literal::Bool(false)),
        _ => None,
    }
}

/// The one literal that these tokens are, with a sign or a `+ 0` folded.
fn single(tokens: Tokens<'_>) -> Option<Literal> {
    match tokens.len() {
        1 => literal(tokens, 0),
        2 if tokens.is_op(0, b'-') => match literal(tokens, 1)? {
            Literal::Number(number) => Some(Literal::Number(-number)),
            _ => None,
        },
        3 => match (literal(tokens, 0)?, literal(tokens, 2)?) {
            (Literal::Number(left), Literal::Number(right)) => {
                let result = match tokens.kind(1)? {
                    Kind::Op(b'+') => left + right,
                    Kind::Op(b'-') => left - right,
                    Kind::Op(b'*') => left * right,
                    _ => return None,
                };
                Some(Literal::Number(result))
            }
            _ => None,
        },
        _ => None,
    }
}

fn compare(left: &Literal, operator: &str, right: &Literal) -> Option<bool> {
    let order = match (left, right) {
        (Literal::Number(left), Literal::Number(right)) => left.partial_cmp(right)?,
        (Literal::Text(left), Literal::Text(right)) => left.cmp(right),
        (Literal::Bool(left), Literal::Bool(right)) => left.cmp(right),
        (Literal::Number(number), Literal::Text(text)) => {
            number.partial_cmp(&text.parse().ok()?)?
        }
        (Literal::Text(text), Literal::Number(number)) => text
            .parse()
            .ok()
            .and_then(|text: f64| text.partial_cmp(number))?,
        _ => return None,
    };
    Some(match operator {
        "=" | "LIKE" | "IS" => order.is_eq(),
        "<>" => order.is_ne(),
        "<" => order.is_lt(),
        ">" => order.is_gt(),
        "<=" => order.is_le(),
        ">=" => order.is_ge(),
        _ => return None,
    })
}

/// Two sides that are the same name: `id = id`.
fn same(left: Tokens<'_>, right: Tokens<'_>) -> bool {
    !left.is_empty()
        && left.len() == right.len()
        && (0..left.len()).all(|index| left.text(index).eq_ignore_ascii_case(right.text(index)))
        && !(0..left.len()).any(|index| matches!(left.kind(index), Some(Kind::Op(b'('))))
}

/// The comparison at depth zero: its name, its first token and the token after it.
fn operator(tokens: Tokens<'_>) -> Option<(&'static str, usize, usize)> {
    let mut depth = 0usize;
    for index in 0..tokens.len() {
        match tokens.kind(index)? {
            Kind::Op(b'(') => depth += 1,
            Kind::Op(b')') => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            Kind::Op(first) => {
                let second = match tokens.kind(index + 1) {
                    Some(Kind::Op(second)) => *second,
                    _ => 0,
                };
                return Some(match (first, second) {
                    (b'=', b'=') => ("=", index, index + 2),
                    (b'=', _) => ("=", index, index + 1),
                    (b'<', b'>') | (b'!', b'=') => ("<>", index, index + 2),
                    (b'<', b'=') => ("<=", index, index + 2),
                    (b'>', b'=') => (">=", index, index + 2),
                    (b'<', _) => ("<", index, index + 1),
                    (b'>', _) => (">", index, index + 1),
                    _ => continue,
                });
            }
            Kind::Word if tokens.is_word(index, "LIKE") || tokens.is_word(index, "ILIKE") => {
                return (index > 0 && !tokens.is_word(index - 1, "NOT")).then_some((
                    "LIKE",
                    index,
                    index + 1,
                ));
            }
            _ => {}
        }
    }
    None
}

/// Parts between those words (or that operator, doubled) at depth zero. `AND` of a `BETWEEN` does not split.
fn split<'a>(tokens: Tokens<'a>, words: &[&str], doubled: Option<u8>) -> Vec<Tokens<'a>> {
    let mut parts = Vec::new();
    let mut depth = 0usize;
    let mut begin = 0;
    let mut between = false;
    let mut index = 0;
    while index < tokens.len() {
        match tokens.kind(index) {
            Some(Kind::Op(b'(')) => depth += 1,
            Some(Kind::Op(b')')) => depth = depth.saturating_sub(1),
            Some(Kind::Op(byte))
                if depth == 0 && Some(*byte) == doubled && tokens.is_op(index + 1, *byte) =>
            {
                parts.push(tokens.range(begin, index));
                begin = index + 2;
                index += 1;
            }
            Some(Kind::Word) if depth == 0 => {
                if tokens.is_word(index, "BETWEEN") {
                    between = true;
                } else if between && tokens.is_word(index, "AND") {
                    between = false;
                } else if words.iter().any(|word| tokens.is_word(index, word)) {
                    parts.push(tokens.range(begin, index));
                    begin = index + 1;
                }
            }
            _ => {}
        }
        index += 1;
    }
    parts.push(tokens.range(begin, tokens.len()));
    parts
}
