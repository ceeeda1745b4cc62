//! Functions, methods and classes that a text defines: what they do with what their calls give them.

use super::Language::{
    self, C, Go, Java, JavaScript, Julia, Lua, Perl, Php, PowerShell, Python, R, Ruby, Rust,
};
use super::tests::holds;
use super::{What, analyse};
use crate::actions::kinds::ActionKind;

/// All of these delete `/srv/x`, and nothing else is said of them.
fn deletes(language: Language, texts: &[&str]) {
    for text in texts {
        let effects = analyse(language, text);
        let said: Vec<String> = effects
            .iter()
            .map(|effect| format!("{:?}", effect.what))
            .collect();
        let deletes = |said: &String| {
            said.contains("FsDelete") || said.contains("Shell") || said.contains("Argv")
        };
        assert!(
            said.iter()
                .any(|said| deletes(said) && said.contains("/srv/x")),
            "{language:?}: {text}: {said:?}"
        );
        assert!(
            !said
                .iter()
                .any(|said| said.contains("RunTimeValue") || said.contains("Expansion")),
            "{language:?}: {text}: {said:?}"
        );
    }
}

#[test]
fn a_parameter_is_what_the_call_gives() {
    deletes(
        Python,
        &[
            "import os\ndef f(p): os.remove(p)\nf('/srv/x')",
            "import os\ndef f(p, *, n=1):\n  os.remove(p)\nf(n=2, p='/srv/x')",
            "import os\ndef f(p='/srv/x'):\n  os.remove(p)\nf()",
            "import os\ndef g(q):\n  os.remove(q)\ndef f(p):\n  g(p + '/x')\nf('/srv')",
            "import os\ndef main():\n  f('/srv/x')\ndef f(p):\n  os.remove(p)\nmain()",
            "import os\nf = lambda p: os.remove(p)\nf('/srv/x')",
            "import os; (lambda p: os.remove(p))('/srv/x')",
            "import os\ndef where():\n  return '/srv/x'\nos.remove(where())",
            "import os\ndef each():\n  yield '/srv/x'\nfor p in each(): os.remove(p)",
            "import os\ndef twice(f): f('/srv/x')\ndef g(p): os.remove(p)\ntwice(g)",
            "import os\ndef deco(f): f('/srv/x')\n@deco\ndef g(p):\n  os.remove(p)",
            "import os\ndef make(p):\n  def inner(): os.remove(p)\n  return inner\nmake('/srv/x')()",
            "import threading, os\ndef g(p): os.remove(p)\nthreading.Thread(target=g, args=('/srv/x',)).start()",
            "import os\ndef g(p): os.remove(p)\nlist(map(g, ['/srv/x']))",
        ],
    );
    deletes(
        JavaScript,
        &[
            "const fs = require('fs'); function f(p) { fs.unlinkSync(p) } f('/srv/x')",
            "f('/srv/x'); function f(p) { require('fs').unlinkSync(p) }",
            "const f = p => require('fs').unlinkSync(p); f('/srv/x')",
            "const f = (a, p = '/srv/x') => { require('fs').unlinkSync(p) }; f(1)",
            "const f = ({path}) => require('fs').unlinkSync(path); f({path: '/srv/x'})",
            "const f = p => require('fs').unlinkSync(p); ['/srv/x'].forEach(f)",
            "const o = {f(p) { require('fs').unlinkSync(p) }}; o.f('/srv/x')",
            "function f(p) { require('fs').unlinkSync(p) } f.call(null, '/srv/x')",
            "(function (p) { require('fs').unlinkSync(p) })('/srv/x')",
        ],
    );
    deletes(
        Perl,
        &[
            "sub f { my ($p) = @_; unlink $p } f('/srv/x')",
            "sub f { unlink shift } f('/srv/x');",
            "sub f { unlink $_[0] } f('/srv/x');",
            "my $f = sub { unlink $_[0] }; $f->('/srv/x');",
            "my %d = (f => sub { unlink $_[0] }); $d{f}->('/srv/x');",
            "f('/srv/x'); sub f { my $p = shift; unlink $p }",
        ],
    );
    deletes(
        Ruby,
        &[
            "def f(p); File.delete(p); end; f('/srv/x')",
            "def f(p)\n  File.delete(p)\nend\nf '/srv/x'",
            "f = ->(p) { File.delete(p) }; f.('/srv/x')",
            "f = lambda { |p| File.delete(p) }; f.call('/srv/x')",
            "def f = '/srv/x'\nFile.delete(f())",
        ],
    );
    deletes(
        Php,
        &[
            "function f($p) { unlink($p); } f('/srv/x');",
            "$f = fn($p) => unlink($p); $f('/srv/x');",
            "$f = function ($p) { unlink($p); }; call_user_func($f, '/srv/x');",
            "function f($p) { unlink($p); } call_user_func('f', '/srv/x');",
            "array_map(function ($p) { unlink($p); }, ['/srv/x']);",
        ],
    );
    deletes(Lua, &["local function f(p) os.remove(p) end f('/srv/x')"]);
    deletes(R, &["f <- function(p) unlink(p)\nf('/srv/x')"]);
    deletes(
        Julia,
        &[
            "f(p) = rm(p)\nf(\"/srv/x\")",
            "function f(p)\n rm(p)\nend\nf(\"/srv/x\")",
            "f = p -> rm(p)\nf(\"/srv/x\")",
        ],
    );
}

#[test]
fn an_object_has_what_its_class_was_given() {
    deletes(
        Python,
        &[
            "import os\nclass C:\n  def __init__(self, p):\n    self.p = p\n  def go(self):\n    os.remove(self.p)\nC('/srv/x').go()",
            "import os\nclass C:\n  p = '/srv/x'\n  def go(self):\n    os.remove(self.p)\nc = C()\nc.go()",
            "import os\nfrom dataclasses import dataclass\n@dataclass\nclass C:\n  p: str\n  def go(self):\n    os.remove(self.p)\nC('/srv/x').go()",
            "import os\nclass A:\n  def go(self, p): os.remove(p)\nclass B(A):\n  pass\nB().go('/srv/x')",
        ],
    );
    deletes(
        JavaScript,
        &[
            "class C { constructor(p) { this.p = p } go() { require('fs').unlinkSync(this.p) } } new C('/srv/x').go()",
            "class C { static go(p) { require('fs').unlinkSync(p) } } C.go('/srv/x')",
        ],
    );
    deletes(
        Php,
        &[
            "class C { public $p; function __construct($p) { $this->p = $p; } function go() { unlink($this->p); } } (new C('/srv/x'))->go();",
            "class C { function __construct(private $p) {} function __destruct() { unlink($this->p); } } new C('/srv/x');",
        ],
    );
    deletes(
        Ruby,
        &[
            "class C\n  def initialize(p)\n    @p = p\n  end\n  def go\n    File.delete(@p)\n  end\nend\nC.new('/srv/x').go",
            "module M\n  def self.go(p)\n    File.delete(p)\n  end\nend\nM.go('/srv/x')",
        ],
    );
    deletes(
        Perl,
        &[
            "package C; sub new { my ($c, $p) = @_; bless {p => $p}, $c } sub go { my $s = shift; unlink $s->{p} } package main; C->new('/srv/x')->go;",
        ],
    );
}

#[test]
fn a_script_of_powershell_is_followed_too() {
    deletes(
        PowerShell,
        &[
            "function F($p) { Remove-Item $p }\nF /srv/x",
            "function F { param([string]$Path, [switch]$Force) Remove-Item $Path }\nF -Path /srv/x -Force",
            "function F { param([string]$Path = '/srv/x', [switch]$Go) Remove-Item $Path }\nF",
            "function F { Remove-Item $args[0] }\nF /srv/x",
            "function G($p) { Remove-Item $p }\nfunction F($p) { G $p }\nF /srv/x",
            "function F { '/srv/x' }\nRemove-Item (F)",
            "filter F { Remove-Item $_ }\n'/srv/x' | F",
            "$b = { param($p) Remove-Item $p }; & $b /srv/x",
            "$b = { param($p) Remove-Item $p }; $b.Invoke('/srv/x')",
            "& { param($p) Remove-Item $p } /srv/x",
            "$b = { Remove-Item $_ }; '/srv/x' | % $b",
            "Invoke-Command -ScriptBlock { param($p) Remove-Item $p } -ArgumentList '/srv/x'",
            "$h = @{ Path = '/srv/x'; Force = $true }; Remove-Item @h",
            "class C { [string]$P; C([string]$p) { $this.P = $p }; [void] Go() { Remove-Item $this.P } }\n[C]::new('/srv/x').Go()",
            "class C { static [void] Go([string]$p) { Remove-Item $p } }\n[C]::Go('/srv/x')",
        ],
    );
    holds(
        PowerShell,
        &[
            ("function F($p) { Remove-Item $p }", &["? fs.delete ?"]),
            (
                "function F($p) { Remove-Item $p }\nF a\nG -With F",
                &["fs.delete ?", "fs.delete a", "argv: G -With F"],
            ),
        ],
    );
    let mut chain = String::from("function F0($p) { Remove-Item $p }\n");
    for level in 1..40 {
        let below = level - 1;
        let calls = format!("F{below} $p; ").repeat(8);
        chain.push_str(&format!("function F{level}($p) {{ {calls} }}\n"));
    }
    chain.push_str("F39 /srv/x\n");
    let effects = analyse(PowerShell, &chain);
    assert!(
        effects
            .iter()
            .any(|effect| format!("{:?}", effect.what).contains("FsDelete"))
    );
}

#[test]
fn a_function_that_cannot_be_followed_is_said_as_it_stands() {
    holds(
        Python,
        &[
            // Nobody calls it here.
            ("import os\ndef f(p):\n  os.remove(p)\n", &["? fs.delete ?"]),
            // One use is no call.
            (
                "import os\ndef f(p):\n  os.remove(p)\nf('a')\nregister(x=f)",
                &["fs.delete ?", "fs.delete a"],
            ),
            (
                "import os, sys\ndef f(p):\n  os.remove(p)\nf(sys.argv[1])",
                &["fs.delete ?"],
            ),
        ],
    );
}

#[test]
fn a_source_that_is_compiled_is_followed_too() {
    deletes(
        Go,
        &[
            "func f(p string) error { return os.RemoveAll(p) }\nfunc main() { f(\"/srv/x\") }",
            "func g(q string) { os.RemoveAll(q) }\nfunc f(p string) { g(p) }\nfunc main() { f(\"/srv/x\") }",
        ],
    );
    deletes(
        Rust,
        &[
            "fn f(p: &str) -> u8 { fs::remove_dir_all(p).unwrap(); 1 }\nfn main() { f(\"/srv/x\"); }",
        ],
    );
    deletes(
        C,
        &["static void f(const char *p) { unlink(p); }\nint main(void) { f(\"/srv/x\"); }"],
    );
    deletes(
        Java,
        &[
            "class T { static void f(String p) { new File(p).delete(); } void main() { f(\"/srv/x\"); } }",
            "new File(\"/srv/x\").deleteDir()",
            "class T { void f(Path p) { Files.walk(p).forEach(x -> x.toFile().delete()); } void main() { f(Path.of(\"/srv/x\")); } }",
        ],
    );
    holds(
        Go,
        &[(
            "func f(p string) { os.RemoveAll(p) }\nfunc main() { f(\"a\"); f(os.Args[1]) }",
            &["fs.delete ? (recursive)", "fs.delete a (recursive)"],
        )],
    );
    holds(
        C,
        &[
            (
                "int main() { int f = open(\"/srv/x\", O_WRONLY); }",
                &["fs.write /srv/x"],
            ),
            (
                "int main() { int f = open(\"/srv/x\", O_RDONLY); }",
                &["fs.read /srv/x"],
            ),
        ],
    );
    let mut chain = String::from("func f0(p string) { os.Remove(p) }\n");
    for level in 1..200 {
        let calls = format!("f{}(p); ", level - 1).repeat(8);
        chain.push_str(&format!("func f{level}(p string) {{ {calls} }}\n"));
    }
    chain.push_str("func main() { f199(\"/srv/x\") }");
    assert!(analyse(Go, &chain).len() < 100_000);
}

#[test]
fn functions_that_call_each_other_end() {
    let mut chain = String::from("import os\ndef f0(p): os.remove(p)\n");
    for level in 1..40 {
        let below = level - 1;
        chain.push_str(&format!("def f{level}(p):\n"));
        for _ in 0..8 {
            chain.push_str(&format!("  f{below}(p)\n"));
        }
    }
    chain.push_str("f39('/srv/x')\n");
    let effects = analyse(Python, &chain);
    // What was not followed is still there, as it stands.
    assert!(
        effects
            .iter()
            .any(|effect| format!("{:?}", effect.what).contains("FsDelete"))
    );
    let own = analyse(
        Python,
        "import os\ndef f(p):\n  os.remove(p)\n  f(p + 'x')\n  f(p)\nf('/srv/')",
    );
    assert!(own.len() > 2 && own.len() < 64, "{}", own.len());
    let ruby =
        "def a(x)\n b(x)\n b(x)\nend\ndef b(x)\n a(x)\n a(x)\n File.delete(x)\nend\na('/srv/x')\n";
    assert!(!analyse(Ruby, ruby).is_empty());
}

/// What reaches a function in a way that nobody follows may give it anything.
#[test]
fn a_function_that_something_else_can_reach_is_not_forgotten() {
    for (language, text) in [
        (
            Python,
            "import os\nd = {'r': lambda p: os.remove(p)}\nd['r']('a')\nfor k in d: d[k]('/srv/x')",
        ),
        (
            Python,
            "import os\nf = [lambda p: os.remove(p)]\nf[0]('a')\nlist(map(f[int(input())], ['/srv/x']))",
        ),
        (
            Python,
            "import os\nf = lambda p: os.remove(p)\nf('a')\nglobals()['f']('/srv/x')",
        ),
        (
            Python,
            "import os\nclass A:\n  def m(self, p): os.remove(p)\nA().m('a')\ngetattr(A(), input())('/srv/x')",
        ),
        (
            Python,
            "import os\nclass A:\n  def m(self, p): os.remove(p)\nA().m('a')\nlist(map(getattr(A(), input()), ['/srv/x']))",
        ),
        (
            JavaScript,
            "const fs = require('fs'); const o = {d: p => fs.unlinkSync(p)}; o.d('a'); Object.values(o).forEach(f => f('/srv/x'))",
        ),
        (
            JavaScript,
            "const fs = require('fs'); const o = {d: p => fs.unlinkSync(p)}; o.d('a'); for (const k in o) o[k]('/srv/x')",
        ),
        (
            Perl,
            "my %h = (d => sub { unlink $_[0] }); $h{d}->('a'); $_->('/srv/x') for values %h;",
        ),
        (
            Ruby,
            "h = {d: ->(p) { File.unlink(p) }}\nh[:d].call('a')\nh.each_value { |f| f.call('/srv/x') }",
        ),
    ] {
        let unknown = analyse(language, text).iter().any(|effect| {
            matches!(
                &effect.what,
                What::Act { kind: ActionKind::FsDelete, target: Some(target), .. }
                    if target.exact().is_none() || target.exact() == Some("/srv/x")
            )
        });
        assert!(unknown, "{language:?}: {text}");
    }
}
