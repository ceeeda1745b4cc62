//! What the benches share: a clock of this thread's own work, and a yardstick for the speed of the machine.

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Duration;

/// Whether only instructions are counted: valgrind hides from a static program where the kernel keeps its clock.
static UNTIMED: LazyLock<bool> = LazyLock::new(|| std::env::var_os("BENCH_UNTIMED").is_some());

/// Processor time of this thread: what other processes take does not count.
pub fn now() -> Duration {
    if *UNTIMED {
        return Duration::ZERO;
    }
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

/// What asking the clock takes by itself, least of many: a call to the kernel, a quarter of a microsecond on some machines,
/// which is no part of what is measured.
static OF_THE_CLOCK: LazyLock<Duration> = LazyLock::new(|| {
    let askings = (0..4_096).map(|_| {
        let started = now();
        now() - started
    });
    askings.min().unwrap_or_default()
});

/// Nanoseconds of one call, without those of the clock.
pub fn timed(act: impl FnOnce()) -> u64 {
    let of_the_clock = *OF_THE_CLOCK;
    let started = now();
    act();
    let taken = (now() - started).saturating_sub(of_the_clock);
    u64::try_from(taken.as_nanos()).unwrap_or(u64::MAX)
}

/// A chain of 16,384 multiplications that each wait for the one before, four cycles each with the exclusive or: the clock
/// of the machine and nothing else. 21.2 us at 3.1 GHz.
fn yardstick() -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in 0..black_box(16_384_u64) {
        hash = (hash ^ byte).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}

/// Nanoseconds of one [`yardstick`]; none where instructions are counted, of which it has no part.
pub fn measure_yardstick() -> u64 {
    if *UNTIMED {
        return 0;
    }
    timed(|| {
        black_box(yardstick());
    })
}

/// The least of some values, and what half and 99 in 100 do not exceed.
pub fn spread(mut values: Vec<u64>) -> [u64; 3] {
    values.sort_unstable();
    let at = |per_mille: usize| {
        values
            .get((values.len().max(1) - 1) * per_mille / 1000)
            .copied()
            .unwrap_or_default()
    };
    [at(0), at(500), at(990)]
}
