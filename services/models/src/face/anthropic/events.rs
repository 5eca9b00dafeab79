//! A streamed answer as the events of a message.
//!
//! Blocks are told one after the other: a text, then each call. The usage of the prompt is known only at the end here,
//! so that the first event says zero and the last but one says all.

use serde_json::{Value, json};

use super::answer::{head, stop_reason, usage};
use crate::answer::{CallDelta, Finish, Piece, Usage};
use crate::face::{Label, Teller};

/// Tells the pieces of one answer.
pub(in crate::face) struct Events {
    label: Label,
    begun: bool,
    /// Blocks begun so far.
    blocks: usize,
    open: Option<Open>,
}

/// The block that is being told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    /// Of this call of the answer.
    Call(usize),
}

// === impl Events ===

impl Events {
    pub(in crate::face) fn new(label: Label) -> Self {
        Self { label, begun: false, blocks: 0, open: None }
    }

    fn begin(&mut self, told: &mut Vec<u8>) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let mut message = head(&self.label, "");
        message.insert("usage".to_owned(), usage(Usage::default()));
        event(told, "message_start", json!({"message": message}));
    }

    /// Goes on with a block, or ends the last one and begins it.
    fn block(&mut self, told: &mut Vec<u8>, wanted: Open, block: Value) {
        if self.open == Some(wanted) {
            return;
        }
        self.close(told);
        event(told, "content_block_start", json!({"index": self.blocks, "content_block": block}));
        self.blocks += 1;
        self.open = Some(wanted);
    }

    fn close(&mut self, told: &mut Vec<u8>) {
        if self.open.take().is_some() {
            event(told, "content_block_stop", json!({"index": self.blocks - 1}));
        }
    }

    fn delta(&self, told: &mut Vec<u8>, delta: Value) {
        event(told, "content_block_delta", json!({"index": self.blocks - 1, "delta": delta}));
    }

    fn text(&mut self, told: &mut Vec<u8>, text: String) {
        self.block(told, Open::Text, json!({"type": "text", "text": ""}));
        self.delta(told, json!({"type": "text_delta", "text": text}));
    }

    fn call(&mut self, told: &mut Vec<u8>, delta: CallDelta) {
        let CallDelta { index, id, name, arguments } = delta;
        let block = json!({"type": "tool_use", "id": id, "name": name, "input": {}});
        self.block(told, Open::Call(index), block);
        if !arguments.is_empty() {
            self.delta(told, json!({"type": "input_json_delta", "partial_json": arguments}));
        }
    }

    fn end(&mut self, told: &mut Vec<u8>, finish: &Finish) {
        self.close(told);
        let delta = json!({"stop_reason": stop_reason(&finish.reason), "stop_sequence": null});
        event(told, "message_delta", json!({"delta": delta, "usage": usage(finish.usage)}));
        event(told, "message_stop", json!({}));
    }
}

impl Teller for Events {
    fn tell(&mut self, piece: Piece) -> Vec<u8> {
        let mut told = Vec::new();
        self.begin(&mut told);
        match piece {
            Piece::Delta(text) => self.text(&mut told, text),
            Piece::Call(delta) => self.call(&mut told, delta),
            Piece::Citations(_) => {} // in a form of their own there, which needs the places in the text
            Piece::Done(finish) => self.end(&mut told, &finish),
        }
        told
    }
}

fn event(told: &mut Vec<u8>, name: &str, fields: Value) {
    let mut data = json!({"type": name});
    if let (Value::Object(data), Value::Object(fields)) = (&mut data, fields) {
        data.extend(fields);
    }
    told.extend_from_slice(format!("event: {name}\ndata: {data}\n\n").as_bytes());
}
