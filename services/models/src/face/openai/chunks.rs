//! A streamed answer as chunks of a chat completion, in server-sent events.

use serde_json::{Map, Value, json};

use super::answer::{envelope, sources, usage};
use crate::answer::{CallDelta, Finish, Piece};
use crate::face::{Label, Teller};

/// What the last event says instead of JSON.
const END: &[u8] = b"data: [DONE]\n\n";

/// Tells the pieces of one answer.
pub(in crate::face) struct Chunks {
    label: Label,
    /// Whether the caller asked for the usage.
    tells_usage: bool,
    begun: bool,
}

// === impl Chunks ===

impl Chunks {
    pub(in crate::face) fn new(label: Label, tells_usage: bool) -> Self {
        Self { label, tells_usage, begun: false }
    }

    /// One choice's next part. The first says who speaks.
    fn chunk(
        &mut self,
        mut delta: Map<String, Value>,
        reason: Value,
        more: Option<(&str, Value)>,
    ) -> Vec<u8> {
        if !std::mem::replace(&mut self.begun, true) {
            delta.insert("role".to_owned(), "assistant".into());
            delta.entry("content").or_insert("".into());
        }
        let mut chunk = envelope("chat.completion.chunk", &self.label, "");
        let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason});
        chunk.insert("choices".to_owned(), json!([choice]));
        chunk.extend(more.map(|(name, value)| (name.to_owned(), value)));
        event(&Value::Object(chunk))
    }

    fn end(&mut self, finish: Finish) -> Vec<u8> {
        let Finish { model, reason, usage: used } = finish;
        if !model.is_empty() {
            self.label.model = model;
        }
        let mut events = self.chunk(Map::new(), reason.into(), None);
        if self.tells_usage {
            let mut chunk = envelope("chat.completion.chunk", &self.label, "");
            chunk.insert("choices".to_owned(), json!([]));
            chunk.insert("usage".to_owned(), usage(used));
            events.extend(event(&Value::Object(chunk)));
        }
        events.extend_from_slice(END);
        events
    }
}

impl Teller for Chunks {
    fn tell(&mut self, piece: Piece) -> Vec<u8> {
        match piece {
            Piece::Delta(text) => self.chunk(fields([("content", text.into())]), Value::Null, None),
            Piece::Call(delta) => {
                self.chunk(fields([("tool_calls", json!([call(delta)]))]), Value::Null, None)
            }
            Piece::Citations(citations) => {
                self.chunk(Map::new(), Value::Null, Some(("citations", sources(&citations))))
            }
            Piece::Done(finish) => self.end(finish),
        }
    }
}

fn fields<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn call(delta: CallDelta) -> Value {
    let CallDelta { index, id, name, arguments } = delta;
    let mut call = fields([("index", index.into())]);
    if let Some(id) = id {
        call.insert("id".to_owned(), id.into());
        call.insert("type".to_owned(), "function".into());
    }
    let mut function = Map::new();
    function.extend(name.map(|name| ("name".to_owned(), name.into())));
    function.insert("arguments".to_owned(), arguments.into());
    call.insert("function".to_owned(), function.into());
    Value::Object(call)
}

fn event(chunk: &Value) -> Vec<u8> {
    format!("data: {chunk}\n\n").into_bytes()
}
