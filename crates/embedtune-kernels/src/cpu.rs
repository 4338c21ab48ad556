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
}

impl CpuFeatures {
    /// Features of this processor. Detected at the first call, then a load.
    pub fn get() -> Self {
        static FEATURES: OnceLock<CpuFeatures> = OnceLock::new();
        *FEATURES.get_or_init(Self::detect)
    }

    #[cfg(all(target_arch = "x86_64", not(miri)))]
    fn detect() -> Self {
        Self {
            avx2_fma: is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            avx512: is_x86_feature_detected!("avx512f"),
            avx512_full: is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl"),
        }
    }

    #[cfg(any(not(target_arch = "x86_64"), miri))]
    fn detect() -> Self {
        Self::default()
    }
}
