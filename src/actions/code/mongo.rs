//! What methods of the MongoDB shell do to collections and databases.

use super::value::{Kind, Val};
use super::walk::Args;
use crate::actions::kinds::ActionKind;

/// The effect of `COLLECTION.name(args)`; `None` when the method only computes.
pub(super) fn effect(name: &str, args: &Args) -> Option<(ActionKind, Vec<&'static str>)> {
    let everything = args.pos.first().is_none_or(is_empty_filter);
    let no_where = || {
        if everything {
            vec!["no_where"]
        } else {
            Vec::new()
        }
    };
    Some(match name {
        "drop" => (ActionKind::DbDrop, Vec::new()),
        "dropDatabase" => (ActionKind::DbDrop, vec!["database"]),
        "deleteMany" | "remove" => (ActionKind::DbDelete, no_where()),
        "deleteOne" | "findOneAndDelete" | "findAndModify" => (ActionKind::DbDelete, Vec::new()),
        "updateMany" => (ActionKind::DbWrite, no_where()),
        "insert" | "insertOne" | "insertMany" | "updateOne" | "replaceOne" | "update" | "save"
        | "bulkWrite" | "findOneAndUpdate" | "findOneAndReplace" | "renameCollection" => {
            (ActionKind::DbWrite, Vec::new())
        }
        "find"
        | "findOne"
        | "countDocuments"
        | "estimatedDocumentCount"
        | "distinct"
        | "aggregate" => {
            let writes = args.pos.first().is_some_and(writes_out);
            (
                if writes {
                    ActionKind::DbWrite
                } else {
                    ActionKind::DbRead
                },
                Vec::new(),
            )
        }
        "createUser"
        | "dropUser"
        | "updateUser"
        | "grantRolesToUser"
        | "revokeRolesFromUser"
        | "dropAllUsers"
        | "createRole"
        | "dropRole"
        | "changeUserPassword" => (ActionKind::DbAlter, vec!["user"]),
        "createIndex" | "dropIndex" | "dropIndexes" | "createCollection" | "createView" => {
            (ActionKind::DbAlter, Vec::new())
        }
        "shutdownServer" => (ActionKind::SystemService, Vec::new()),
        "adminCommand" | "runCommand" => command(args)?,
        _ => return None,
    })
}

fn is_empty_filter(filter: &Val) -> bool {
    match &filter.kind {
        Kind::Map(entries) => entries.is_empty(),
        Kind::List(items) => items.is_empty(),
        _ => false,
    }
}

fn writes_out(stages: &Val) -> bool {
    match &stages.kind {
        Kind::List(items) => items.iter().any(writes_out),
        Kind::Map(entries) => entries
            .iter()
            .any(|(name, _)| matches!(name.as_str(), "$out" | "$merge")),
        _ => false,
    }
}

fn command(args: &Args) -> Option<(ActionKind, Vec<&'static str>)> {
    let Kind::Map(entries) = &args.pos.first()?.kind else {
        return None;
    };
    Some(match entries.first()?.0.as_str() {
        "dropDatabase" => (ActionKind::DbDrop, vec!["database"]),
        "drop" => (ActionKind::DbDrop, Vec::new()),
        "delete" => (ActionKind::DbDelete, Vec::new()),
        "shutdown" => (ActionKind::SystemService, Vec::new()),
        "ping" | "serverStatus" | "listDatabases" | "buildInfo" | "count" | "find" | "dbStats"
        | "hello" => (ActionKind::DbRead, Vec::new()),
        _ => (ActionKind::DbAlter, Vec::new()),
    })
}
