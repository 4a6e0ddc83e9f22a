//! Numbers: AWS's APIs count in `i32`, specs in the type that fits.
//!
//! Called by kinds whose specs hold numbers. Must never correct a value: what AWS does not take, AWS refuses.

/// Turns a declared number into the one an API takes; what does not fit becomes the largest, which AWS refuses.
pub(super) fn sent(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Reads a number AWS shows; one it does not show, or that makes no sense, is 0, which equals no declared value.
pub(super) fn shown<T: TryFrom<i32> + Default>(number: Option<i32>) -> T {
    number.and_then(|number| number.try_into().ok()).unwrap_or_default()
}
