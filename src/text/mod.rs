//! Views of a text: what it says once decoded or folded, with every byte mapped back to the original.
//!
//! A view is bounded by what it is made from. Nothing here judges.

pub mod escape;
pub mod fold;
pub mod run;
pub mod view;

pub use view::View;
