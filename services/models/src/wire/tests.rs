//! What holds for every wire.

use proptest::prelude::*;
use secrecy::SecretString;

use super::*;
use crate::ask::{Role, Turn};

/// The recorded streams, by the wire's name, with what they say.
fn recorded() -> Vec<(&'static str, String, Vec<Piece>)> {
    vec![
        ("openai", openai::tests::recorded(), openai::tests::pieces()),
        ("anthropic", anthropic::tests::recorded(), anthropic::tests::pieces()),
        ("gemini", gemini::tests::recorded(), gemini::tests::pieces()),
        ("cohere", cohere::tests::recorded(), cohere::tests::pieces()),
    ]
}

fn wire(name: &str) -> Arc<dyn Wire> {
    named(name, &Dialect::default()).expect("a wire of this name")
}

/// What comes of a stream whose bytes arrive in these pieces, up to its last piece.
fn read<'a>(wire: &dyn Wire, chunks: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Piece>, Failure> {
    let mut reader = wire.pieces();
    let mut pieces = Vec::new();
    for chunk in chunks {
        pieces.extend(reader.push(chunk)?);
        if matches!(pieces.last(), Some(Piece::Done(_))) {
            return Ok(pieces);
        }
    }
    pieces.push(reader.end()?);
    Ok(pieces)
}

#[test]
fn no_two_wires_share_a_name_and_each_is_found_by_its_own() {
    let all: std::collections::HashSet<&str> = names().collect();
    assert_eq!(all.len(), names().count());
    assert!(all.iter().all(|name| named(name, &Dialect::default()).is_some()));
    assert!(named("telex", &Dialect::default()).is_none());
}

#[test]
fn one_byte_at_a_time_says_the_same_as_all_at_once() {
    for (name, stream, pieces) in recorded() {
        assert_eq!(read(&*wire(name), stream.as_bytes().chunks(1)).unwrap(), pieces, "{name}");
        assert_eq!(read(&*wire(name), std::iter::once(stream.as_bytes())).unwrap(), pieces, "{name}");
    }
}

#[test]
fn a_stream_that_is_cut_off_before_its_end_is_never_taken_for_whole() {
    for (name, stream, pieces) in recorded() {
        // Once the reason to finish has come, an end of the bytes is an end.
        let reasons = ["finish_reason\":\"", "finishReason\":\"", "stop_reason\":\""];
        let told = reasons.iter().find_map(|reason| stream.rfind(reason)).expect("every stream has a reason");
        for cut in (0..told).step_by(7) {
            let read = read(&*wire(name), std::iter::once(&stream.as_bytes()[..cut]));
            assert!(read.is_err(), "{name}, cut at {cut}: {read:?} is not {pieces:?}");
        }
    }
}

#[test]
fn no_wire_shows_its_key_and_a_key_of_two_lines_is_none() {
    for name in names() {
        let (_, value) = wire(name).authorization(&SecretString::from("sk-canary")).expect("a key");
        assert!(!format!("{value:?}").contains("canary"), "{name}");
        assert!(wire(name).authorization(&SecretString::from("two\nlines")).is_none(), "{name}");
    }
}

proptest! {
    #[test]
    fn any_cut_of_the_bytes_gives_the_same_pieces(cuts in prop::collection::vec(0_usize..4096, 0..12)) {
        for (name, stream, pieces) in recorded() {
            let bytes = stream.as_bytes();
            let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % bytes.len()).chain([0, bytes.len()]).collect();
            ends.sort_unstable();
            let chunks = ends.windows(2).map(|ends| &bytes[ends[0]..ends[1]]);
            prop_assert_eq!(read(&*wire(name), chunks).unwrap(), pieces, "{}", name);
        }
    }

    #[test]
    fn no_bytes_of_a_provider_make_a_wire_panic(body in prop::collection::vec(any::<u8>(), 0..300), status in 300_u16..600) {
        let event = [b"data: ".as_slice(), &body, b"\n\n"].concat();
        let status = StatusCode::from_u16(status).expect("a status of three digits");
        for name in names() {
            let wire = wire(name);
            let _ = wire.answer(&body);
            let _ = wire.embedding(&body);
            let _ = wire.refusal(status, &HeaderMap::new(), &body);
            let _ = read(&*wire, std::iter::once(&event[..]));
        }
    }

    #[test]
    fn a_value_of_another_type_anywhere_makes_no_wire_panic(at in 0_usize..64, other in 0_usize..6) {
        let other = ["null", "7", "\"x\"", "[]", "{}", "-1e99"][other];
        for (name, stream, _) in recorded() {
            // Every value after a colon is replaced in its turn.
            let places: Vec<usize> = stream.match_indices("\":").map(|(place, _)| place + 2).collect();
            let place = places[at % places.len()];
            let end = stream[place..].find([',', '}', '\n']).map_or(stream.len(), |end| place + end);
            let odd = format!("{}{other}{}", &stream[..place], &stream[end..]);
            let _ = read(&*wire(name), std::iter::once(odd.as_bytes()));
        }
    }

    #[test]
    fn any_model_and_words_make_a_request_of_valid_json_to_a_valid_path(model in "\\PC{0,40}", words in "\\PC{1,80}") {
        let ask = Ask { turns: vec![Turn::new(Role::User, words)], ..Ask::default() };
        for name in names() {
            for mode in [Mode::Whole, Mode::Stream] {
                let request = wire(name).request(&model, &ask, mode);
                prop_assert!(serde_json::from_slice::<serde_json::Value>(&request.body).is_ok());
                prop_assert!(format!("https://x.test{}", request.path).parse::<http::Uri>().is_ok(), "{}", request.path);
            }
        }
    }
}
