//! Files by which builders and package managers say what they run, when the call itself wrote or fetched them.

use super::{Engine, Situation};
use crate::actions::action::Certainty;
use crate::actions::kinds::ActionKind;
use crate::actions::line::Line;
use crate::actions::place;
use crate::actions::word::{Brought, Data, Word};
use crate::json;
use crate::shell::command::Value;

/// Files that tools load by themselves: the tools, the files, and what the files are written in.
const LOADED: [(&[&str], &[&str], &str); 6] = [
    (
        &["pytest", "py.test", "tox", "nox"],
        &["conftest.py", "noxfile.py"],
        "python",
    ),
    (&["pip", "pip3", "pipx", "uv"], &["setup.py"], "python"),
    (&["rake", "bundle"], &["Rakefile", "Gemfile"], "ruby"),
    (
        &[
            "gulp", "grunt", "vite", "vitest", "webpack", "rollup", "jest", "eslint", "next",
            "astro",
        ],
        &[
            "gulpfile.js",
            "Gruntfile.js",
            "vite.config.js",
            "vitest.config.js",
            "webpack.config.js",
            "rollup.config.js",
            "jest.config.js",
            "eslint.config.js",
            ".eslintrc.js",
            "next.config.js",
            "astro.config.mjs",
        ],
        "javascript",
    ),
    (
        &["perl", "prove", "cpan", "cpanm"],
        &["Makefile.PL", "Build.PL"],
        "perl",
    ),
    (&["just"], &["justfile", "Justfile", ".justfile"], "recipes"),
];

impl Engine<'_> {
    /// When the file by which builders and package managers say what they run was brought from the network, if it was.
    pub fn foreign_manifest(&self, here: &Situation) -> Option<Brought> {
        const MANIFESTS: [&str; 26] = [
            "package.json",
            "Makefile",
            "makefile",
            "GNUmakefile",
            "setup.py",
            "pyproject.toml",
            "conftest.py",
            "noxfile.py",
            "tox.ini",
            "Gemfile",
            "Rakefile",
            "build.rs",
            "Cargo.toml",
            "composer.json",
            "build.gradle",
            "build.gradle.kts",
            "settings.gradle",
            "pom.xml",
            "CMakeLists.txt",
            "meson.build",
            "justfile",
            "Justfile",
            "Taskfile.yml",
            "Gruntfile.js",
            "gulpfile.js",
            "Jenkinsfile",
        ];
        if self.files.is_empty() || here.on.is_some() {
            return None;
        }
        let cwd = here.cwd.exact()?;
        let is_manifest = |(path, _): &&(String, Data)| {
            place::below(path, cwd).is_some_and(|rest| MANIFESTS.contains(&rest))
        };
        let manifests = self.files.iter().filter(is_manifest);
        manifests.filter_map(|(_, data)| data.brought()).max()
    }

    /// Runs the scripts of a `package.json` that the call wrote itself: those of an installation, or those it names.
    pub fn written_manifest(&mut self, kind: ActionKind, line: &Line<'_>, here: &Situation) {
        const INSTALLS: [&str; 6] = [
            "preinstall",
            "install",
            "postinstall",
            "prepublish",
            "preprepare",
            "prepare",
        ];
        if self.files.is_empty() || here.on.is_some() {
            return;
        }
        let Some(cwd) = here.cwd.exact().map(|cwd| cwd.trim_end_matches('/')) else {
            return;
        };
        let by = line.words.first().and_then(Word::exact);
        if matches!(by, Some("make" | "gmake")) {
            self.written_makefile(cwd, here);
            return;
        }
        self.written_for_tool(cwd, line, here);
        let path = format!("{cwd}/package.json");
        let text = self.written(&path).and_then(|data| data.text.as_ref());
        let Some(text) = text.and_then(|text| text.value.exact()) else {
            return;
        };
        let Ok(manifest) = json::parse(text.as_bytes()) else {
            return;
        };
        let Some(json::Value::Object(scripts)) = manifest.get("scripts") else {
            return;
        };
        let named = |name: &str| match kind {
            ActionKind::PackageInstall => INSTALLS.contains(&name),
            _ => line.words.iter().any(|word| {
                let bare = |word: &str| name.trim_start_matches("pre") == word || name == word;
                word.exact().is_some_and(bare)
            }),
        };
        let scripts: Vec<String> = scripts
            .iter()
            .filter(|(name, _)| named(name))
            .filter_map(|(_, script)| script.as_str().map(str::to_owned))
            .collect();
        let deeper = Situation {
            depth: here.depth + 1,
            certainty: here.certainty.min(Certainty::Likely),
            ..here.clone()
        };
        for script in scripts {
            if self.afford(script.len(), &deeper) {
                self.shell_text(&script, &here.origin, &deeper);
            }
        }
    }

    /// Reads what the call wrote itself and the tool of the line loads: its settings in code, a module by its name.
    fn written_for_tool(&mut self, cwd: &str, line: &Line<'_>, here: &Situation) {
        const NAMED_IN: usize = 4;
        let words: Vec<&str> = line.words.iter().filter_map(Word::exact).collect();
        let tools = words.get(..NAMED_IN.min(words.len())).unwrap_or_default();
        let mut files: Vec<(String, &str)> = Vec::new();
        for (by, names, language) in LOADED {
            if tools.iter().any(|tool| by.contains(tool)) {
                files.extend(names.iter().map(|name| (format!("{cwd}/{name}"), language)));
            }
        }
        if let Some(at) = words.iter().position(|word| *word == "-m")
            && let Some(module) = words.get(at + 1)
        {
            let module = module.replace('.', "/");
            files.push((format!("{cwd}/{module}.py"), "python"));
            files.push((format!("{cwd}/{module}/__main__.py"), "python"));
        }
        let likely = Situation {
            certainty: here.certainty.min(Certainty::Likely),
            ..here.clone()
        };
        for (path, language) in files {
            let Some(text) = self.written(&path).and_then(|data| data.text.clone()) else {
                continue;
            };
            let word = Word::made(text.value, text.origin);
            if language != "recipes" {
                self.code_word(language, &word, line.entry.name, &likely);
            } else if let Some(text) = word.exact() {
                let code = Word::made(Value::Exact(indented(text)), here.origin.clone());
                self.code_word("shell", &code, line.entry.name, &likely);
            }
        }
    }

    /// Runs the recipes of a makefile that the call wrote itself.
    fn written_makefile(&mut self, cwd: &str, here: &Situation) {
        let text = ["GNUmakefile", "makefile", "Makefile"]
            .into_iter()
            .find_map(|name| self.written(&format!("{cwd}/{name}"))?.text.clone());
        if let Some(text) = text {
            let word = Word::made(text.value, text.origin);
            self.code_word("make", &word, "make", here);
        }
    }
}

/// The lines of a makefile that a shell runs, as one text: those behind a tab, those behind `target: ;`, and what stands
/// in `$(shell ..)`.
pub fn recipes(makefile: &str) -> String {
    let mut text = String::new();
    for line in makefile.lines() {
        for (at, _) in line.match_indices("(shell ") {
            let inner = &line[at + "(shell ".len()..];
            text.push_str(&inner[..closing(inner)].replace("$$", "$"));
            text.push('\n');
        }
        let recipe = line.strip_prefix('\t').or_else(|| {
            let (target, behind) = line.split_once(':')?;
            let recipe = behind.split_once(';')?.1;
            (!target.contains(['=', '"', '#'])).then_some(recipe)
        });
        if let Some(recipe) = recipe {
            let recipe = recipe.trim_start_matches(['@', '-', '+', ' ']);
            text.push_str(&recipe.replace("$$", "$"));
            text.push('\n');
        }
    }
    text
}

/// The lines of a justfile that a shell runs: those that are indented.
pub(super) fn indented(justfile: &str) -> String {
    let mut text = String::new();
    for line in justfile
        .lines()
        .filter(|line| line.starts_with([' ', '\t']))
    {
        text.push_str(line.trim_start().trim_start_matches(['@', '-']));
        text.push('\n');
    }
    text
}

/// Where the parenthesis closes that was opened before a text.
fn closing(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' if depth == 0 => return at,
            ')' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}
