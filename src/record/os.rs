//! Every durable operation of the store, one function each, with its contract. Nothing else here touches the disk.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant, SystemTime};

/// A system call, for tests that make one fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Open,
    Lock,
    Stat,
    Read,
    Write,
    ShortWrite,
    Truncate,
    Sync,
    Link,
}

#[cfg(test)]
impl Call {
    /// Each of them.
    pub(super) const ALL: [Self; 9] = [
        Self::Open,
        Self::Lock,
        Self::Stat,
        Self::Read,
        Self::Write,
        Self::ShortWrite,
        Self::Truncate,
        Self::Sync,
        Self::Link,
    ];
}

/// The fault a test has asked for; compiled to nothing outside tests.
#[cfg(test)]
pub(super) mod fault {
    use std::cell::Cell;
    use std::collections::BTreeMap;
    use std::fs::File;
    use std::io;
    use std::path::Path;
    use std::sync::{Mutex, PoisonError};
    use std::time::SystemTime;

    use super::Call;

    /// Device, inode and birth: an inode may be another file's by now.
    type Key = (u64, u64, Option<SystemTime>);

    fn key(data: &std::fs::Metadata) -> Key {
        let found = super::identity(data);
        (found.device, found.inode, data.created().ok())
    }

    /// How often each file was synced, and how long it was when the last sync began.
    static SYNCED: Mutex<BTreeMap<Key, (usize, u64)>> = Mutex::new(BTreeMap::new());

    thread_local! {
        /// The call that fails, and how many of its kind succeed before.
        static NEXT: Cell<Option<(Call, usize)>> = const { Cell::new(None) };
    }

    pub(in super::super) fn set(call: Option<(Call, usize)>) {
        NEXT.set(call);
    }

    pub(super) fn sync(file: &File) -> io::Result<()> {
        let found = file.metadata()?;
        file.sync_data()?;
        let mut synced = SYNCED.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, len) = synced.entry(key(&found)).or_default();
        *count += 1;
        *len = found.len();
        drop(synced);
        Ok(())
    }

    /// How often a file was synced, and how much of it is on the disk for certain.
    pub(in super::super) fn synced(path: &Path) -> (usize, u64) {
        let found = std::fs::metadata(path).unwrap();
        let synced = SYNCED.lock().unwrap_or_else(PoisonError::into_inner);
        synced.get(&key(&found)).copied().unwrap_or_default()
    }

    /// Whether the fault that was asked for has not come up yet.
    pub(in super::super) fn is_waiting() -> bool {
        NEXT.get().is_some()
    }

    pub(super) fn check(call: Call) -> io::Result<()> {
        match NEXT.get() {
            Some((wanted, 0)) if wanted == call => {
                NEXT.set(None);
                Err(io::Error::from_raw_os_error(5))
            }
            Some((wanted, left)) if wanted == call => {
                NEXT.set(Some((wanted, left - 1)));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(not(test))]
mod fault {
    use std::io;

    #[inline]
    #[expect(clippy::unnecessary_wraps, reason = "tests put an error here")]
    pub(super) const fn check(_call: super::Call) -> io::Result<()> {
        Ok(())
    }

    #[inline]
    pub(super) fn sync(file: &std::fs::File) -> io::Result<()> {
        file.sync_data()
    }
}

/// Which file an open descriptor or a path is, and how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity {
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) len: u64,
    /// When it was changed last, in seconds since 1970; 0 where that is not known.
    pub(super) changed: i64,
}

impl Identity {
    /// Whether both are the same file, whatever was written to it between.
    pub(super) const fn is_file_of(&self, other: &Self) -> bool {
        self.device == other.device && self.inode == other.inode
    }
}

#[cfg(unix)]
fn identity(data: &fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt as _;
    Identity {
        device: data.dev(),
        inode: data.ino(),
        len: data.len(),
        changed: data.mtime(),
    }
}

#[cfg(not(unix))]
fn identity(data: &fs::Metadata) -> Identity {
    Identity {
        device: 0,
        inode: 0,
        len: data.len(),
        changed: 0,
    }
}

/// Says that something in a directory changes, where nothing is created or removed.
pub(super) fn touch_dir(path: &Path) -> io::Result<()> {
    fault::check(Call::Open)?;
    File::open(path)?.set_modified(SystemTime::now())
}

/// Whether so many seconds since 1970 are further back than that. A time to come is not.
pub(super) fn is_older(changed: i64, than: Duration) -> bool {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let age = now.map_or(0, |now| {
        now.as_secs().saturating_sub(changed.unsigned_abs())
    });
    changed > 0 && age > than.as_secs()
}

/// Identity and length of an open file.
pub(super) fn stat(file: &File) -> io::Result<Identity> {
    fault::check(Call::Stat)?;
    file.metadata().map(|data| identity(&data))
}

/// Identity of what the path names now, without following a link; `None` when nothing is there.
pub(super) fn stat_path(path: &Path) -> io::Result<Option<Identity>> {
    fault::check(Call::Stat)?;
    match fs::symlink_metadata(path) {
        Ok(data) => Ok(Some(identity(&data))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options
        .mode(0o600)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Opens a log for reading and for appending at its end, creating it for the owner alone. Never through a link.
pub(super) fn open_log(path: &Path) -> io::Result<File> {
    fault::check(Call::Open)?;
    private(OpenOptions::new().read(true).append(true).create(true)).open(path)
}

/// Opens an existing file for reading. Never through a link.
pub(super) fn open_read(path: &Path) -> io::Result<File> {
    fault::check(Call::Open)?;
    private(OpenOptions::new().read(true)).open(path)
}

/// Creates a directory (and those above it) for the owner alone; one that is there stays as it is.
pub(super) fn make_dir(path: &Path) -> io::Result<()> {
    fault::check(Call::Open)?;
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// Puts `bytes` at `path` whole or not at all; `Ok(false)` when something is there already, which then stays.
///
/// Written beside it, synced, and linked into place: of two processes one wins, and no reader sees half a file.
pub(super) fn create_whole(path: &Path, bytes: &[u8], random: &str) -> io::Result<bool> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{random}.tmp"));
    let beside = Path::new(&name);
    fault::check(Call::Open)?;
    let file = private(OpenOptions::new().write(true).create_new(true)).open(beside)?;
    let done = write_all(&file, bytes)
        .and_then(|()| sync(&file))
        .and_then(|()| {
            fault::check(Call::Link)?;
            match fs::hard_link(beside, path) {
                Ok(()) => Ok(true),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
                Err(error) => Err(error),
            }
        });
    // The name beside is only scaffolding; one that cannot be removed harms nobody and must not hide the result.
    let _ = fs::remove_file(beside);
    done
}

/// Overwrites a file that anybody can do without, creating it and its directory. Not whole at any moment: readers must
/// be able to tell.
pub(super) fn overwrite(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let open = || {
        fault::check(Call::Open)?;
        private(OpenOptions::new().write(true).create(true).truncate(false)).open(path)
    };
    let file = match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(parent) = path.parent() {
                make_dir(parent)?;
            }
            open()?
        }
        other => other?,
    };
    write_all(&file, bytes)?;
    file.set_len(bytes.len() as u64)
}

/// Overwrites a file of that length that is open.
pub(super) fn write_over(file: &File, len: usize, bytes: &[u8]) -> io::Result<()> {
    within_limit(0, bytes.len())?;
    fault::check(Call::Write)?;
    #[cfg(unix)]
    std::os::unix::fs::FileExt::write_all_at(file, bytes, 0)?;
    #[cfg(not(unix))]
    {
        use std::io::{Seek as _, SeekFrom, Write as _};
        let mut file = file;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(bytes)?;
    }
    if bytes.len() < len {
        return truncate(file, bytes.len() as u64);
    }
    Ok(())
}

/// A whole file of at most `limit` bytes, and the file, open, where it may be written to; `None` when there is none, or a
/// longer one. Never through a link.
pub(super) fn read_small(path: &Path, limit: u64) -> io::Result<Option<(Vec<u8>, Option<File>)>> {
    fault::check(Call::Open)?;
    let (file, is_ours) = match private(OpenOptions::new().read(true).write(true)).open(path) {
        Ok(file) => (file, true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(_) => (open_read(path)?, false),
    };
    let mut bytes = Vec::with_capacity(1024);
    fault::check(Call::Read)?;
    io::Read::read_to_end(&mut io::Read::take(&file, limit + 1), &mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then(|| (bytes, is_ours.then_some(file))))
}

/// Puts `bytes` at `path` in place of what is there, whole or not at all.
pub(super) fn replace_whole(path: &Path, bytes: &[u8], random: &str) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{random}.tmp"));
    let beside = Path::new(&name);
    fault::check(Call::Open)?;
    let file = private(OpenOptions::new().write(true).create_new(true)).open(beside)?;
    write_all(&file, bytes)
        .and_then(|()| sync(&file))
        .and_then(|()| rename(beside, path))
        .inspect_err(|_| {
            let _ = fs::remove_file(beside);
        })
}

/// Gives a file another name, in place of what has it.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fault::check(Call::Link)?;
    fs::rename(from, to)
}

/// Removes a file; one that is not there is no error.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    fault::check(Call::Link)?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Creates a file that holds nothing, for the owner alone.
pub(super) fn create_empty(path: &Path) -> io::Result<()> {
    fault::check(Call::Open)?;
    private(OpenOptions::new().write(true).create_new(true))
        .open(path)
        .map(drop)
}

/// Removes an empty directory.
pub(super) fn remove_dir(path: &Path) -> io::Result<()> {
    fs::remove_dir(path)
}

/// What lies in a directory; nothing when it is not there.
pub(super) fn list(path: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    match fs::read_dir(path) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// A file's bytes; `None` when it is not there.
pub(super) fn read_whole(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match open_read(path) {
        Ok(mut file) => {
            let mut bytes = Vec::new();
            fault::check(Call::Read)?;
            io::Read::read_to_end(&mut file, &mut bytes)?;
            Ok(Some(bytes))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Appends a short text to a file of marks, creating it for the owner alone.
pub(super) fn append_mark(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = open_log(path)?;
    let len = stat(&file)?.len;
    within_limit(len, text.len())?;
    fault::check(Call::Write)?;
    io::Write::write_all(&mut file, text)
}

/// How long a lock is tried for without a pause: some times what a process that has just started holds it for.
const SPIN: Duration = Duration::from_millis(2);
/// How long nothing may have been written until whoever holds the lock is likely to wait for a processor: what a writer
/// that runs holds it for.
const STALLED: Duration = Duration::from_micros(40);
/// How often it is tried after that, with ever longer pauses, before a thread waits for it.
const NAPS: u64 = 20;

/// Takes the exclusive lock, waiting at most `patience`. The lock belongs to the open file, not to the process.
///
/// A spin first, for a holder keeps the lock for some hundredths of a millisecond: who gives the processor away for so
/// short a wait gets it back only after all the others that are ready to run. It is given away all the same while the
/// file does not grow: the holder is then one of those that wait for a processor, and each that has just started and
/// spins keeps it waiting. Then some naps. After that a helper thread queues in the kernel, whose queue is fair (polling
/// would let one busy writer starve the others), and gives up with us.
pub(super) fn lock(file: &Arc<File>, patience: Duration) -> io::Result<()> {
    fault::check(Call::Lock)?;
    let begun = Instant::now();
    let deadline = begun + patience;
    let mut grown: Option<Growth> = None;
    let mut naps = 0;
    while naps < NAPS {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let grown = grown.get_or_insert_with(|| Growth::new(file));
        if begun.elapsed() >= SPIN.min(patience) {
            std::thread::sleep(Duration::from_micros(10 + 5 * naps));
            naps += 1;
        } else if grown.has_stalled(file) {
            std::thread::yield_now();
        } else {
            (0..64).for_each(|_| std::hint::spin_loop());
        }
    }
    let (sender, receiver) = mpsc::sync_channel(0);
    let waiting = Arc::clone(file);
    std::thread::Builder::new()
        .name(String::from("armorer-lock"))
        .spawn(move || {
            let result = waiting.lock();
            let locked = result.is_ok();
            // A rendezvous: when nobody takes the result, the lock is nobody's, and is given back.
            if sender.send(result).is_err() && locked {
                let _ = waiting.unlock();
            }
        })?;
    let left = deadline.saturating_duration_since(Instant::now());
    receiver
        .recv_timeout(left)
        .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)))
}

/// When a file was last seen to grow.
struct Growth {
    len: Option<u64>,
    seen: Instant,
}

impl Growth {
    fn new(file: &File) -> Self {
        Self {
            len: file.metadata().ok().map(|data| data.len()),
            seen: Instant::now(),
        }
    }

    /// Whether it has not grown for [`STALLED`].
    fn has_stalled(&mut self, file: &File) -> bool {
        if self.seen.elapsed() < STALLED {
            return false;
        }
        let found = Self::new(file);
        let is_same = found.len == self.len;
        if !is_same {
            *self = found;
        }
        is_same
    }
}

/// Fills `bytes` from that offset; `Ok(false)` when the file ends before.
pub(super) fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<bool> {
    fault::check(Call::Read)?;
    #[cfg(unix)]
    let done = std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset);
    #[cfg(not(unix))]
    let done = {
        use std::io::{Read as _, Seek as _, SeekFrom};
        let mut file = file;
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.read_exact(bytes))
    };
    match done {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Appends `bytes` at `len`, the end of the file, in one write. When that fails or is cut short, the file is cut back
/// to `len` and the append has not happened.
pub(super) fn append(file: &File, len: u64, bytes: &[u8]) -> io::Result<()> {
    let written = within_limit(len, bytes.len()).and_then(|()| {
        fault::check(Call::Write)?;
        let mut target = file;
        let (bytes, cut) = match fault::check(Call::ShortWrite) {
            Ok(()) => (bytes, false),
            Err(_) => (&bytes[..bytes.len() / 2], true),
        };
        let count = loop {
            match io::Write::write(&mut target, bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        if count < bytes.len() || cut {
            return Err(io::Error::from(io::ErrorKind::WriteZero));
        }
        Ok(())
    });
    if written.is_err() {
        // When even this fails, the torn line is found and moved by the next writer.
        let _ = truncate(file, len);
    }
    written
}

/// Asks for the file-size limit first: crossing it raises a signal whose default is to kill the process, and a guard
/// that is killed answers nothing.
#[cfg(unix)]
fn within_limit(len: u64, more: usize) -> io::Result<()> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Fsize).current;
    let wanted = len.saturating_add(more as u64);
    if limit.is_some_and(|limit| wanted > limit) {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    Ok(())
}

#[cfg(not(unix))]
fn within_limit(_len: u64, _more: usize) -> io::Result<()> {
    Ok(())
}

fn write_all(file: &File, bytes: &[u8]) -> io::Result<()> {
    within_limit(0, bytes.len())?;
    fault::check(Call::Write)?;
    let mut target = file;
    io::Write::write_all(&mut target, bytes)
}

/// Cuts the file to `len`.
pub(super) fn truncate(file: &File, len: u64) -> io::Result<()> {
    fault::check(Call::Truncate)?;
    file.set_len(len)
}

/// Returns when the contents are on the disk.
pub(super) fn sync(file: &File) -> io::Result<()> {
    fault::check(Call::Sync)?;
    fault::sync(file)
}

/// Returns when the names in a directory are on the disk, where directories can be synced.
pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        fault::check(Call::Sync)?;
        File::open(path)?.sync_all()?;
    }
    Ok(())
}

/// The user this process acts as.
#[cfg(unix)]
#[expect(
    clippy::unnecessary_wraps,
    reason = "not every system numbers its users"
)]
pub(super) fn user_id() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}

#[cfg(not(unix))]
pub(super) fn user_id() -> Option<u32> {
    None
}

/// Random bytes from the operating system: by its own call, which a static program would otherwise look for among files.
#[cfg(target_os = "linux")]
pub(super) fn random(mut bytes: &mut [u8]) -> io::Result<()> {
    use rustix::rand::{GetRandomFlags, getrandom};
    while !bytes.is_empty() {
        match getrandom(&mut *bytes, GetRandomFlags::empty()) {
            Ok(count) => bytes = bytes.get_mut(count..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn random(bytes: &mut [u8]) -> io::Result<()> {
    getrandom::fill(bytes).map_err(io::Error::other)
}

/// The process that started this one.
#[cfg(unix)]
pub(super) fn parent_id() -> Option<u32> {
    rustix::process::getppid().and_then(|id| u32::try_from(id.as_raw_nonzero().get()).ok())
}

#[cfg(not(unix))]
pub(super) fn parent_id() -> Option<u32> {
    None
}

/// The processes that stand for the agent whose call this process judges, nearest first, each with the time it started:
/// whoever descends from one of them is no other person's terminal. Empty where the system does not tell.
///
/// From this process up, through shells that were only started to start it, to the first that is none; a shell that
/// leads its session is a person's and belongs to no agent.
#[cfg(target_os = "linux")]
pub(super) fn agent_processes() -> Vec<(u32, u64)> {
    const SHELLS: [&str; 9] = [
        "sh", "bash", "dash", "zsh", "fish", "ksh", "ash", "busybox", "env",
    ];
    /// Hooks stand a step or two below their agent.
    const MOST: usize = 8;
    let mut found = Vec::new();
    let mut pid = std::process::id();
    for step in 0..MOST {
        let Some(process) = process(pid) else { break };
        let is_shell = SHELLS.contains(&process.name.as_str());
        if is_shell && process.session == pid {
            break;
        }
        // The front is nobody; a guard inside of another program is that program.
        if step > 0 || process.name != "armorer-guard" {
            found.push((pid, process.started));
            if !is_shell {
                break;
            }
        }
        if process.parent <= 1 {
            break;
        }
        pid = process.parent;
    }
    found
}

#[cfg(not(target_os = "linux"))]
pub(super) fn agent_processes() -> Vec<(u32, u64)> {
    Vec::new()
}

#[cfg(target_os = "linux")]
struct Process {
    name: String,
    parent: u32,
    session: u32,
    /// Ticks since boot.
    started: u64,
}

/// What `/proc/PID/stat` says (proc(5)): `PID (NAME) STATE PARENT GROUP SESSION …`, the start time as 22nd field.
#[cfg(target_os = "linux")]
fn process(pid: u32) -> Option<Process> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (name, rest) = text.split_once('(')?.1.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    Some(Process {
        name: name.to_owned(),
        parent: fields.nth(1)?.parse().ok()?,
        session: fields.nth(1)?.parse().ok()?,
        started: fields.nth(15)?.parse().ok()?,
    })
}

/// Why a directory is not ours to keep records in; `None` when it is.
pub(super) fn objection(path: &Path) -> io::Result<Option<&'static str>> {
    fault::check(Call::Stat)?;
    let data = fs::symlink_metadata(path)?;
    if data.file_type().is_symlink() {
        return Ok(Some("is a symbolic link"));
    }
    if !data.is_dir() {
        return Ok(Some("is not a directory"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        if Some(data.uid()) != user_id() {
            return Ok(Some("belongs to another user"));
        }
        if data.mode() & 0o022 != 0 {
            return Ok(Some("may be written by other users"));
        }
    }
    Ok(None)
}
