//! Randomness without state: numbers that depend on what they are for, and on nothing else.

/// Scatters keys over all numbers (the finaliser of splitmix64).
pub(crate) fn hash(keys: &[u64]) -> u64 {
    let mut state = 0x243f_6a88_85a3_08d3_u64;
    for key in keys {
        state = (state ^ key).wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^= state >> 31;
    }
    state
}

/// From 0 inclusive to 1 exclusive.
pub(crate) fn uniform(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

/// About a standard normal: the sum of four uniform numbers, so that it has no tails beyond 3.5 and needs no
/// function that differs between machines.
pub(crate) fn gauss(hash: u64) -> f64 {
    let part = |shift: u32| f64::from((hash >> shift) as u16);
    let sum = part(0) + part(16) + part(32) + part(48);
    (sum / 65_535.0 - 2.0) * 1.732_050_807_568_877_2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauss_is_about_normal() {
        let count = 20_000;
        let values: Vec<f64> = (0..count).map(|key| gauss(hash(&[7, key]))).collect();
        let mean = values.iter().sum::<f64>() / count as f64;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count as f64;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }
}
