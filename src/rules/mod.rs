//! Rule packs: schema, compile, prefilter, confirm.
