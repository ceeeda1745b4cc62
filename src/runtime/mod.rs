//! Hook contracts of agent runtimes: how a runtime asks, and what it takes for an answer.
//!
//! A contract is data (`rules/runtimes/*.toml`), compiled and held against its own examples by the build script.
//! Nothing here decides, records or prints, and no runtime has a branch of its own.

pub mod build;
mod contract;
mod event;
mod reply;

pub use contract::{Contract, EventContract, Fields, Index, Role};
pub use event::{
    BeginEvent, CallEvent, EventError, HookEvent, OutcomeEvent, Refused, Session, StopEvent,
    TextEvent,
};
pub use reply::{Reply, ReplyTemplate};
