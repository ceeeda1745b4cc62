//! Which decisions must be on the disk before they are answered.

use crate::actions::ActionKind;
use crate::decision::{Decision, Effect};

/// When a record is synced. Every class survives the death of any process; they differ when the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Durability {
    /// Never before answering.
    Fast,
    /// Before answering when the call may do something that cannot be undone, or that leaves this machine.
    #[default]
    Balanced,
    /// Always.
    Strict,
}

impl Durability {
    /// The class that a name means.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "fast" => Some(Self::Fast),
            "balanced" => Some(Self::Balanced),
            "strict" => Some(Self::Strict),
            _ => None,
        }
    }

    /// The class that `ARMORER_GUARD_DURABILITY` names. What it does not know is taken as the strictest: a slip of the
    /// pen must not cost records.
    #[must_use]
    pub fn from_environment() -> Self {
        match std::env::var("ARMORER_GUARD_DURABILITY") {
            Err(std::env::VarError::NotPresent) => Self::default(),
            Ok(name) if name.is_empty() => Self::default(),
            Ok(name) => Self::from_name(&name).unwrap_or(Self::Strict),
            Err(_) => Self::Strict,
        }
    }

    /// Whether this decision is synced before it is answered.
    ///
    /// A denied call does nothing, so nothing irreversible happens that its record would have to outlive.
    #[must_use]
    pub fn wants_sync(self, decision: &Decision) -> bool {
        match self {
            Self::Fast => false,
            Self::Strict => true,
            Self::Balanced => {
                decision.verdict.effect != Effect::Deny
                    && decision
                        .facts
                        .actions
                        .iter()
                        .any(|action| must_outlive_power_loss(action.kind))
            }
        }
    }
}

/// Whether an action cannot be undone, or acts outside this machine.
#[must_use]
pub const fn must_outlive_power_loss(kind: ActionKind) -> bool {
    use ActionKind as Kind;
    match kind {
        Kind::FsDelete
        | Kind::FsDestroy
        | Kind::DiskWrite
        | Kind::NetSend
        | Kind::NetTunnel
        | Kind::ExecRemoteCode
        | Kind::ExecRemoteShell
        | Kind::ExecElsewhere
        | Kind::SystemPower
        | Kind::SystemAccount
        | Kind::SystemLog
        | Kind::PersistAccess
        | Kind::VcsDiscard
        | Kind::VcsPush
        | Kind::VcsRewrite
        | Kind::PackagePublish
        | Kind::DbWrite
        | Kind::DbDelete
        | Kind::DbDrop
        | Kind::DbAlter
        | Kind::CloudWrite
        | Kind::CloudDelete
        | Kind::CloudAccess
        | Kind::CloudDeploy
        | Kind::ContainerDelete
        | Kind::AgentGuard
        | Kind::MessageSend => true,
        Kind::FsRead
        | Kind::FsWrite
        | Kind::FsPermission
        | Kind::CredentialRead
        | Kind::NetFetch
        | Kind::NetListen
        | Kind::NetScan
        | Kind::NetInsecure
        | Kind::ExecLocal
        | Kind::ExecDynamic
        | Kind::ExecPrivileged
        | Kind::ExecHijack
        | Kind::ProcessKill
        | Kind::ProcessExhaust
        | Kind::SystemService
        | Kind::SystemKernel
        | Kind::SystemNetwork
        | Kind::SystemConfig
        | Kind::PersistStartup
        | Kind::PersistSchedule
        | Kind::PersistHook
        | Kind::VcsWrite
        | Kind::VcsConfig
        | Kind::PackageInstall
        | Kind::PackageRemove
        | Kind::DbRead
        | Kind::CloudRead
        | Kind::ContainerRun
        | Kind::ContainerEscape
        | Kind::AgentConfig
        | Kind::AgentBypass
        | Kind::BrowserAct
        | Kind::McpCall
        | Kind::ToolCall
        | Kind::Unknown => false,
    }
}
