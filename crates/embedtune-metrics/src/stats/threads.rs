//! Dividing resamples among threads, in a way that cannot change a result.

use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Random draws below which another thread costs more than it saves: about a millisecond's worth.
const DRAWS_PER_THREAD: u64 = 1 << 21;

/// How many threads to use when `wanted` were asked for (0: all the machine has) and the whole
/// work consists of so many draws.
pub(super) fn useful(wanted: usize, draws: u64) -> usize {
    let paying = usize::try_from(draws / DRAWS_PER_THREAD).unwrap_or(usize::MAX);
    if paying <= 1 {
        return 1; // Without asking the system, which costs more than a small test does.
    }
    let wanted = match wanted {
        0 => thread::available_parallelism().map_or(1, NonZero::get),
        wanted => wanted,
    };
    wanted.min(paying)
}

/// The sum of `count` over `0..total`, cut into blocks of `block` that threads take in turn. A sum
/// of integers is the same in any order.
pub(super) fn sum_blocks(
    total: u64,
    block: u64,
    threads: usize,
    count: impl Fn(Range<u64>) -> u64 + Sync,
) -> u64 {
    let next = AtomicU64::new(0);
    let work = || {
        let mut sum = 0;
        loop {
            let start = next.fetch_add(1, Ordering::Relaxed).saturating_mul(block);
            if start >= total {
                return sum;
            }
            sum += count(start..total.min(start + block));
        }
    };
    if threads == 1 {
        return work();
    }
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let own = work();
        others.into_iter().map(join).sum::<u64>() + own
    })
}

/// `value(0), value(1), …`: each value depends on its index alone, so that it does not matter
/// which thread computes it.
pub(super) fn collect<T: Send>(
    total: usize,
    threads: usize,
    value: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    if threads == 1 {
        return (0..total).map(value).collect();
    }
    let share = total.div_ceil(threads);
    let value = &value;
    thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|part| {
                let range = (part * share).min(total)..((part + 1) * share).min(total);
                scope.spawn(move || range.map(value).collect::<Vec<T>>())
            })
            .collect();
        parts.into_iter().flat_map(join).collect()
    })
}

/// The result of a thread; its panic, if it had one, goes on here.
fn join<T>(handle: thread::ScopedJoinHandle<'_, T>) -> T {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_threads_does_all_the_work_once() {
        for threads in [1, 2, 3, 8] {
            for total in [0, 1, 7, 100] {
                let sum = sum_blocks(total, 7, threads, |range| range.sum());
                assert_eq!(sum, (0..total).sum::<u64>(), "{threads} {total}");
                let values = collect(total as usize, threads, |i| 3 * i);
                assert_eq!(values, (0..total as usize).map(|i| 3 * i).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn little_work_stays_on_one_thread() {
        assert_eq!(useful(8, 1000), 1);
        assert_eq!(useful(3, u64::MAX), 3);
        assert!(useful(0, u64::MAX) >= 1);
    }
}
