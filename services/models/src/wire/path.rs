//! Names in paths: whoever asks for a model must not reach another address with the provider's key.

use std::fmt::Write as _;

/// A name as one segment of a path: everything but letters, digits, `-`, `_`, `.` and `~` is escaped. A name of dots
/// alone, which would climb, becomes `_`.
#[must_use]
pub(super) fn segment(name: &str) -> String {
    if name.bytes().all(|byte| byte == b'.') {
        return "_".to_owned();
    }
    let mut segment = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'-' | b'_' | b'.' | b'~' => segment.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => segment.push(char::from(byte)),
            _ => write!(segment, "%{byte:02X}").expect("a String takes any text"),
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::segment;

    #[test]
    fn a_name_stays_within_its_segment() {
        assert_eq!(segment("gpt-4o_2.5~x"), "gpt-4o_2.5~x");
        assert_eq!(segment("../v1/files?a=b#c%"), "..%2Fv1%2Ffiles%3Fa%3Db%23c%25");
        assert_eq!(segment("نموذج"), "%D9%86%D9%85%D9%88%D8%B0%D8%AC");
        for climbing in ["", ".", ".."] {
            assert_eq!(segment(climbing), "_");
        }
    }
}
