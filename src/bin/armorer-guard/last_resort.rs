//! The answer that is given when the guard cannot: too slow, out of stack, out of memory.
//!
//! Hosts run the tool when a hook dies or does not answer in time, so both must end in a denial. A store whose lock
//! is held by a stopped process, or a stack that overflows, stops the one thread there is; what still runs then is a
//! signal handler. A watchdog thread would do for the first case, at twenty times the cost per call, and not for the
//! second.
#![expect(
    unsafe_code,
    reason = "signal handlers cannot be installed without; each block gives its argument"
)]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use armorer_guard_core::runtime::Reply;

static REPLIES: OnceLock<Replies> = OnceLock::new();
/// What is answered, by what went wrong.
pub(crate) struct Replies {
    /// The time was up.
    pub(crate) late: Reply,
    /// There was no stack or no memory left.
    pub(crate) fault: Reply,
}

static ANSWERED: AtomicBool = AtomicBool::new(false);

/// Makes a file-size limit an error of `write`, as a full disk is, instead of death, and a closed pipe too; makes sure
/// that a stack that overflows is told.
#[cfg(unix)]
pub(crate) fn prepare() {
    open_standard_streams();
    // SAFETY: ignoring a signal installs no code and is valid at any time.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
    }
    watch_stack();
}

#[cfg(not(unix))]
pub(crate) fn prepare() {}

/// What was closed would be given to the next file that is opened, and an answer be written into a record.
#[cfg(unix)]
fn open_standard_streams() {
    let mut streams = [0, 1, 2].map(|fd| libc::pollfd {
        fd,
        events: 0,
        revents: 0,
    });
    // SAFETY: the structures are ours, and `poll` fills as many as it is told.
    let asked = unsafe { libc::poll(streams.as_mut_ptr(), 3, 0) };
    let closed = |stream: &&libc::pollfd| asked < 0 || stream.revents & libc::POLLNVAL != 0;
    for stream in streams.iter().filter(closed) {
        // SAFETY: the name is a literal that ends in zero. The lowest free number is taken, which is this stream's.
        let opened = unsafe {
            let is_open = libc::fcntl(stream.fd, libc::F_GETFD) != -1;
            if is_open {
                stream.fd
            } else {
                libc::open(c"/dev/null".as_ptr(), libc::O_RDWR)
            }
        };
        if opened != stream.fd {
            std::process::abort();
        }
    }
}

/// Where the handler runs when the stack is used up. Nothing of it is touched before.
#[cfg(unix)]
struct Spare(std::cell::UnsafeCell<[u8; 64 * 1024]>);

// SAFETY: only the kernel uses it, for the one thread that it was given for.
#[cfg(unix)]
unsafe impl Sync for Spare {}

#[cfg(unix)]
static SPARE: Spare = Spare(std::cell::UnsafeCell::new([0; 64 * 1024]));

/// Gives the answer, or at least a reason, when the stack is used up or a mapped file became shorter.
#[cfg(unix)]
fn watch_stack() {
    let handler: extern "C" fn(libc::c_int) = answer_and_exit;
    // SAFETY: the handler does only what POSIX allows in one, its stack lives as long as the process, and the structures
    // are plain data that the calls read before they return.
    unsafe {
        let spare = libc::stack_t {
            ss_sp: SPARE.0.get().cast(),
            ss_flags: 0,
            ss_size: size_of::<Spare>(),
        };
        libc::sigaltstack(&raw const spare, std::ptr::null_mut());
        let mut action = std::mem::zeroed::<libc::sigaction>();
        action.sa_sigaction = handler as libc::sighandler_t;
        action.sa_flags = libc::SA_ONSTACK;
        for signal in [libc::SIGSEGV, libc::SIGBUS] {
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        }
    }
}

/// From here on a reply is given when the process aborts, or has not answered within `deadline`.
#[cfg(unix)]
pub(crate) fn arm(replies: Replies, deadline: Duration) {
    if REPLIES.set(replies).is_err() {
        return;
    }
    let handler: extern "C" fn(libc::c_int) = answer_and_exit;
    let timer = libc::itimerval {
        it_interval: libc::timeval {
            tv_sec: 0,
            tv_usec: 0,
        },
        it_value: libc::timeval {
            tv_sec: deadline.as_secs().try_into().unwrap_or(libc::time_t::MAX),
            // Below a million, so it fits whatever the type is; zero would switch the timer off.
            tv_usec: deadline.subsec_micros().max(1) as libc::suseconds_t,
        },
    };
    // SAFETY: the handler does only what POSIX allows in one (atomic loads, `write`, `_exit`), and the structures are
    // plain data that the calls read or fill before they return.
    unsafe {
        let mut set = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&raw mut set);
        for signal in [libc::SIGALRM, libc::SIGABRT] {
            libc::signal(signal, handler as libc::sighandler_t);
            libc::sigaddset(&raw mut set, signal);
        }
        // The mask is inherited: a host that blocks signals in its children must not block ours.
        libc::sigprocmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut());
        libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut());
    }
}

/// From here on a reply is given when the process has not answered within `deadline`. A thread has to do here; a
/// process that aborts is not answered for.
#[cfg(not(unix))]
pub(crate) fn arm(replies: Replies, deadline: Duration) {
    if REPLIES.set(replies).is_err() {
        return;
    }
    std::thread::spawn(move || {
        std::thread::sleep(deadline);
        if claim()
            && let Some(Replies { late: reply, .. }) = REPLIES.get()
        {
            use std::io::Write;
            let _ = std::io::stdout().write_all(&reply.stdout);
            let _ = std::io::stderr().write_all(&reply.stderr);
            std::process::exit(i32::from(reply.exit));
        }
    });
}

/// Takes the right to answer. `false`: the last resort has it, and ends the process.
pub(crate) fn claim() -> bool {
    !ANSWERED.swap(true, Ordering::SeqCst)
}

/// What is said where no host waits for an answer.
#[cfg(unix)]
const NO_ANSWER: &[u8] = b"armorer-guard: internal error: out of stack or memory\n";

#[cfg(unix)]
extern "C" fn answer_and_exit(signal: libc::c_int) {
    let armed = REPLIES.get();
    // SAFETY: `write` and `_exit` are async-signal-safe, and the buffers live as long as the process.
    unsafe {
        let Some(replies) = armed else {
            libc::write(2, NO_ANSWER.as_ptr().cast(), NO_ANSWER.len());
            libc::_exit(libc::c_int::from(crate::output::Status::Error.code()));
        };
        if !claim() {
            // The answer is being written. Of a fault there is no coming back; time that is up comes too late.
            if signal != libc::SIGALRM {
                libc::_exit(libc::c_int::from(crate::output::Status::Error.code()));
            }
            return;
        }
        let reply = if signal == libc::SIGALRM {
            &replies.late
        } else {
            &replies.fault
        };
        libc::write(1, reply.stdout.as_ptr().cast(), reply.stdout.len());
        libc::write(2, reply.stderr.as_ptr().cast(), reply.stderr.len());
        libc::_exit(libc::c_int::from(reply.exit));
    }
}
