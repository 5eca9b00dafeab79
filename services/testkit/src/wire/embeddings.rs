//! OpenAI's embeddings, and what those of all wires have in common: a vector that depends on its text alone.

use serde_json::{Value, json};

use super::{Event, Wire, openai};
use crate::{provider::Asked, reply::Said, seed::Seed};

/// The wire. What the model says does not matter here; its usage does.
#[derive(Clone, Copy, Debug)]
pub struct Embeddings;

/// Dimensions where the call names none.
const DIMENSIONS: u64 = 8;
/// Dimensions at most: a wish for more is met with these.
const MOST: u64 = 4_096;

// === impl Embeddings ===

impl Wire for Embeddings {
    fn serves(&self, path: &str) -> bool {
        path.ends_with("/embeddings")
    }

    fn streams(&self, _: &str, _: &Value) -> bool {
        false
    }

    fn whole(&self, said: &Said, asked: &Asked) -> Value {
        let wanted = ["dimensions", "output_dimension"]; // the second is Mistral's
        let dimensions = wanted.iter().find_map(|field| asked.body[*field].as_u64());
        let inputs = match &asked.body["input"] {
            Value::Array(inputs) => inputs.clone(),
            input => vec![input.clone()],
        };
        let data: Vec<Value> = inputs
            .iter()
            .enumerate()
            .map(|(index, input)| json!({"object": "embedding", "index": index, "embedding": vector(input, dimensions)}))
            .collect();
        let mut answer = json!({"object": "list", "data": data, "model": asked.body["model"]});
        if let Some(usage) = said.usage {
            answer["usage"] = json!({"prompt_tokens": usage.input, "total_tokens": usage.input});
        }
        answer
    }

    fn events(&self, said: &Said, asked: &Asked) -> Vec<Event> {
        vec![Event::data(self.whole(said, asked))]
    }

    fn error(&self, status: u16, code: &str) -> Value {
        openai::error(status, code)
    }
}

/// A unit vector: the same for the same text, unlike for unlike texts.
pub(super) fn vector(input: &Value, dimensions: Option<u64>) -> Vec<f64> {
    let dimensions = dimensions.unwrap_or(DIMENSIONS).min(MOST);
    let text = input.to_string();
    let seed = Seed(text.bytes().fold(0, |hash, byte| Seed(hash).at(u64::from(byte))));
    let raw: Vec<f64> = (0..dimensions).map(|n| seed.share(n) * 2.0 - 1.0).collect();
    let length = raw.iter().map(|x| x * x).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    raw.iter().map(|x| x / length).collect()
}
