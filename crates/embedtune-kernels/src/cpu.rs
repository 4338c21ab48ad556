//! What the processor can do, asked once.

use std::sync::OnceLock;

/// Instruction sets that the kernels choose between at run time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct CpuFeatures {
    /// 256-bit vectors with fused multiply-add (x86-64-v3).
    pub avx2_fma: bool,
    /// 512-bit vectors (the foundation set, `avx512f`).
    pub avx512: bool,
    /// 512-bit vectors with the byte, word, double-word and length extensions (x86-64-v4).
    pub avx512_full: bool,
    /// Dot products of bfloat16 pairs (`avx512_bf16`), with all of `avx512_full`.
    pub avx512_bf16: bool,
    /// Dot products of 8-bit quadruples (`avx512_vnni`), with all of `avx512_full`.
    pub avx512_vnni: bool,
}

impl CpuFeatures {
    /// Features of this processor. Detected at the first call, then a load.
    pub fn get() -> Self {
        #[cfg(test)]
        if let Some(features) = forced::features() {
            return features;
        }
        static FEATURES: OnceLock<CpuFeatures> = OnceLock::new();
        *FEATURES.get_or_init(Self::detect)
    }

    #[cfg(all(target_arch = "x86_64", not(miri)))]
    fn detect() -> Self {
        let avx512_full = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        Self {
            avx2_fma: is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            avx512: is_x86_feature_detected!("avx512f"),
            avx512_full,
            avx512_bf16: avx512_full && is_x86_feature_detected!("avx512bf16"),
            avx512_vnni: avx512_full && is_x86_feature_detected!("avx512vnni"),
        }
    }

    #[cfg(any(not(target_arch = "x86_64"), miri))]
    fn detect() -> Self {
        Self::default()
    }
}

/// Lets tests run every path that the processor has, not only the widest.
#[cfg(test)]
pub(crate) mod forced {
    use std::cell::Cell;

    use super::CpuFeatures;

    thread_local! {
        static FORCED: Cell<Option<CpuFeatures>> = const { Cell::new(None) };
    }

    pub(super) fn features() -> Option<CpuFeatures> {
        FORCED.get()
    }

    /// Each set of features that code is compiled for and that this processor has, by name.
    pub(crate) fn levels() -> Vec<(&'static str, CpuFeatures)> {
        let portable = CpuFeatures::default();
        let avx2 = CpuFeatures { avx2_fma: true, ..portable };
        let mut levels = vec![("portable", portable)];
        if CpuFeatures::get().avx2_fma {
            levels.push(("avx2", avx2));
        }
        if CpuFeatures::get().avx512_full {
            levels.push(("avx512", CpuFeatures { avx512: true, avx512_full: true, ..avx2 }));
        }
        if CpuFeatures::get().avx512_bf16 || CpuFeatures::get().avx512_vnni {
            levels.push(("widest", CpuFeatures::get()));
        }
        levels
    }

    /// Runs `work` in a pool of its own whose threads see no features but these.
    pub(crate) fn on<T: Send>(features: CpuFeatures, work: impl FnOnce() -> T + Send) -> T {
        rayon::ThreadPoolBuilder::new()
            .num_threads(2)
            .start_handler(move |_| FORCED.set(Some(features)))
            .build()
            .unwrap()
            .install(work)
    }
}
