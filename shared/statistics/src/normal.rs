//! The normal distribution.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

/// Probability that a standard normal value lies within `z` of the mean on either side, in percent.
pub(crate) fn within_percent(z: f64) -> f64 {
    100.0 * erf(z.abs() * FRAC_1_SQRT_2)
}

/// The error function of a value that is not negative, to about 10^-15: 2/√π · e^(-x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!
/// (Abramowitz and Stegun, 7.1.6). All terms have one sign, so that nothing cancels.
fn erf(x: f64) -> f64 {
    // From here on it is one within the precision of a double. Also for what is not a number.
    if x.is_nan() || x > 6.0 {
        return 1.0;
    }
    let (mut term, mut sum, mut divisor) = (x, x, 1.0);
    while term > sum * f64::EPSILON / 4.0 {
        divisor += 2.0;
        term *= 2.0 * x * x / divisor;
        sum += term;
    }
    (FRAC_2_SQRT_PI * (-x * x).exp() * sum).min(1.0)
}
