//! From a conversation to an answer: a review where there is a diff, and an honest word where there is none.

mod text;

use super::lens::Lens;
use super::marks;
use super::review::{Nothing, Review, review};

/// What is asked of the offline reviewer.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The conversation, oldest first.
    pub messages: &'a [Message<'a>],
    /// The kind of work; chooses the lens. See [`Lens::of_task`].
    pub task: &'a str,
    /// The language of an answer in text; findings are in English.
    pub tongue: Tongue,
    /// The shape of the answer.
    pub form: Form,
}

/// One message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub text: &'a str,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The instructions of an agent.
    System,
    /// Who asks. Only these messages are looked at.
    User,
    /// Earlier answers.
    Assistant,
}

/// The language of an answer in text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tongue {
    /// `en`
    #[default]
    English,
    /// `ar`
    Arabic,
}

/// The shape of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The JSON of [`Review`].
    Json,
    /// Text for people.
    Text,
}

/// What the offline reviewer says.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The answer in the form that was asked for.
    pub text: String,
    /// The review behind it, if there was a diff.
    pub review: Option<Review>,
}

/// Answers a conversation.
///
/// With [`Form::Json`], the last user message that holds a diff is reviewed: a later one may only ask for the
/// JSON again. With [`Form::Text`], a diff in the last user message is reviewed, and anything else gets a text
/// that says what this is, what it can do, and how to reach a model.
///
/// # Errors
/// [`Nothing`] when JSON is asked for and no user message holds a diff.
pub fn answer(request: &Request<'_>) -> Result<Answer, Nothing> {
    let lens = Lens::of_task(request.task);
    let mut asked = request.messages.iter().rev().filter(|message| message.role == Role::User);
    let read = |message: &Message<'_>| marks::diff(request.messages, message);
    match request.form {
        Form::Json => {
            let diff = asked.map(read).find(|diff| !diff.is_empty());
            let review = review(&diff.ok_or(Nothing)?, lens)?;
            let text =
                serde_json::to_string(&review).expect("a review has only string keys and finite numbers");
            Ok(Answer { text, review: Some(review) })
        }
        Form::Text => {
            let diff = asked.next().map(read).unwrap_or_default();
            Ok(match review(&diff, lens) {
                Ok(review) => Answer { text: text::shown(&review, request.tongue), review: Some(review) },
                Err(Nothing) => Answer { text: text::introduction(request.tongue), review: None },
            })
        }
    }
}

// === impl Role ===

impl Role {
    /// By its name on the wire; anything but `system` and `assistant` asks.
    pub fn of_name(name: &str) -> Self {
        match name {
            "system" => Self::System,
            "assistant" => Self::Assistant,
            _ => Self::User,
        }
    }
}

// === impl Tongue ===

impl Tongue {
    /// By its tag: Arabic for `ar` and its regions, English for anything else.
    pub fn of_tag(tag: &str) -> Self {
        if tag == "ar" || tag.starts_with("ar-") { Self::Arabic } else { Self::English }
    }
}
