//! The closed set of things a call can do. A leaf: policy, records and the catalogue all speak it.

use serde::{Deserialize, Serialize};

macro_rules! action_kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $verb:literal;)*) => {
        /// What an action does to the world.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum ActionKind {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl ActionKind {
            /// Every kind, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The dotted name used in policies, records and on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The words of "would … TARGET" for people.
            #[must_use]
            pub const fn verb(self) -> &'static str {
                match self { $(Self::$variant => $verb,)* }
            }

            /// The kind with that dotted name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

action_kinds! {
    /// Reads a file or lists a directory.
    FsRead = "fs.read", "read";
    /// Creates a file, or appends to it or overwrites it.
    FsWrite = "fs.write", "write";
    /// Removes files or directories.
    FsDelete = "fs.delete", "delete";
    /// Empties or overwrites existing content without any intent to keep it (`shred`, `truncate`, `mv x /dev/null`).
    FsDestroy = "fs.destroy", "destroy the contents of";
    /// Changes owner, mode, ACL or attributes.
    FsPermission = "fs.permission", "change permissions of";
    /// Writes to a raw disk, a partition table or a volume.
    DiskWrite = "disk.write", "write to the disk";

    /// Reads a credential: key files, stores, environment dumps, metadata endpoints.
    CredentialRead = "credential.read", "read the credential";

    /// Gets something from the network.
    NetFetch = "net.fetch", "fetch from";
    /// Sends data to the network.
    NetSend = "net.send", "send data to";
    /// Opens a listening port.
    NetListen = "net.listen", "listen on";
    /// Probes hosts or ports.
    NetScan = "net.scan", "scan";
    /// Opens a tunnel or proxy.
    NetTunnel = "net.tunnel", "open a tunnel to";
    /// Turns off the protection of a connection (TLS verification, host keys).
    NetInsecure = "net.insecure", "turn off connection security for";

    /// Runs code that lies in the file system: the project's own scripts, tests, builds.
    ExecLocal = "exec.local", "run";
    /// Runs code that was downloaded in the same call.
    ExecRemoteCode = "exec.remote_code", "run code downloaded from";
    /// Runs code that was decoded or computed and could not be read.
    ExecDynamic = "exec.dynamic", "run computed code";
    /// Gives a shell to a remote party.
    ExecRemoteShell = "exec.remote_shell", "give a shell to";
    /// Runs something with more privileges.
    ExecPrivileged = "exec.privileged", "run with raised privileges";
    /// Runs something on another host or in a container; the inner actions carry that place too.
    ExecElsewhere = "exec.elsewhere", "run on";
    /// Makes later programs load foreign code (`LD_PRELOAD`, `PATH` hijack).
    ExecHijack = "exec.hijack", "redirect program execution through";

    /// Ends other processes.
    ProcessKill = "process.kill", "end the process";
    /// Uses up the machine (fork bombs).
    ProcessExhaust = "process.exhaust", "exhaust the machine with";

    /// Shuts down or restarts the machine.
    SystemPower = "system.power", "power off or restart";
    /// Starts, stops or changes services.
    SystemService = "system.service", "change the service";
    /// Changes kernel, modules, boot or mounts.
    SystemKernel = "system.kernel", "change kernel settings";
    /// Changes firewall or network configuration.
    SystemNetwork = "system.network", "change network protection";
    /// Changes accounts, groups or passwords.
    SystemAccount = "system.account", "change the account";
    /// Erases logs or history.
    SystemLog = "system.log", "erase the log";
    /// Changes other system settings.
    SystemConfig = "system.config", "change the system setting";

    /// Makes something run at login or start-up.
    PersistStartup = "persist.startup", "make something start automatically through";
    /// Makes something run on a schedule.
    PersistSchedule = "persist.schedule", "schedule";
    /// Installs a hook that other tools run (git hooks, CI files, `.envrc`).
    PersistHook = "persist.hook", "install the hook";
    /// Grants lasting access (authorized_keys, sudoers, PAM).
    PersistAccess = "persist.access", "grant lasting access through";

    /// Records work in version control.
    VcsWrite = "vcs.write", "record changes in";
    /// Throws away uncommitted or unreferenced work.
    VcsDiscard = "vcs.discard", "throw away work in";
    /// Sends commits to a remote.
    VcsPush = "vcs.push", "push to";
    /// Rewrites or removes history that others may have.
    VcsRewrite = "vcs.rewrite", "rewrite history of";
    /// Changes version-control configuration.
    VcsConfig = "vcs.config", "change version-control settings";

    /// Installs packages.
    PackageInstall = "package.install", "install";
    /// Removes packages.
    PackageRemove = "package.remove", "remove the package";
    /// Publishes packages or images.
    PackagePublish = "package.publish", "publish";

    /// Reads from a database.
    DbRead = "db.read", "read from the database";
    /// Changes rows.
    DbWrite = "db.write", "change rows in";
    /// Removes rows.
    DbDelete = "db.delete", "delete rows from";
    /// Drops or truncates tables, databases, users.
    DbDrop = "db.drop", "drop";
    /// Changes schema or rights.
    DbAlter = "db.alter", "alter";

    /// Reads state of a cloud, cluster or platform.
    CloudRead = "cloud.read", "read cloud state of";
    /// Creates or changes resources.
    CloudWrite = "cloud.write", "change the cloud resource";
    /// Removes resources.
    CloudDelete = "cloud.delete", "delete the cloud resource";
    /// Changes who may do what.
    CloudAccess = "cloud.access", "change cloud access of";
    /// Releases something to users.
    CloudDeploy = "cloud.deploy", "deploy";

    /// Starts, builds or changes containers or images on this host.
    ContainerRun = "container.run", "run the container";
    /// Removes containers, images or volumes.
    ContainerDelete = "container.delete", "delete the container resource";
    /// Gives a container the host (privileged, host mounts, host namespaces).
    ContainerEscape = "container.escape", "give a container control of the host through";

    /// Changes the agent's own settings, memory, MCP servers or hooks.
    AgentConfig = "agent.config", "change the agent's own configuration";
    /// Weakens or removes the guard.
    AgentGuard = "agent.guard", "weaken the guard through";
    /// Skips a project's own checks (`--no-verify`).
    AgentBypass = "agent.bypass", "skip checks through";

    /// Sends a message to people.
    MessageSend = "message.send", "send a message through";
    /// Acts in a browser.
    BrowserAct = "browser.act", "act in the browser on";
    /// Calls a tool of an MCP server whose effect is not known better.
    McpCall = "mcp.call", "call the MCP tool";
    /// Calls a tool whose effect is not known better.
    ToolCall = "tool.call", "call the tool";

    /// Something that could not be understood; `reason` says why.
    Unknown = "unknown", "do something that could not be determined:";
}

impl ActionKind {
    /// A bit for sets of kinds.
    #[must_use]
    pub const fn bit(self) -> u128 {
        1 << (self as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name_and_has_a_bit() {
        for kind in ActionKind::ALL {
            assert_eq!(ActionKind::from_name(kind.as_str()), Some(*kind));
        }
        assert!(ActionKind::ALL.len() <= 128);
    }
}
