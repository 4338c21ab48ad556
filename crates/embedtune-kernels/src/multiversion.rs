//! Compiles a loop several times, for wider and wider vectors, and picks one at run time.

/// Defines a function whose body is compiled for AVX-512, AVX2 and the baseline. The body is plain
/// Rust without fused multiply-add, so all versions round alike: same bits on every processor. It
/// may be generic.
macro_rules! multiversion {
    (
        $(#[$meta:meta])*
        $visibility:vis fn $name:ident $(<$($g:ident: $bound:ident),+>)? (
            $($arg:ident: $type:ty),* $(,)?
        ) $body:block
    ) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $visibility fn $name $(<$($g: $bound),+>)? ($($arg: $type),*) {
            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            fn body $(<$($g: $bound),+>)? ($($arg: $type),*) $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
                #[allow(clippy::too_many_arguments)]
                fn avx512 $(<$($g: $bound),+>)? ($($arg: $type),*) { body($($arg),*) }
                #[target_feature(enable = "avx2")]
                #[allow(clippy::too_many_arguments)]
                fn avx2 $(<$($g: $bound),+>)? ($($arg: $type),*) { body($($arg),*) }

                let cpu = $crate::CpuFeatures::get();
                if cpu.avx512_full {
                    // SAFETY: the processor has these extensions.
                    return unsafe { avx512($($arg),*) };
                }
                if cpu.avx2_fma {
                    // SAFETY: the processor has AVX2.
                    return unsafe { avx2($($arg),*) };
                }
            }
            body($($arg),*)
        }
    };
}

pub(crate) use multiversion;

#[cfg(test)]
mod tests;
