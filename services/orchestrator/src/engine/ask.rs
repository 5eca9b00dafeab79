//! Asks an agent's model one question, and once more when the answer does not fit the schema.

use bsm_proto::{
    models::v1::{CompleteResponse, Completion, Message, Prompt},
    registry::v1::{Agent, AnswerKind},
};
use bsm_runtime::{call::Call, json};

use crate::{
    answer::{self, Review, Unfit},
    clients::{Mesh, Refused},
    digest,
    job::Usage,
    journal::Answer,
    prompt,
};

/// What is asked of whom.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// Who is asked.
    pub(crate) agent: Agent,
    /// The rendered prompt.
    pub(crate) prompt: prompt::Prompt,
    /// Makes repeats of the question the same call upstream.
    pub(crate) idempotency_key: Option<String>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// What the agent said.
    pub answer: Answer,
    /// Who said it, and what it took.
    pub usage: Usage,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// The model gateway refused or failed.
    #[error("{source}")]
    Refused {
        /// What it said.
        source: Refused,
        /// What was spent before.
        usage: Usage,
    },
    /// The model answered twice in a way that does not fit the schema.
    #[error("the answer does not fit the schema, even when asked again: {unfit}")]
    Unparseable {
        /// What is wrong with the second answer.
        unfit: Unfit,
        /// What both answers took.
        usage: Usage,
    },
}

/// Asks. Dropping the future withdraws the question upstream.
///
/// # Errors
/// [`Unanswered`].
pub(crate) async fn ask(mesh: &dyn Mesh, call: &Call, question: Question) -> Result<Asked, Unanswered> {
    let mut conversation = Conversation::new(question);
    let first = conversation.turn(mesh, call).await?;
    if conversation.kind != AnswerKind::Review {
        return Ok(Asked { answer: Answer::Prose(first), usage: conversation.usage });
    }
    let unfit = match conversation.read(&first) {
        Ok(review) => return Ok(Asked { answer: Answer::Review(review), usage: conversation.usage }),
        Err(unfit) => unfit,
    };
    conversation.repair(first, &unfit);
    let second = conversation.turn(mesh, call).await?;
    match conversation.read(&second) {
        Ok(review) => Ok(Asked { answer: Answer::Review(review), usage: conversation.usage }),
        Err(unfit) => Err(Unanswered::Unparseable { unfit, usage: conversation.usage }),
    }
}

/// The messages so far and what they took.
struct Conversation {
    prompt: Prompt,
    kind: AnswerKind,
    usage: Usage,
    /// How the last answer ended, in the provider's words.
    finish: String,
}

impl Conversation {
    fn new(question: Question) -> Self {
        let Question { agent, prompt, idempotency_key } = question;
        let kind = agent.answer();
        let schema = (kind == AnswerKind::Review).then(|| json::to_struct(answer::schema()));
        let prompt = Prompt {
            model: named_model(&agent),
            messages: vec![message("system", prompt.system), message("user", prompt.user)],
            task: Some(agent.task).filter(|task| !task.is_empty()),
            complexity: Some(agent.complexity).filter(|complexity| !complexity.is_empty()),
            response_schema: schema,
            idempotency_key,
            ..Prompt::default()
        };
        Self { prompt, kind, usage: Usage::default(), finish: String::new() }
    }

    async fn turn(&mut self, mesh: &dyn Mesh, call: &Call) -> Result<String, Unanswered> {
        match mesh.complete(call, self.prompt.clone()).await {
            Ok(CompleteResponse { output, completion, .. }) => {
                let completion = completion.unwrap_or_default();
                self.finish.clone_from(&completion.finish_reason);
                self.usage.add(completion);
                Ok(output)
            }
            Err(source) => Err(Unanswered::Refused { source, usage: self.usage.clone() }),
        }
    }

    /// The review in an answer that its model ended by itself: one that was cut off, or withheld, is none.
    fn read(&self, text: &str) -> Result<Review, Unfit> {
        match self.finish.as_str() {
            "" | "stop" => answer::read(text),
            reason => Err(Unfit::whole(format!("was not finished: the model ended with {reason}"))),
        }
    }

    /// Another question than the first, so it has another key.
    fn repair(&mut self, answer: String, unfit: &Unfit) {
        let request = answer::repair_request(unfit, &answer::schema());
        // A message without content is refused by the models service and by most providers.
        let answer = if answer.trim().is_empty() { "(no text)".to_owned() } else { answer };
        if let Some(key) = &mut self.prompt.idempotency_key {
            key.push_str(":repair:");
            key.push_str(&digest::of(&[&answer])[..16]);
        }
        self.prompt.messages.extend([message("assistant", answer), message("user", request)]);
    }
}

/// `provider/model`, a provider's name, or nothing: then the route decides.
fn named_model(agent: &Agent) -> Option<String> {
    let given = |name: &Option<String>| name.clone().filter(|name| !name.is_empty());
    match (given(&agent.model_provider), given(&agent.model_name)) {
        (Some(provider), Some(model)) => Some(format!("{provider}/{model}")),
        (Some(provider), None) => Some(provider),
        (None, _) => None,
    }
}

fn message(role: &str, content: String) -> Message {
    Message { role: role.to_owned(), content, ..Message::default() }
}

impl Usage {
    /// Adds what one answer took.
    fn add(&mut self, completion: Completion) {
        let tokens = completion.usage.unwrap_or_default();
        self.input_tokens = self.input_tokens.saturating_add(tokens.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(tokens.output_tokens);
        self.provider = completion.provider;
        self.model = completion.model;
    }
}
