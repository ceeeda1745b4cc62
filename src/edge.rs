//! What the core is told of the world around it: environment, directories, user. Read here and nowhere else.

use std::path::PathBuf;

use crate::call::Context;

/// Where the guard keeps store, policy and keys: `ARMORER_GUARD_HOME`, else below the XDG state directory.
#[must_use]
pub fn guard_home() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    set("ARMORER_GUARD_HOME").map(PathBuf::from).or_else(|| {
        set("XDG_STATE_HOME")
            .map(PathBuf::from)
            .or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".local/state")))
            .map(|state| state.join("armorer-guard"))
    })
}

/// The place a call happens in, as far as the environment tells.
#[must_use]
pub fn context(cwd: Option<PathBuf>, workspace: Option<PathBuf>, home: Option<PathBuf>) -> Context {
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    let cwd = cwd.map(text);
    Context {
        workspace: workspace.map(text).or_else(|| cwd.clone()),
        cwd,
        home: std::env::var("HOME").ok().filter(|home| !home.is_empty()),
        user: std::env::var("USER").ok().filter(|user| !user.is_empty()),
        guard_home: home.map(text),
    }
}
