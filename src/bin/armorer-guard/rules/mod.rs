//! `armorer-guard rules`.

pub(crate) mod options;

use std::collections::BTreeMap;

use armorer_guard_core::sweep::sarif::RuleText;
use armorer_guard_core::sweep::select::Selection;

pub(crate) fn run(_options: &options::Options) -> u8 {
    2
}

pub(crate) fn unknown_rules(_selection: &Selection) -> Option<u8> {
    None
}

pub(crate) fn rule_texts<'a>(_rules: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, RuleText> {
    BTreeMap::new()
}
