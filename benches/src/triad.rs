//! The speed of memory, by the triad of STREAM (J. McCalpin, *Memory Bandwidth and Machine Balance
//! in Current High Performance Computers*, 1995): `a = b + scale · c`.

use std::thread;

/// Values of each of the three vectors; 64 MiB of f32 are beyond any cache of two cores.
pub const LENGTH: usize = 1 << 24;

/// Three vectors.
pub struct Triad {
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
}

impl Default for Triad {
    /// Vectors of [`LENGTH`] values, in memory.
    fn default() -> Self {
        Self { a: vec![0.0; LENGTH], b: vec![1.0; LENGTH], c: vec![2.0; LENGTH] }
    }
}

impl Triad {
    /// Bytes of one pass as STREAM counts them: two vectors read and one written, not what a cache
    /// reads before it writes.
    pub const BYTES: u64 = (3 * LENGTH * size_of::<f32>()) as u64;

    /// One pass, on `threads` threads with a contiguous part each.
    pub fn run(&mut self, threads: usize) {
        let part = LENGTH.div_ceil(threads);
        thread::scope(|scope| {
            let parts = self.a.chunks_mut(part).zip(self.b.chunks(part)).zip(self.c.chunks(part));
            for ((a, b), c) in parts {
                scope.spawn(move || {
                    for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
                        *a = b + 3.0 * c;
                    }
                });
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_written() {
        let mut triad = Triad::default();
        triad.run(3);
        assert!(triad.a.iter().all(|&value| value == 7.0));
    }
}
