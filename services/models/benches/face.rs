//! What a question in the form of another API costs before it goes out, beside reading its JSON at all.
//!
//! `cargo bench -p bsm-models --bench face`
//!
//! The floor is one walk over the text that keeps nothing. `read` checks every field and finds what is meant; `forward`
//! puts the provider's name of the model into the caller's bytes; `events` lets the chunks of a stream pass and leaves
//! out the one that tells the usage.

use std::hint::black_box;

use bsm_models::face::events::Events;
use bsm_models::face::{Asked, Face};
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde::de::IgnoredAny;
use serde_json::json;

/// A question of two turns, and one whose prompt has this many bytes.
fn documents() -> [(&'static str, Bytes); 2] {
    let document = |prompt: &str| {
        let messages = json!([
            {"role": "system", "content": "You are a careful reviewer. Answer in one sentence."},
            {"role": "user", "content": prompt},
        ]);
        let document = json!({"model": "auto", "messages": messages, "temperature": 0.2, "stream": true});
        Bytes::from(document.to_string())
    };
    [("small", document("Is this safe?")), ("100 KB", document(&"a line of code\n".repeat(6_800)))]
}

fn questions(c: &mut Criterion) {
    for (name, document) in documents() {
        let mut group = c.benchmark_group(format!("question {name}"));
        group.throughput(Throughput::Bytes(document.len() as u64));
        group.bench_function("floor", |b| {
            b.iter(|| serde_json::from_slice::<IgnoredAny>(black_box(&document)))
        });
        group.bench_function("read", |b| b.iter(|| Face::OpenAiChat.read(black_box(&document).clone(), &[])));
        let Ok(Asked::Words(question)) = Face::OpenAiChat.read(document.clone(), &[]) else {
            unreachable!("it is a question")
        };
        group.bench_function("forward", |b| {
            b.iter(|| black_box(&question).document.asking("gpt-4o", true, "max_completion_tokens"))
        });
        group.finish();
    }
}

fn events(c: &mut Criterion) {
    let chunk = json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o",
        "choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": null}], "usage": null});
    let chunk = Bytes::from(format!("data: {chunk}\n\n"));
    let mut group = c.benchmark_group("chunk");
    for (name, leaves_usage_out) in [("as it comes", false), ("without usage", true)] {
        let mut events = Events::new(leaves_usage_out);
        group.bench_function(name, |b| b.iter(|| events.push(black_box(&chunk).clone())));
    }
    group.finish();
}

criterion_group!(benches, questions, events);
criterion_main!(benches);
