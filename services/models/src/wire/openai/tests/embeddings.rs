use super::*;
use crate::ask::EmbedAsk;

fn embed(dimensions: Option<u32>) -> Value {
    let inputs = vec!["one".to_owned(), "two".to_owned()];
    let request =
        WIRE.embed("text-embedding-3-small", &EmbedAsk { inputs, dimensions, ..EmbedAsk::default() });
    let request = request.unwrap();
    assert_eq!(request.path, "/embeddings");
    serde_json::from_slice(&request.body).unwrap()
}

#[test]
fn texts_go_up_in_their_order_and_numbers_are_asked_for() {
    let plain =
        json!({"model": "text-embedding-3-small", "input": ["one", "two"], "encoding_format": "float"});
    assert_eq!(embed(None), plain);
    assert_eq!(embed(Some(256))["dimensions"], 256);
}

#[test]
fn vectors_come_back_in_the_order_of_their_texts() {
    let item =
        |index, embedding: [f32; 2]| json!({"object": "embedding", "index": index, "embedding": embedding});
    let document = json!({"object": "list", "data": [item(1, [0.5, -1.0]), item(0, [0.25, 2.0])],
                          "model": "text-embedding-3-small", "usage": {"prompt_tokens": 8, "total_tokens": 8}});
    let made = WIRE.embedding(document.to_string().as_bytes()).unwrap();
    assert_eq!(made.vectors, [[0.25, 2.0], [0.5, -1.0]]);
    assert_eq!((made.model.as_str(), made.usage.input_tokens), ("text-embedding-3-small", 8));
}

#[test]
fn an_answer_without_a_vector_for_each_text_is_malformed() {
    let cases = [
        "",
        "<html>",
        "{}",
        r#"{"data": []}"#,
        r#"{"data": [{"index": 1, "embedding": [0.1]}]}"#,
        r#"{"data": [{"index": 0, "embedding": "AAAA"}]}"#,
        r#"{"data": [{"index": 0, "embedding": [0.1"#,
    ];
    for body in cases {
        assert_eq!(WIRE.embedding(body.as_bytes()).unwrap_err().kind, Kind::Malformed, "{body}");
    }
    let refused = json!({"error": {"message": "no", "code": "insufficient_quota"}}).to_string();
    assert_eq!(WIRE.embedding(refused.as_bytes()).unwrap_err().kind, Kind::Quota);
}
