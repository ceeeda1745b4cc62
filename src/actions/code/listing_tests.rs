//! Folders that code walks, links that it makes, archives that it unpacks, and what it takes along by name.

use super::Language::{self, JavaScript, Perl, Php, Python, Ruby};
use super::analyse;
use super::tests::holds;

#[test]
fn what_is_found_in_a_folder_lies_in_it() {
    holds(
        Python,
        &[
            (
                "import os\nfor d, ds, fs in os.walk('/srv'):\n  for f in fs: os.remove(os.path.join(d, f))",
                &["fs.read /srv", "fs.delete glob:/srv/*/* (wildcard)"],
            ),
            (
                "import os; [os.remove(d + '/' + f) for d, _, fs in os.walk('a') for f in fs]",
                &["fs.delete glob:a/*/* (wildcard)"],
            ),
            (
                "import os\nfor e in os.scandir('/srv'): os.unlink(e.path)",
                &["fs.read /srv", "fs.delete glob:/srv/* (wildcard)"],
            ),
            (
                "import os\nfor d, ds, fs in os.walk('a'): print(d)",
                &["fs.read a"],
            ),
        ],
    );
    holds(
        Perl,
        &[
            (
                "use File::Find; finddepth(sub { unlink $_ }, '/srv')",
                &["fs.delete glob:/srv/* (wildcard)"],
            ),
            (
                "use File::Find; find({wanted => sub { unlink $File::Find::name }}, '/srv')",
                &["fs.delete glob:/srv/* (wildcard)"],
            ),
            (
                "use File::Find; find sub { unlink }, 'a'",
                &["fs.delete glob:a/* (wildcard)"],
            ),
            ("use File::Find; find(sub { print }, '/srv')", &[]),
        ],
    );
    holds(
        Ruby,
        &[
            (
                "Dir['/srv/*'].each { |f| File.delete(f) }",
                &["fs.delete glob:/srv/* (wildcard)"],
            ),
            (
                "require 'find'; Find.find('/srv') { |f| File.delete(f) }",
                &["fs.read /srv", "fs.delete glob:/srv/* (wildcard)"],
            ),
            (
                "require 'pathname'; Pathname.new('/srv').children.each(&:delete)",
                &["fs.delete glob:/srv/* (wildcard)"],
            ),
            ("Dir['*.rb'].each { |f| puts f }", &[]),
        ],
    );
    holds(
        Php,
        &[
            (
                "foreach (new RecursiveIteratorIterator(new RecursiveDirectoryIterator('/srv')) as $f) unlink($f->getPathname());",
                &["fs.delete glob:/srv/* (wildcard)"],
            ),
            ("foreach (new DirectoryIterator('a') as $f) echo $f;", &[]),
        ],
    );
}

#[test]
fn a_link_is_made_as_ln_makes_it() {
    for (language, code) in [
        (Python, "import os; os.symlink('/srv', 'a')"),
        (
            Python,
            "from pathlib import Path; Path('a').symlink_to('/srv')",
        ),
        (JavaScript, "require('fs').symlinkSync('/srv', 'a')"),
        (Perl, "symlink '/srv', 'a'"),
        (Ruby, "File.symlink('/srv', 'a')"),
        (Php, "symlink('/srv', 'a');"),
    ] {
        holds(language, &[(code, &["argv: ln -s /srv a"])]);
    }
    holds(Python, &[("import os; os.readlink('a')", &[])]);
}

#[test]
fn an_archive_is_unpacked_below_a_folder() {
    holds(
        Python,
        &[
            (
                "import tarfile; tarfile.open('a.tar').extractall('/srv')",
                &["fs.read a.tar", "fs.write /srv/… (unpacked)"],
            ),
            (
                "import zipfile; zipfile.ZipFile('a.zip').extractall(path='b')",
                &["fs.read a.zip", "fs.write b/… (unpacked)"],
            ),
            (
                "import tarfile; tarfile.open('a.tar').getnames()",
                &["fs.read a.tar"],
            ),
        ],
    );
}

#[test]
fn programs_are_called_like_functions() {
    holds(
        Python,
        &[
            ("import sh; sh.rm('-r', 'a')", &["argv: rm -r a"]),
            ("from sh import rm; rm('a')", &["argv: rm a"]),
            ("from plumbum.cmd import rm; rm('a')", &["argv: rm a"]),
            ("import shelve; shelve.open('a')", &[]),
        ],
    );
}

#[test]
fn a_client_takes_a_file_along_by_its_name() {
    holds(
        Python,
        &[
            (
                "import paramiko; s = paramiko.SSHClient(); s.connect('h.example'); s.open_sftp().put('a', 'b')",
                &[
                    "net.fetch h.example",
                    "fs.read a",
                    "net.send h.example (local_data)",
                ],
            ),
            (
                "import boto3; boto3.client('s3').upload_file('a', 'bucket', 'k')",
                &[
                    "fs.read a",
                    "net.send (local_data)",
                    "cloud.write upload_file a",
                ],
            ),
        ],
    );
    holds(
        Perl,
        &[(
            "use Net::FTP; $f = Net::FTP->new('h.example'); $f->put('a')",
            &[
                "net.fetch h.example",
                "fs.read a",
                "net.send h.example (local_data)",
            ],
        )],
    );
    holds(
        Php,
        &[(
            "$c = curl_init('https://h.example'); curl_setopt($c, CURLOPT_POSTFIELDS, file_get_contents('a'));",
            &[
                "net.fetch https://h.example",
                "fs.read a",
                "net.send https://h.example (local_data)",
            ],
        )],
    );
}

#[test]
fn copies_that_chain_each_other_use_the_machine_up() {
    let exhausts = |language: Language, code: &str| {
        super::analyse(language, code).iter().any(|effect| {
            matches!(&effect.what, super::What::Act { kind, .. } if kind.as_str() == "process.exhaust")
        })
    };
    assert!(exhausts(Perl, "fork while fork"));
    assert!(exhausts(Perl, "fork() for 1..1e9"));
    assert!(exhausts(Python, "import os\nwhile os.fork() >= 0: pass"));
    assert!(exhausts(
        Python,
        "import multiprocessing as m\ndef f():\n  while 1: m.Process(target=f).start()\nf()"
    ));
    assert!(!exhausts(Perl, "my $pid = fork; exit if $pid"));
    assert!(!exhausts(Python, "import os; print(os.fork())"));
}

#[test]
fn what_was_fetched_is_written_where_it_was_opened() {
    holds(
        Python,
        &[
            (
                "import urllib.request as r; open('a', 'wb').write(r.urlopen('https://h.example/x').read())",
                &[
                    "fs.write a (truncate)",
                    "net.fetch https://h.example/x",
                    // Once more, with the file that it comes to lie in.
                    "net.fetch https://h.example/x",
                    "fs.write a (append)",
                ],
            ),
            ("open('a', 'w').write('x')", &["fs.write a (truncate)"]),
        ],
    );
}

#[test]
fn a_function_that_others_call_does_what_it_does() {
    holds(
        Python,
        &[
            (
                "import threading, os; threading.Thread(target=os.system, args=('rm a',)).start()",
                &["sh: rm a"],
            ),
            (
                "import atexit, os; atexit.register(os.remove, 'a')",
                &["fs.delete a"],
            ),
            (
                "import threading, os; threading.Timer(1, os.remove, ['a']).start()",
                &["fs.delete a"],
            ),
            (
                "import subprocess; pool.submit(subprocess.run, ['rm', 'a'])",
                &["argv: rm a"],
            ),
            (
                "import os; loop.run_in_executor(None, os.kill, 1, 9)",
                &["process.kill 1"],
            ),
            ("import os; print(os.remove); sorted(x, key=os.remove)", &[]),
        ],
    );
    holds(
        JavaScript,
        &[
            (
                "setTimeout(require('fs').unlinkSync, 100, 'a')",
                &["fs.delete a"],
            ),
            (
                "require('child_process').execSync.call(null, 'rm a')",
                &["sh: rm a"],
            ),
            (
                "require('child_process').execSync.apply(null, ['rm a'])",
                &["sh: rm a"],
            ),
            (
                "require('child_process').execSync.bind(null, 'rm a')()",
                &["sh: rm a"],
            ),
            (
                "const f = require('fs').unlinkSync.bind(null); f('a')",
                &["fs.delete a"],
            ),
            ("['a'].forEach(require('fs').unlinkSync)", &["fs.delete a"]),
        ],
    );
}

#[test]
fn what_is_read_again_inside_of_itself_ends_and_is_never_taken_for_nothing() {
    let nested = |open: &str, core: &str, close: &str, depth: usize| {
        format!("{}{core}{}", open.repeat(depth), close.repeat(depth))
    };
    for depth in [1, 3, 8, 18, 40, 400] {
        for (language, text) in [
            (
                Python,
                format!(
                    "import os; {}",
                    nested("[", "os.remove(a)", " for a in b for c in d]", depth)
                ),
            ),
            (
                Python,
                format!(
                    "import os; {}",
                    nested("[", "os.remove(a)", " for a in ['x', 'y']]", depth)
                ),
            ),
            (Perl, nested("find(sub{unlink},", "'/srv'", ")", depth)),
        ] {
            assert!(
                !analyse(language, &text).is_empty(),
                "{language:?}, {depth} deep"
            );
        }
    }
}
