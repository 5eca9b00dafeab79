//! Google's Gemini: `:generateContent`, and `:streamGenerateContent` as server-sent events.

use http::HeaderMap;
use serde_json::{Value, json};

use super::embeddings::vector;
use super::{Event, Wire, text};
use crate::{
    provider::Asked,
    reply::{Said, Usage},
};

/// The wire.
#[derive(Clone, Copy, Debug)]
pub struct Gemini;

/// Its vectors. What the model says does not matter here.
#[derive(Clone, Copy, Debug)]
pub struct Embeddings;

const WHOLE: &str = ":generateContent";
const STREAM: &str = ":streamGenerateContent";

const EMBED: &str = ":batchEmbedContents";

// === impl Gemini ===

impl Wire for Gemini {
    fn serves(&self, path: &str) -> bool {
        path.ends_with(WHOLE) || path.ends_with(STREAM)
    }

    fn key(&self, headers: &HeaderMap) -> Option<String> {
        text(headers, "x-goog-api-key").map(str::to_owned)
    }

    fn streams(&self, path: &str, _: &Value) -> bool {
        path.ends_with(STREAM)
    }

    fn whole(&self, said: &Said, asked: &Asked) -> Value {
        let words = (!said.text.is_empty()).then(|| json!({"text": said.text}));
        let parts: Vec<Value> = words.into_iter().chain(calls(said)).collect();
        let mut answer = chunk(asked, parts, Some(finish(said)));
        with_usage(&mut answer, said);
        answer
    }

    /// Function calls come whole on this wire, and the last chunk carries the reason and the usage.
    fn events(&self, said: &Said, asked: &Asked) -> Vec<Event> {
        let mut chunks: Vec<Value> =
            said.pieces().into_iter().map(|piece| chunk(asked, vec![json!({"text": piece})], None)).collect();
        chunks.extend(calls(said).map(|call| chunk(asked, vec![call], None)));
        if chunks.is_empty() {
            chunks.push(chunk(asked, Vec::new(), None));
        }
        if let Some(last) = chunks.last_mut() {
            last["candidates"][0]["finishReason"] = finish(said).into();
            with_usage(last, said);
        }
        chunks.into_iter().map(Event::data).collect()
    }

    fn error(&self, status: u16, code: &str) -> Value {
        let usual = match status {
            400 => "INVALID_ARGUMENT",
            401 => "UNAUTHENTICATED",
            403 => "PERMISSION_DENIED",
            404 => "NOT_FOUND",
            429 => "RESOURCE_EXHAUSTED",
            503 => "UNAVAILABLE",
            504 => "DEADLINE_EXCEEDED",
            _ => "INTERNAL",
        };
        let word = if code.is_empty() { usual } else { code };
        json!({"error": {"code": status, "message": "as scripted", "status": word}})
    }
}

// === impl Embeddings ===

impl Wire for Embeddings {
    fn serves(&self, path: &str) -> bool {
        path.ends_with(EMBED)
    }

    fn key(&self, headers: &HeaderMap) -> Option<String> {
        Gemini.key(headers)
    }

    fn streams(&self, _: &str, _: &Value) -> bool {
        false
    }

    /// One vector for each request; this wire counts no tokens.
    fn whole(&self, _: &Said, asked: &Asked) -> Value {
        let requests = asked.body["requests"].as_array().into_iter().flatten();
        let values = requests.map(|request| {
            let text = &request["content"]["parts"][0]["text"];
            json!({"values": vector(text, request["outputDimensionality"].as_u64())})
        });
        json!({"embeddings": values.collect::<Value>()})
    }

    fn events(&self, said: &Said, asked: &Asked) -> Vec<Event> {
        vec![Event::data(self.whole(said, asked))]
    }

    fn error(&self, status: u16, code: &str) -> Value {
        Gemini.error(status, code)
    }
}

fn chunk(asked: &Asked, parts: Vec<Value>, finish: Option<&str>) -> Value {
    let mut candidate = json!({"content": {"role": "model", "parts": parts}, "index": 0});
    if let Some(finish) = finish {
        candidate["finishReason"] = finish.into();
    }
    json!({"candidates": [candidate], "modelVersion": model(asked), "responseId": format!("scripted-{}", asked.number)})
}

/// The model stands in the path: `…/models/<model>:generateContent`.
fn model(asked: &Asked) -> &str {
    let last = asked.path.rsplit('/').next().unwrap_or_default();
    last.split(':').next().unwrap_or_default()
}

fn calls(said: &Said) -> impl Iterator<Item = Value> {
    said.calls.iter().map(|call| {
        let args: Value = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({}));
        json!({"functionCall": {"name": call.name, "args": args}})
    })
}

fn finish(said: &Said) -> &str {
    said.finish_or("STOP", "STOP")
}

fn with_usage(answer: &mut Value, said: &Said) {
    if let Some(Usage { input, output }) = said.usage {
        answer["usageMetadata"] = json!({"promptTokenCount": input, "candidatesTokenCount": output, "totalTokenCount": input + output});
    }
}
