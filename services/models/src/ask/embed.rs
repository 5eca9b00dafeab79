//! Texts to turn into vectors, in a form in which everything has been checked.

use bsm_proto::models::v1;

use super::Violation;
use super::parse::Checker;

/// Texts of one request at most.
pub const MAX_INPUTS: usize = 2048;

/// Texts to turn into vectors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmbedAsk {
    /// Which model; `None` for the route's choice.
    pub model: Option<String>,
    /// The texts: 1 to [`MAX_INPUTS`], none of them empty.
    pub inputs: Vec<String>,
    /// Numbers of each vector, from 1; `None` for the model's own.
    pub dimensions: Option<u32>,
}

// === impl EmbedAsk ===

impl EmbedAsk {
    /// Checks a request.
    ///
    /// # Errors
    /// Every field that is not as the contract wants it.
    pub fn parse(request: v1::EmbedRequest) -> Result<Self, Vec<Violation>> {
        let v1::EmbedRequest { model, inputs, dimensions } = request;
        let mut check = Checker::new("");
        let model = check.model(model);
        check.inputs(&inputs);
        if dimensions == Some(0) {
            check.refuse("dimensions", "must be at least 1");
        }
        check.finish(Self { model, inputs, dimensions })
    }
}

// === impl Checker ===

impl Checker {
    fn inputs(&mut self, inputs: &[String]) {
        if inputs.is_empty() || inputs.len() > MAX_INPUTS {
            self.refuse("inputs", format!("must hold 1 to {MAX_INPUTS} texts, not {}", inputs.len()));
            return; // thousands of violations help nobody
        }
        for (at, input) in inputs.iter().enumerate() {
            if input.is_empty() {
                self.refuse(&format!("inputs[{at}]"), "must not be empty");
            }
        }
    }
}
