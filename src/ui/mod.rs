//! x
/// x
pub fn seconds(s: f64) -> String {
    format!("{s}s")
}
