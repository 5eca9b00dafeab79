//! From bytes to text: a diff carries whatever encodings its files have.

/// Decodes a diff, and says whether something was lost.
///
/// UTF-8 is taken as it is and UTF-16 with a byte order mark (what PowerShell's `>` writes) is converted; bytes that
/// are neither become U+FFFD, and the second value is then true. Byte order marks are taken away.
pub fn decode(bytes: &[u8]) -> (String, bool) {
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        _ => utf8(bytes),
    }
}

fn utf8(bytes: &[u8]) -> (String, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (String::from_utf8_lossy(bytes).into_owned(), true),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> (String, bool) {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut lossy = !rest.is_empty();
    let text = char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .map(|decoded| {
            decoded.unwrap_or_else(|_| {
                lossy = true;
                char::REPLACEMENT_CHARACTER
            })
        })
        .collect();
    (text, lossy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf8_is_taken_as_it_is() {
        assert_eq!(decode("+é\n".as_bytes()), ("+é\n".to_owned(), false));
        assert_eq!(decode(b"\xef\xbb\xbf+x"), ("+x".to_owned(), false), "byte order mark");
    }

    #[test]
    fn other_bytes_become_replacement_characters_and_it_is_said() {
        assert_eq!(decode(b"+caf\xe9\n"), ("+caf\u{fffd}\n".to_owned(), true));
    }

    #[test]
    fn utf16_with_a_byte_order_mark_is_converted() {
        assert_eq!(decode(b"\xff\xfe+\0x\0"), ("+x".to_owned(), false));
        assert_eq!(decode(b"\xfe\xff\0+\0x"), ("+x".to_owned(), false));
        assert_eq!(decode(b"\xff\xfe+\0x"), ("+".to_owned(), true), "half a unit at the end");
        assert_eq!(decode(b"\xff\xfe\x00\xd8"), ("\u{fffd}".to_owned(), true), "half a surrogate pair");
    }
}
