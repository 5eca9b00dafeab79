//! Every provider that is built in, over its own wire, at a server that speaks it.

use bsm_runtime::settings::Variables;
use bsm_testkit::reply::ToolCall;
use bsm_testkit::{Provider as Server, Reply};
use futures_util::future::join_all;
use serde_json::json;

use super::*;
use crate::ask::{Tool, ToolChoice};

const KEY: &str = "sk-canary";
const TEXT: &str = "Hello سلام 👋 world";
const ARGUMENTS: &str = r#"{"city":"حيفا","days":[1,2]}"#;

/// A provider of the catalog, and where a test finds it.
struct Row {
    name: &'static str,
    key: &'static str,
    address: &'static str,
    /// What follows the server's origin in its address.
    below: &'static str,
    /// The wire's word for an answer that is as long as it may be.
    length: &'static str,
    /// Whether it has tools.
    tools: bool,
}

const fn row(
    name: &'static str,
    key: &'static str,
    address: &'static str,
    below: &'static str,
    length: &'static str,
) -> Row {
    Row { name, key, address, below, length, tools: true }
}

const ROWS: [Row; 8] = [
    row("openai", "OPENAI_API_KEY", "BSM_OPENAI_BASE_URL", "/v1", "length"),
    Row { tools: false, ..row("perplexity", "PERPLEXITY_KEY", "BSM_PERPLEXITY_BASE_URL", "", "length") },
    row("anthropic", "ANTHROPIC_KEY", "BSM_ANTHROPIC_BASE_URL", "", "max_tokens"),
    row("google", "GOOGLE_AI_KEY", "BSM_GOOGLE_BASE_URL", "", "MAX_TOKENS"),
    row("azure", "AZURE_OPENAI_KEY", "AZURE_OPENAI_ENDPOINT", "", "length"),
    row("groq", "GROQ_API_KEY", "BSM_GROQ_BASE_URL", "/openai/v1", "length"),
    row("mistral", "MISTRAL_API_KEY", "BSM_MISTRAL_BASE_URL", "/v1", "length"),
    row("cohere", "COHERE_API_KEY", "BSM_COHERE_BASE_URL", "", "MAX_TOKENS"),
];

// === impl Row ===

impl Row {
    /// The provider at a server that replies like this, and the gateway that knows it alone.
    async fn at(&self, reply: Reply) -> (Server, Gateway) {
        let server = Server::start(move |_| reply.clone()).await.unwrap();
        let address = format!("{}{}", server.origin(), self.below);
        let variables = [(self.key, KEY), (self.address, &address), ("AZURE_OPENAI_DEPLOYMENT", "my-gpt")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut settings = settings("http://127.0.0.1:1/v1", &[]);
        settings.models.openai_base_url = (self.name == "openai").then_some(address);
        settings.models.variables = variables.into_iter().collect::<Variables>();
        (server, gateway(settings))
    }

    fn ask(&self) -> Ask {
        Ask { model: Some(self.name.to_owned()), ..ask("hi") }
    }

    fn with_tool(&self) -> Ask {
        let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}});
        let parameters = parameters.as_object().cloned().unwrap();
        let tool = Tool { name: "get_weather".to_owned(), description: None, parameters };
        Ask { tools: vec![tool], tool_choice: Some(ToolChoice::Required), ..self.ask() }
    }
}

fn failed<T: std::fmt::Debug>(result: Result<T, Error>) -> Kind {
    match result {
        Err(Error::Failed(attempts)) => attempts.kind(),
        other => panic!("expected a failure, not {other:?}"),
    }
}

/// The text, the calls with their arguments put together, and the end of a stream.
async fn gathered(answered: Answered<PieceStream>) -> (String, Vec<(String, String)>, crate::answer::Finish) {
    let pieces: Vec<Piece> = answered.answer.try_collect().await.unwrap();
    let (mut text, mut calls, mut end) = (String::new(), Vec::<(String, String)>::new(), None);
    for piece in pieces {
        match piece {
            Piece::Delta(delta) => text.push_str(&delta),
            Piece::Call(delta) => {
                calls.extend(delta.name.map(|name| (name, String::new())));
                calls[delta.index].1.push_str(&delta.arguments);
            }
            Piece::Citations(_) => {}
            Piece::Done(finish) => end = Some(finish),
        }
    }
    (text, calls, end.unwrap())
}

#[tokio::test]
async fn every_provider_answers_whole_and_in_pieces_however_its_bytes_are_cut() {
    for row in &ROWS {
        let (server, gateway) = row.at(Reply::Says(TEXT.to_owned()).cut(3)).await;
        let whole = gateway.complete(&row.ask(), caller()).await.unwrap();
        assert_eq!((&*whole.provider, whole.answer.output.as_str()), (row.name, TEXT));
        let finish = whole.answer.finish;
        assert_eq!(
            (finish.reason.as_str(), finish.usage.input_tokens, finish.usage.output_tokens),
            ("stop", 11, 4),
            "{}",
            row.name
        );
        assert!(!finish.model.is_empty(), "{}", row.name);
        let (text, _, end) = gathered(gateway.stream(&row.ask(), caller()).await.unwrap()).await;
        assert_eq!((text.as_str(), &end), (TEXT, &finish), "{}", row.name);
        assert!(server.asked().iter().all(|asked| asked.key.as_deref() == Some(KEY)), "{}", row.name);
    }
}

#[tokio::test]
async fn every_provider_with_tools_has_its_calls_read_whole_and_in_pieces() {
    for row in &ROWS {
        let call = ToolCall::new("call_1", "get_weather", ARGUMENTS);
        let (server, gateway) =
            row.at(Reply::Calls(vec![call.clone(), ToolCall::new("call_2", "now", "{}")]).cut(2)).await;
        if !row.tools {
            assert_eq!(failed(gateway.complete(&row.with_tool(), caller()).await), Kind::Unsupported);
            assert_eq!(server.asked().len(), 0, "what {} does not have costs no call", row.name);
            continue;
        }
        let whole = gateway.complete(&row.with_tool(), caller()).await.unwrap().answer;
        let calls: Vec<(&str, &str)> =
            whole.calls.iter().map(|call| (call.name.as_str(), call.arguments.as_str())).collect();
        assert_eq!(calls, [("get_weather", ARGUMENTS), ("now", "{}")], "{}", row.name);
        assert_eq!(whole.finish.reason, "tool_calls", "{}", row.name);
        assert!(whole.calls.iter().all(|call| !call.id.is_empty()), "{}", row.name);
        let (_, calls, end) = gathered(gateway.stream(&row.with_tool(), caller()).await.unwrap()).await;
        let calls: Vec<(&str, &str)> =
            calls.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(calls, [("get_weather", ARGUMENTS), ("now", "{}")], "{}", row.name);
        assert_eq!(end.reason, "tool_calls", "{}", row.name);
    }
}

#[tokio::test]
async fn an_answer_that_is_as_long_as_it_may_be_says_so_in_the_contracts_word() {
    for row in &ROWS {
        let (_server, gateway) = row.at(Reply::Says(TEXT.to_owned()).finish(row.length)).await;
        let whole = gateway.complete(&row.ask(), caller()).await.unwrap();
        let (.., end) = gathered(gateway.stream(&row.ask(), caller()).await.unwrap()).await;
        assert_eq!(
            (whole.answer.finish.reason.as_str(), end.reason.as_str()),
            ("length", "length"),
            "{}",
            row.name
        );
    }
}

#[tokio::test]
async fn every_provider_fails_in_the_same_words() {
    let replies = [
        (Reply::Fails(401), Kind::Credential),
        (Reply::Fails(403), Kind::Credential),
        (Reply::Fails(404), Kind::ModelGone),
        (Reply::throttled("60"), Kind::Throttled),
        (Reply::Fails(400), Kind::Rejected),
        (Reply::Fails(413), Kind::ContextTooLong),
        (Reply::Fails(500), Kind::Transient),
        (Reply::Fails(503), Kind::Transient),
        (Reply::html(), Kind::Malformed),
        (Reply::Raw("application/json", String::new()), Kind::Malformed),
        (
            Reply::Raw(
                "application/json",
                "{\"choices\": 7, \"content\": 7, \"candidates\": 7, \"message\": 7}".to_owned(),
            ),
            Kind::Malformed,
        ),
        (Reply::Says(TEXT.to_owned()).cut(20).end_after(1), Kind::Malformed),
    ];
    let cases = ROWS.iter().flat_map(|row| replies.iter().map(move |(reply, kind)| (row, reply, *kind)));
    join_all(cases.map(|(row, reply, kind)| async move {
        let (_server, gateway) = row.at(reply.clone()).await;
        assert_eq!(failed(gateway.complete(&row.ask(), caller()).await), kind, "{}: {reply:?}", row.name);
    }))
    .await;
}

#[tokio::test]
async fn a_stream_that_breaks_off_midway_has_failed_at_every_provider() {
    for row in &ROWS {
        let (_server, gateway) = row.at(Reply::Says(TEXT.to_owned()).end_after(3)).await;
        let answered = gateway.stream(&row.ask(), caller()).await;
        let last = match answered {
            Ok(answered) => answered.answer.collect::<Vec<_>>().await.pop().unwrap().unwrap_err().kind,
            Err(error) => failed::<()>(Err(error)),
        };
        assert_eq!(last, Kind::Transient, "{}", row.name);
    }
}

#[tokio::test]
async fn texts_become_vectors_at_every_provider_that_makes_them() {
    for name in ["openai", "google", "mistral", "cohere"] {
        let row = ROWS.iter().find(|row| row.name == name).unwrap();
        let (_server, gateway) = row.at(Reply::Says(String::new())).await;
        let inputs = ["one", "two", "one"].map(str::to_owned).to_vec();
        let ask = EmbedAsk { model: Some(name.to_owned()), inputs, dimensions: Some(5) };
        let made = gateway.embed(&ask, caller()).await.unwrap().answer;
        assert_eq!(
            (made.vectors.len(), made.vectors[0].len(), made.model.is_empty()),
            (3, 5, false),
            "{name}"
        );
        assert!(made.vectors[0] == made.vectors[2] && made.vectors[0] != made.vectors[1], "{name}");
    }
}

#[tokio::test]
async fn azure_is_asked_for_its_deployment_and_gemini_for_its_model_in_the_path() {
    let path = async |name: &str| {
        let row = ROWS.iter().find(|row| row.name == name).unwrap();
        let (server, gateway) = row.at(Reply::Says(TEXT.to_owned())).await;
        gateway.complete(&row.ask(), caller()).await.unwrap();
        (server.asked()[0].path.clone(), server.asked()[0].query.clone())
    };
    let azure =
        ("/openai/deployments/my-gpt/chat/completions".to_owned(), "api-version=2024-10-21".to_owned());
    assert_eq!(path("azure").await, azure);
    assert_eq!(
        path("google").await,
        ("/v1beta/models/gemini-2.5-pro:generateContent".to_owned(), String::new())
    );
}
