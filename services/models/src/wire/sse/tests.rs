use proptest::prelude::*;

use super::*;

const STREAM: &str = "\u{feff}: keep-alive\r\n\r\ndata: {\"a\":\"سلام 👋\"}\r\n\r\nevent: x\nid: 7\ndata:one\ndata: two\ndata\n\n\
                      retry: 3\rdata:  spaced\r\rdatabase: no\n\ndata: [DONE]\n\n";

fn events() -> Vec<String> {
    ["{\"a\":\"سلام 👋\"}", "one\ntwo\n", " spaced", "[DONE]"].map(String::from).to_vec()
}

fn decode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let mut decoder = Decoder::default();
    chunks.into_iter().flat_map(|chunk| decoder.push(chunk).unwrap()).collect()
}

#[test]
fn fields_comments_and_line_ends_are_read_as_the_standard_says() {
    assert_eq!(decode([STREAM.as_bytes()]), events());
}

#[test]
fn it_does_not_matter_where_the_bytes_are_cut() {
    let bytes = STREAM.as_bytes();
    for cut in 0..=bytes.len() {
        let (head, tail) = bytes.split_at(cut);
        assert_eq!(decode([head, tail]), events(), "cut at byte {cut}");
    }
    for size in 1..8 {
        assert_eq!(decode(bytes.chunks(size)), events(), "chunks of {size} bytes");
    }
}

#[test]
fn an_event_without_data_is_no_event() {
    assert_eq!(decode([b"event: ping\n\n\n\n: c\n\n".as_slice()]), Vec::<String>::new());
}

#[test]
fn an_event_that_the_end_cuts_short_is_dropped() {
    assert_eq!(decode([b"data: whole\n\ndata: half\n".as_slice()]), ["whole"]);
}

#[test]
fn bytes_that_are_no_utf_8_are_replaced_and_harm_nothing() {
    assert_eq!(decode([b"data: \xff!\n\ndata: next\n\n".as_slice()]), ["\u{fffd}!", "next"]);
}

#[test]
fn an_endless_event_is_refused_before_it_fills_the_memory() {
    let mut one_line = Decoder::default();
    let chunk = vec![b'x'; 64 * 1024];
    assert!((0..32).any(|_| one_line.push(&chunk) == Err(NoEvents::TooLong)));
    let mut many_lines = Decoder::default();
    let lines = b"data: xxxxxxxxxxxxxxxx\n".repeat(1024);
    assert!((0..64).any(|_| many_lines.push(&lines) == Err(NoEvents::TooLong)));
}

#[test]
fn a_document_amid_the_events_is_no_event_and_is_not_skipped() {
    for foreign in ["<html><h1>502 Bad Gateway</h1></html>\n\n", "{\"error\":\"no\"}\n\n"] {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.push(b"data: one\n\n"), Ok(vec!["one".to_owned()]));
        assert_eq!(decoder.push(foreign.as_bytes()), Err(NoEvents::Foreign), "{foreign}");
    }
    assert_eq!(
        decode([b"data: <p>\ndata: {}\nx<y\n\n".as_slice()]),
        ["<p>\n{}"],
        "within an event it is text"
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_alike_however_they_are_cut(
        bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b':'), any::<u8>()], 0..200),
        size in 1_usize..20,
    ) {
        let lines: Vec<u8> = bytes.into_iter().map(|byte| if matches!(byte, b'<' | b'{') { b'x' } else { byte }).collect();
        let bytes = [b"data: x\n\ndata:".as_slice(), &lines].concat();
        prop_assert_eq!(decode([&bytes[..]]), decode(bytes.chunks(size)));
    }
}
