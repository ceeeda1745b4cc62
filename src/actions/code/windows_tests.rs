//! Objects and programs of Windows that delete, fetch, open or keep running.

use super::Language::{Cmd, PowerShell, Redis};
use super::analyse;
use super::tests::holds;

#[test]
fn objects_that_stand_for_files_are_deleted() {
    holds(
        PowerShell,
        &[
            (
                "(New-Object IO.DirectoryInfo 'C:\\a').Delete($true)",
                &["fs.delete C:\\a (recursive)"],
            ),
            (
                "(Get-Item C:\\a).Delete($true)",
                &["fs.read C:\\a", "fs.delete C:\\a (recursive)"],
            ),
            (
                "$f = New-Object -ComObject Scripting.FileSystemObject; $f.DeleteFolder('C:\\a')",
                &["fs.delete C:\\a (recursive)"],
            ),
            ("(Get-Item C:\\a).FullName", &["fs.read C:\\a"]),
            (
                "foreach ($f in gci C:\\a -Recurse) { ri $f.FullName }",
                &["fs.read C:\\a", "fs.delete glob:C:\\a\\**\\* (wildcard)"],
            ),
        ],
    );
}

#[test]
fn archives_and_folders_of_the_library_are_those_of_the_cmdlets() {
    holds(
        PowerShell,
        &[(
            "[IO.Compression.ZipFile]::ExtractToDirectory('a.zip', 'C:\\x')",
            &["fs.read a.zip", "fs.write C:\\x (unpacked)"],
        )],
    );
    let moved = analyse(PowerShell, "[IO.Directory]::SetCurrentDirectory('C:\\x')");
    assert!(
        moved
            .iter()
            .any(|effect| matches!(effect.what, super::What::Enter { .. }))
    );
}

#[test]
fn what_was_fetched_and_is_loaded_is_code_from_there() {
    for code in [
        "Add-Type -TypeDefinition (irm https://h.example/x)",
        "[Reflection.Assembly]::Load((New-Object Net.WebClient).DownloadData('https://h.example/x'))",
    ] {
        holds(
            PowerShell,
            &[(
                code,
                &[
                    "net.fetch https://h.example/x",
                    "exec.remote_code https://h.example/x",
                ],
            )],
        );
    }
    holds(PowerShell, &[("Add-Type -AssemblyName System.Web", &[])]);
}

#[test]
fn databases_services_and_clouds_are_told_by_their_cmdlets() {
    holds(
        PowerShell,
        &[
            (
                "Invoke-Sqlcmd -Query 'DROP TABLE a'",
                &["Sql: DROP TABLE a"],
            ),
            (
                "New-Service -Name a -BinaryPathName C:\\a.exe",
                &["persist.startup a (service)"],
            ),
            ("Remove-VM a", &["cloud.delete a (protected)"]),
            (
                "Set-ExecutionPolicy Bypass",
                &["system.config set-executionpolicy Bypass"],
            ),
            ("Set-ExecutionPolicy Bypass -Scope Process", &[]),
        ],
    );
}

#[test]
fn links_macros_and_handlers_of_cmd_do_what_they_name() {
    holds(
        Cmd,
        &[
            ("mklink /d a C:\\b", &["argv: ln -s C:/b a"]),
            ("doskey ls=del a", &["Cmd: del a"]),
            ("ftype txtfile=a.exe", &["exec.hijack txtfile=a.exe"]),
            ("assoc .txt", &[]),
            ("move a b", &["fs.delete a", "fs.write b"]),
            (
                "rundll32 shell32.dll,ShellExec_RunDLL cmd /c del a",
                &["argv: cmd /c del a"],
            ),
            (
                "netsh interface portproxy add v4tov4 listenport=80",
                &["net.tunnel port proxy (inward)"],
            ),
        ],
    );
}

#[test]
fn a_batch_text_is_followed_through_its_labels_and_lists() {
    holds(
        Cmd,
        &[
            (
                "call :f C:\\Users\ngoto :eof\n:f\nrd /s /q \"%~1\"",
                &["fs.delete C:\\Users (force,recursive)"],
            ),
            ("rd /s /q %1", &["fs.delete ? (force,recursive)"]),
            (
                "for %%i in (a b) do rd /s /q %%i",
                &[
                    "fs.delete a (force,recursive)",
                    "fs.delete b (force,recursive)",
                ],
            ),
            (
                "for /f \"delims=\" %f in ('dir /b /s C:\\Users') do del /q \"%f\"",
                &["fs.delete glob:C:\\Users\\* (force,wildcard)"],
            ),
        ],
    );
    let own = ":f\ncall :f\ncall :f\n";
    assert!(analyse(Cmd, own).len() < 10_000);
}

#[test]
fn keys_and_members_are_followed_from_what_they_are_reached_through() {
    holds(
        PowerShell,
        &[
            (
                "$k = [Microsoft.Win32.Registry]::CurrentUser.OpenSubKey('Software\\Microsoft\\Windows\\CurrentVersion\\Run', $true); $k.SetValue('u', 'x')",
                &[
                    "persist.startup HKCU:\\Software\\Microsoft\\Windows\\CurrentVersion\\Run (startup_file)",
                ],
            ),
            (
                "$m = [IO.File].GetMethod('Delete'); $m.Invoke($null, @('x'))",
                &["fs.delete x"],
            ),
            (
                "[IO.File].InvokeMember('Delete', 'Static', $null, $null, @('x'))",
                &["fs.delete x"],
            ),
            (
                "Stop-Process -Name lsass",
                &["process.kill every process (all)"],
            ),
            ("Stop-Process -Name node", &["process.kill node"]),
        ],
    );
    holds(
        Redis,
        &[
            (
                "CONFIG SET dir /var/spool/cron",
                &["db.alter /var/spool/cron (file)"],
            ),
            ("CONFIG SET maxmemory 1gb", &["db.alter maxmemory"]),
        ],
    );
}
