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

static REPLY: OnceLock<Reply> = OnceLock::new();
static ANSWERED: AtomicBool = AtomicBool::new(false);

/// Makes a file-size limit an error of `write`, as a full disk is, instead of death.
pub(crate) fn prepare() {
    #[cfg(unix)]
    // SAFETY: ignoring a signal installs no code and is valid at any time.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
}

/// From here on `reply` is given when the process aborts, or has not answered within `deadline`.
#[cfg(unix)]
pub(crate) fn arm(reply: Reply, deadline: Duration) {
    if REPLY.set(reply).is_err() {
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

/// From here on `reply` is given when the process has not answered within `deadline`. A thread has to do here; a
/// process that aborts is not answered for.
#[cfg(not(unix))]
pub(crate) fn arm(reply: Reply, deadline: Duration) {
    if REPLY.set(reply).is_err() {
        return;
    }
    std::thread::spawn(move || {
        std::thread::sleep(deadline);
        if claim()
            && let Some(reply) = REPLY.get()
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

#[cfg(unix)]
extern "C" fn answer_and_exit(_signal: libc::c_int) {
    if !claim() {
        return;
    }
    let Some(reply) = REPLY.get() else { return };
    // SAFETY: `write` and `_exit` are async-signal-safe, and the buffers live as long as the process.
    unsafe {
        libc::write(1, reply.stdout.as_ptr().cast(), reply.stdout.len());
        libc::write(2, reply.stderr.as_ptr().cast(), reply.stderr.len());
        libc::_exit(libc::c_int::from(reply.exit));
    }
}
