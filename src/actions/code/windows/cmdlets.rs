//! What cmdlets do: aliases, and one row for each cmdlet that changes something.

use crate::actions::kinds::ActionKind;

/// What a cmdlet does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    /// Something to the paths that it is given.
    Path(ActionKind, &'static [&'static str]),
    /// Something to what it is given by name.
    Name(ActionKind),
    /// Reads a file.
    Read,
    /// Lists a directory.
    List,
    /// Copies: from the first path to the second.
    Copy,
    /// Moves or renames.
    Move,
    /// Requests a URL.
    Request,
    /// Runs text as code.
    Invoke,
    /// Runs a script block or a file, perhaps elsewhere.
    Command,
    /// Starts a program.
    Start,
    /// Makes an object.
    Object,
    /// A value of the registry or of a file's properties.
    Property,
    /// Compiles or loads code.
    Type,
    /// Asks a database.
    Query,
    /// Passes on what it is given.
    Pass,
    /// Nothing outside of its own process.
    Nothing,
}

const ALIASES: &[(&str, &str)] = &[
    ("ri", "remove-item"),
    ("rm", "remove-item"),
    ("rmdir", "remove-item"),
    ("del", "remove-item"),
    ("erase", "remove-item"),
    ("rd", "remove-item"),
    ("rp", "remove-itemproperty"),
    ("clc", "clear-content"),
    ("gci", "get-childitem"),
    ("ls", "get-childitem"),
    ("dir", "get-childitem"),
    ("gi", "get-item"),
    ("gc", "get-content"),
    ("cat", "get-content"),
    ("type", "get-content"),
    ("sc", "set-content"),
    ("ac", "add-content"),
    ("ni", "new-item"),
    ("mkdir", "new-item"),
    ("md", "new-item"),
    ("si", "set-item"),
    ("sp", "set-itemproperty"),
    ("cp", "copy-item"),
    ("copy", "copy-item"),
    ("cpi", "copy-item"),
    ("mv", "move-item"),
    ("move", "move-item"),
    ("mi", "move-item"),
    ("ren", "rename-item"),
    ("rni", "rename-item"),
    ("iex", "invoke-expression"),
    ("iwr", "invoke-webrequest"),
    ("wget", "invoke-webrequest"),
    ("curl", "invoke-webrequest"),
    ("irm", "invoke-restmethod"),
    ("icm", "invoke-command"),
    ("saps", "start-process"),
    ("start", "start-process"),
    ("kill", "stop-process"),
    ("spps", "stop-process"),
    ("spsv", "stop-service"),
    ("sasv", "start-service"),
    ("sajb", "start-job"),
    ("foreach", "foreach-object"),
    ("%", "foreach-object"),
    ("where", "where-object"),
    ("?", "where-object"),
    ("tee", "tee-object"),
    ("select", "select-object"),
    ("sort", "sort-object"),
    ("measure", "measure-object"),
    ("group", "group-object"),
    ("echo", "write-output"),
    ("write", "write-output"),
    ("ii", "invoke-item"),
    ("iwmi", "invoke-wmimethod"),
    ("clhy", "clear-history"),
    ("cd", "set-location"),
    ("sl", "set-location"),
    ("chdir", "set-location"),
    ("pushd", "push-location"),
    ("popd", "pop-location"),
    ("pwd", "get-location"),
    ("gl", "get-location"),
    ("ps", "get-process"),
    ("gps", "get-process"),
    ("gsv", "get-service"),
    ("sv", "set-variable"),
    ("sal", "set-alias"),
    ("nal", "new-alias"),
    ("ipmo", "import-module"),
    ("asnp", "add-pssnapin"),
    ("ft", "format-table"),
    ("fl", "format-list"),
    ("fw", "format-wide"),
    ("oh", "out-host"),
    ("cls", "clear-host"),
    ("clear", "clear-host"),
    ("h", "get-history"),
    ("history", "get-history"),
    ("man", "get-help"),
    ("help", "get-help"),
    ("gcm", "get-command"),
    ("gm", "get-member"),
    ("sleep", "start-sleep"),
    ("diff", "compare-object"),
    ("rmo", "remove-module"),
    ("rv", "remove-variable"),
    ("gwmi", "get-wmiobject"),
    ("gcim", "get-ciminstance"),
];

const TABLE: &[(&str, Does)] = &[
    ("remove-item", Does::Path(ActionKind::FsDelete, &[])),
    (
        "clear-content",
        Does::Path(ActionKind::FsDestroy, &["truncate"]),
    ),
    ("clear-item", Does::Path(ActionKind::FsDestroy, &[])),
    ("clear-recyclebin", Does::Name(ActionKind::FsDelete)),
    (
        "set-content",
        Does::Path(ActionKind::FsWrite, &["truncate"]),
    ),
    ("add-content", Does::Path(ActionKind::FsWrite, &["append"])),
    ("out-file", Does::Path(ActionKind::FsWrite, &["truncate"])),
    ("tee-object", Does::Path(ActionKind::FsWrite, &["truncate"])),
    ("new-item", Does::Path(ActionKind::FsWrite, &["create"])),
    ("set-item", Does::Path(ActionKind::FsWrite, &[])),
    ("export-csv", Does::Path(ActionKind::FsWrite, &["truncate"])),
    (
        "export-clixml",
        Does::Path(ActionKind::FsWrite, &["truncate"]),
    ),
    ("expand-archive", Does::Copy),
    ("compress-archive", Does::Copy),
    ("copy-item", Does::Copy),
    ("move-item", Does::Move),
    ("rename-item", Does::Move),
    ("set-acl", Does::Path(ActionKind::FsPermission, &[])),
    ("get-content", Does::Read),
    ("import-csv", Does::Read),
    ("import-clixml", Does::Read),
    ("select-string", Does::Pass),
    ("get-childitem", Does::List),
    ("get-item", Does::List),
    ("resolve-path", Does::Pass),
    ("join-path", Does::Pass),
    ("split-path", Does::Pass),
    ("convert-path", Does::Pass),
    ("format-volume", Does::Name(ActionKind::DiskWrite)),
    ("clear-disk", Does::Name(ActionKind::DiskWrite)),
    ("initialize-disk", Does::Name(ActionKind::DiskWrite)),
    ("reset-physicaldisk", Does::Name(ActionKind::DiskWrite)),
    ("remove-partition", Does::Name(ActionKind::DiskWrite)),
    ("remove-virtualdisk", Does::Name(ActionKind::DiskWrite)),
    ("new-partition", Does::Name(ActionKind::DiskWrite)),
    ("set-disk", Does::Name(ActionKind::DiskWrite)),
    ("set-partition", Does::Name(ActionKind::DiskWrite)),
    ("resize-partition", Does::Name(ActionKind::DiskWrite)),
    ("disable-bitlocker", Does::Name(ActionKind::DiskWrite)),
    ("enable-bitlocker", Does::Name(ActionKind::DiskWrite)),
    ("stop-computer", Does::Name(ActionKind::SystemPower)),
    ("restart-computer", Does::Name(ActionKind::SystemPower)),
    ("suspend-computer", Does::Name(ActionKind::SystemPower)),
    ("stop-process", Does::Name(ActionKind::ProcessKill)),
    ("stop-service", Does::Name(ActionKind::SystemService)),
    ("start-service", Does::Name(ActionKind::SystemService)),
    ("restart-service", Does::Name(ActionKind::SystemService)),
    ("suspend-service", Does::Name(ActionKind::SystemService)),
    ("set-service", Does::Name(ActionKind::SystemService)),
    ("remove-service", Does::Name(ActionKind::SystemService)),
    ("new-service", Does::Name(ActionKind::PersistStartup)),
    (
        "register-scheduledtask",
        Does::Name(ActionKind::PersistSchedule),
    ),
    ("set-scheduledtask", Does::Name(ActionKind::PersistSchedule)),
    (
        "register-scheduledjob",
        Does::Name(ActionKind::PersistSchedule),
    ),
    (
        "unregister-scheduledtask",
        Does::Name(ActionKind::SystemConfig),
    ),
    (
        "disable-scheduledtask",
        Does::Name(ActionKind::SystemConfig),
    ),
    ("set-wmiinstance", Does::Name(ActionKind::PersistStartup)),
    ("register-wmievent", Does::Name(ActionKind::PersistStartup)),
    (
        "register-cimindicationevent",
        Does::Name(ActionKind::PersistStartup),
    ),
    ("new-ciminstance", Does::Name(ActionKind::SystemConfig)),
    ("remove-ciminstance", Does::Name(ActionKind::SystemConfig)),
    ("invoke-cimmethod", Does::Name(ActionKind::SystemConfig)),
    ("invoke-wmimethod", Does::Name(ActionKind::SystemConfig)),
    ("set-executionpolicy", Does::Name(ActionKind::SystemConfig)),
    ("set-mppreference", Does::Name(ActionKind::SystemConfig)),
    ("add-mppreference", Does::Name(ActionKind::SystemConfig)),
    ("remove-mppreference", Does::Name(ActionKind::SystemConfig)),
    (
        "uninstall-windowsfeature",
        Does::Name(ActionKind::SystemConfig),
    ),
    (
        "disable-windowsoptionalfeature",
        Does::Name(ActionKind::SystemConfig),
    ),
    (
        "enable-windowsoptionalfeature",
        Does::Name(ActionKind::SystemConfig),
    ),
    (
        "disable-computerrestore",
        Does::Name(ActionKind::SystemConfig),
    ),
    ("set-date", Does::Name(ActionKind::SystemConfig)),
    ("rename-computer", Does::Name(ActionKind::SystemConfig)),
    (
        "set-processmitigation",
        Does::Name(ActionKind::SystemConfig),
    ),
    ("import-certificate", Does::Name(ActionKind::SystemConfig)),
    ("enable-psremoting", Does::Name(ActionKind::SystemNetwork)),
    (
        "set-netfirewallprofile",
        Does::Name(ActionKind::SystemNetwork),
    ),
    ("set-netfirewallrule", Does::Name(ActionKind::SystemNetwork)),
    ("new-netfirewallrule", Does::Name(ActionKind::SystemNetwork)),
    (
        "remove-netfirewallrule",
        Does::Name(ActionKind::SystemNetwork),
    ),
    (
        "disable-netfirewallrule",
        Does::Name(ActionKind::SystemNetwork),
    ),
    (
        "enable-netfirewallrule",
        Does::Name(ActionKind::SystemNetwork),
    ),
    ("disable-netadapter", Does::Name(ActionKind::SystemNetwork)),
    (
        "set-dnsclientserveraddress",
        Does::Name(ActionKind::SystemNetwork),
    ),
    ("new-smbshare", Does::Name(ActionKind::SystemNetwork)),
    ("new-localuser", Does::Name(ActionKind::SystemAccount)),
    ("set-localuser", Does::Name(ActionKind::SystemAccount)),
    ("remove-localuser", Does::Name(ActionKind::SystemAccount)),
    ("enable-localuser", Does::Name(ActionKind::SystemAccount)),
    ("disable-localuser", Does::Name(ActionKind::SystemAccount)),
    (
        "add-localgroupmember",
        Does::Name(ActionKind::SystemAccount),
    ),
    (
        "remove-localgroupmember",
        Does::Name(ActionKind::SystemAccount),
    ),
    ("clear-eventlog", Does::Name(ActionKind::SystemLog)),
    ("remove-eventlog", Does::Name(ActionKind::SystemLog)),
    ("limit-eventlog", Does::Name(ActionKind::SystemLog)),
    ("clear-history", Does::Name(ActionKind::SystemLog)),
    ("set-psreadlineoption", Does::Nothing),
    ("set-itemproperty", Does::Property),
    ("new-itemproperty", Does::Property),
    ("remove-itemproperty", Does::Property),
    ("clear-itemproperty", Does::Property),
    ("rename-itemproperty", Does::Property),
    ("invoke-webrequest", Does::Request),
    ("invoke-restmethod", Does::Request),
    ("start-bitstransfer", Does::Request),
    ("send-mailmessage", Does::Name(ActionKind::MessageSend)),
    ("invoke-expression", Does::Invoke),
    ("invoke-command", Does::Command),
    ("start-job", Does::Command),
    ("start-threadjob", Does::Command),
    ("new-pssession", Does::Name(ActionKind::ExecElsewhere)),
    ("enter-pssession", Does::Name(ActionKind::ExecElsewhere)),
    ("start-process", Does::Start),
    ("invoke-item", Does::Start),
    ("new-object", Does::Object),
    ("add-type", Does::Type),
    ("invoke-sqlcmd", Does::Query),
    ("invoke-sqlquery", Does::Query),
    ("invoke-dbaquery", Does::Query),
    ("invoke-mimikatz", Does::Name(ActionKind::CredentialRead)),
    ("out-minidump", Does::Name(ActionKind::CredentialRead)),
    ("install-module", Does::Name(ActionKind::PackageInstall)),
    ("install-package", Does::Name(ActionKind::PackageInstall)),
    ("install-script", Does::Name(ActionKind::PackageInstall)),
    ("uninstall-module", Does::Name(ActionKind::PackageRemove)),
    ("uninstall-package", Does::Name(ActionKind::PackageRemove)),
    ("publish-module", Does::Name(ActionKind::PackagePublish)),
    ("publish-script", Does::Name(ActionKind::PackagePublish)),
    ("remove-appxpackage", Does::Name(ActionKind::PackageRemove)),
    ("add-appxpackage", Does::Name(ActionKind::PackageInstall)),
    ("get-credential", Does::Name(ActionKind::CredentialRead)),
    ("get-secret", Does::Name(ActionKind::CredentialRead)),
    ("where-object", Does::Pass),
    ("foreach-object", Does::Pass),
    ("select-object", Does::Pass),
    ("sort-object", Does::Pass),
    ("write-output", Does::Pass),
    ("out-string", Does::Pass),
    ("get-unique", Does::Pass),
    ("group-object", Does::Pass),
    ("set-location", Does::Nothing),
    ("push-location", Does::Nothing),
    ("pop-location", Does::Nothing),
    ("set-variable", Does::Nothing),
    ("new-variable", Does::Nothing),
    ("remove-variable", Does::Nothing),
    ("clear-variable", Does::Nothing),
    ("set-alias", Does::Nothing),
    ("new-alias", Does::Nothing),
    ("set-strictmode", Does::Nothing),
    ("set-psdebug", Does::Nothing),
    ("start-sleep", Does::Nothing),
    (
        "start-transcript",
        Does::Path(ActionKind::FsWrite, &["create"]),
    ),
    ("stop-transcript", Does::Nothing),
    ("stop-job", Does::Nothing),
    ("remove-job", Does::Nothing),
    ("receive-job", Does::Nothing),
    ("wait-job", Does::Nothing),
    ("wait-process", Does::Nothing),
    ("import-module", Does::Path(ActionKind::ExecLocal, &[])),
    ("remove-module", Does::Nothing),
    ("using", Does::Nothing),
    ("param", Does::Nothing),
    ("clear-host", Does::Nothing),
    ("new-timespan", Does::Nothing),
    ("new-guid", Does::Nothing),
    ("new-temporaryfile", Does::Nothing),
    ("set-clipboard", Does::Nothing),
    ("update-help", Does::Nothing),
    ("add-member", Does::Nothing),
    ("set-culture", Does::Nothing),
    ("get-location", Does::Nothing),
];

/// The cmdlet's full name, lower case.
pub(super) fn resolve(name: &str) -> String {
    let lower = name
        .rsplit('\\')
        .next()
        .unwrap_or(name)
        .to_ascii_lowercase();
    ALIASES
        .iter()
        .find(|(alias, _)| *alias == lower)
        .map_or(lower, |(_, full)| (*full).to_owned())
}

/// Verbs that only show or compute.
const QUIET_VERBS: &[&str] = &[
    "get",
    "test",
    "select",
    "sort",
    "where",
    "format",
    "write",
    "measure",
    "compare",
    "convertto",
    "convertfrom",
    "convert",
    "resolve",
    "split",
    "join",
    "show",
    "read",
    "out",
    "find",
    "group",
    "import",
    "export",
    "wait",
    "receive",
    "trace",
    "debug",
    "confirm",
    "search",
    "use",
];

/// What a cmdlet does. `Err` with the reason when it is a cmdlet that is not known; `None` when it is no cmdlet.
pub(super) fn find(name: &str) -> Option<Result<Does, String>> {
    if let Some((_, does)) = TABLE.iter().find(|(known, _)| *known == name) {
        return Some(Ok(*does));
    }
    let (verb, noun) = name.split_once('-')?;
    if verb.is_empty()
        || noun.is_empty()
        || noun.contains(['.', '/', '\\'])
        || !verb.bytes().all(|byte| byte.is_ascii_alphabetic())
    {
        return None;
    }
    if QUIET_VERBS.contains(&verb) {
        return Some(Ok(Does::Nothing));
    }
    let changes = [
        "remove",
        "clear",
        "stop",
        "disable",
        "uninstall",
        "revoke",
        "reset",
        "set",
        "new",
        "add",
        "enable",
        "install",
        "register",
        "unregister",
        "invoke",
        "start",
        "restart",
        "update",
        "move",
        "copy",
        "rename",
        "grant",
        "block",
        "unblock",
        "publish",
        "send",
        "dismount",
        "mount",
        "restore",
        "backup",
        "save",
        "suspend",
        "resume",
        "repair",
        "initialize",
        "expand",
        "compress",
        "connect",
        "disconnect",
        "enter",
        "exit",
        "push",
        "pop",
        "lock",
        "unlock",
        "switch",
        "sync",
    ];
    if !changes.contains(&verb) {
        return None;
    }
    let destroys = matches!(
        verb,
        "remove" | "clear" | "disable" | "uninstall" | "revoke" | "reset" | "stop"
    );
    if noun.starts_with("ad") {
        return Some(Ok(Does::Name(ActionKind::SystemAccount)));
    }
    if (noun.starts_with("az")
        || noun.starts_with("ec2")
        || noun.starts_with("s3")
        || noun.starts_with("gc")
        || noun.starts_with("mg")
        || noun.starts_with("rds")
        || noun.starts_with("iam")
        || noun.starts_with("ddb")
        || noun.starts_with("cfn")
        || noun.starts_with("vm"))
        && (noun.len() > 2 || noun == "vm")
    {
        return Some(Ok(Does::Name(if destroys {
            ActionKind::CloudDelete
        } else {
            ActionKind::CloudWrite
        })));
    }
    Some(Err(format!("the cmdlet `{name}` is not known")))
}
