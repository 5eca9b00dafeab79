use bsm_runtime::settings::{OfflineUse, Settings};
use bsm_runtime::status;
use futures_util::TryStreamExt;
use tonic::Code;

use super::*;
use crate::testing::{Script, Scripted, Then, deltas, process, settings};

mod replay;

fn models(settings: Settings) -> Models {
    let (limit, process) = (settings.max_agent_input, process(settings));
    let gateway = Arc::new(Gateway::of(&process).unwrap());
    Models::new(Arc::clone(&gateway), Replay::of(&process, gateway), limit)
}

fn without_key() -> Models {
    models(settings("http://127.0.0.1:1/v1", &[]))
}

fn prompt(content: &str) -> v1::Prompt {
    let message = v1::Message { role: "user".to_owned(), content: content.to_owned(), ..Default::default() };
    v1::Prompt { messages: vec![message], ..Default::default() }
}

fn chat(message: &str) -> Request<v1::ChatDirectRequest> {
    Request::new(v1::ChatDirectRequest { message: message.to_owned(), history: Vec::new(), language: None })
}

fn shown(status: &Status) -> (Code, String) {
    (status.code(), status::reason(status).unwrap_or_default())
}

async fn complete(models: &Models, prompt: v1::Prompt) -> Result<v1::CompleteResponse, Status> {
    let request = Request::new(v1::CompleteRequest { prompt: Some(prompt) });
    models.complete(request).await.map(Response::into_inner)
}

#[tokio::test]
async fn an_answer_carries_its_completion() {
    let provider = Scripted::start([Script::fails(401, ""), Script::says("Hello!")]).await;
    let models = models(settings(&provider.url, &["sk-one", "sk-two"]));
    let answer = complete(&models, prompt("hi")).await.unwrap();
    let completion = answer.completion.unwrap();
    assert_eq!(answer.output, "Hello!");
    assert_eq!((completion.provider.as_str(), completion.model.as_str()), ("openai", "gpt-4o-2024-08-06"));
    assert_eq!(completion.usage, Some(v1::Usage { input_tokens: 3, output_tokens: 2, ..Default::default() }));
    assert_eq!(completion.attempts[0].code, "CREDENTIAL_REFUSED");
    assert_eq!(completion.attempts[0].message, "openai answered 401");
}

#[tokio::test]
async fn a_prompt_that_is_not_there_is_refused_with_its_field() {
    let status =
        without_key().complete(Request::new(v1::CompleteRequest { prompt: None })).await.unwrap_err();
    assert_eq!(shown(&status), (Code::InvalidArgument, "INVALID_INPUT".to_owned()));
    assert_eq!(status::field_violations(&status)[0].0, "prompt.messages");
}

#[tokio::test]
async fn unknown_models_and_missing_keys_have_their_own_reasons() {
    let models = without_key();
    let named = |name: &str| v1::Prompt { model: Some(name.to_owned()), ..prompt("hi") };
    let unknown = complete(&models, named("gpt-9")).await.unwrap_err();
    assert_eq!(shown(&unknown), (Code::NotFound, "MODEL_NOT_FOUND".to_owned()));
    let missing = complete(&models, named("openai")).await.unwrap_err();
    assert_eq!(shown(&missing), (Code::FailedPrecondition, "MISSING_API_KEY".to_owned()));
}

#[tokio::test]
async fn a_stream_ends_with_done_and_nothing_else_is_done() {
    let provider = Scripted::start([Script::streams(&["Hel", "lo"])]).await;
    let models = models(settings(&provider.url, &["sk-one"]));
    let request =
        Request::new(v1::StreamCompleteRequest { prompt: Some(prompt("hi")), ..Default::default() });
    let stream = models.stream_complete(request).await.unwrap().into_inner();
    let messages: Vec<_> = stream.try_collect().await.unwrap();
    let deltas: Vec<&str> = messages.iter().map(|message| message.delta.as_str()).collect();
    assert_eq!(deltas, ["Hel", "lo", ""]);
    assert!(messages.iter().map(|message| message.done.is_some()).eq([false, false, true]));
    assert_eq!(messages[2].done.as_ref().unwrap().provider, "openai");
}

#[tokio::test]
async fn a_stream_that_fails_midway_ends_with_an_error_that_names_its_attempts() {
    let provider = Scripted::start([Script::Stream(deltas(&["a"]), Then::Reset)]).await;
    let models = models(settings(&provider.url, &["sk-one"]));
    let request =
        Request::new(v1::StreamCompleteRequest { prompt: Some(prompt("hi")), ..Default::default() });
    let mut stream = models.stream_complete(request).await.unwrap().into_inner();
    assert_eq!(stream.next().await.unwrap().unwrap().delta, "a");
    let status = stream.next().await.unwrap().unwrap_err();
    assert_eq!(shown(&status), (Code::Unavailable, "UPSTREAM_ERROR".to_owned()));
    assert_eq!(status::metadata(&status)["attempts"], "1");
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_silent_model_is_said_to_be_silent_in_the_callers_language() {
    let provider = Scripted::start([Script::says(" \n")]).await;
    let models = models(settings(&provider.url, &["sk-one"]));
    let answer = models.chat_direct(chat("مرحبا")).await.unwrap().into_inner();
    assert_eq!((answer.output.as_str(), answer.provider.as_str()), ("لم يتم استلام رد.", "openai"));
    let english = v1::ChatDirectRequest { language: Some("en".to_owned()), ..chat("hi").into_inner() };
    let answer = models.chat_direct(Request::new(english)).await.unwrap().into_inner();
    assert_eq!(answer.output, "No response received.");
}

#[tokio::test]
async fn a_silent_stream_says_so_before_its_end() {
    let provider = Scripted::start([Script::streams(&[])]).await;
    let models = models(settings(&provider.url, &["sk-one"]));
    let request = v1::StreamChatDirectRequest { message: "hi".to_owned(), ..Default::default() };
    let stream = models.stream_chat_direct(Request::new(request)).await.unwrap().into_inner();
    let messages: Vec<_> = stream.try_collect().await.unwrap();
    assert_eq!((messages.len(), messages[0].delta.as_str()), (2, "لم يتم استلام رد."));
    assert!(messages[1].done.is_some());
}

#[tokio::test]
async fn a_chat_message_goes_up_with_the_rules_and_its_history() {
    let provider = Scripted::start([Script::says("ok")]).await;
    let models = models(settings(&provider.url, &["sk-one"]));
    let turn =
        v1::Message { role: "assistant".to_owned(), content: "earlier".to_owned(), ..Default::default() };
    let request = v1::ChatDirectRequest { history: vec![turn], ..chat("now").into_inner() };
    models.chat_direct(Request::new(request)).await.unwrap();
    let sent = provider.seen()[0].body["messages"].clone();
    let roles: Vec<&str> =
        sent.as_array().unwrap().iter().map(|turn| turn["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "assistant", "user"]);
}

#[tokio::test]
async fn chat_refuses_with_the_contracts_reasons() {
    let models = without_key();
    let long = models.chat_direct(chat(&"ع".repeat(4001))).await.unwrap_err();
    assert_eq!(shown(&long), (Code::InvalidArgument, "INPUT_TOO_LONG".to_owned()));
    assert!(models.chat_direct(chat(&"ع".repeat(4000))).await.is_ok(), "characters count, not bytes");
    let empty = models.chat_direct(chat(" ")).await.unwrap_err();
    assert_eq!(shown(&empty), (Code::InvalidArgument, "INVALID_INPUT".to_owned()));
    assert_eq!(status::field_violations(&empty), [("message".to_owned(), "must not be empty".to_owned())]);
}

#[tokio::test]
async fn the_route_is_explained_and_the_providers_listed_without_asking_anyone() {
    let provider = Scripted::start([Script::says("no")]).await;
    let mut settings = settings(&provider.url, &["sk-canary"]);
    settings.models.offline = OfflineUse::Always;
    let models = models(settings);
    let route =
        models.explain_route(Request::new(v1::ExplainRouteRequest::default())).await.unwrap().into_inner();
    let eligible = route.candidates.iter().filter(|candidate| candidate.eligible);
    let told: Vec<_> =
        eligible.map(|c| (c.provider.as_str(), c.family.as_str(), c.reason.as_str())).collect();
    let chosen = ("openai", "default", "default is the route's choice, by priority");
    assert_eq!(told, [chosen, ("offline", "", "the end of every route")]);
    assert_eq!((route.route.as_str(), route.version.len()), ("chat_response/medium", 12));
    let passed_over = route.candidates.iter().find(|candidate| candidate.provider == "anthropic").unwrap();
    assert_eq!(passed_over.reason, "it has no key; set ANTHROPIC_KEY");
    let search = v1::ExplainRouteRequest { search: true, ..Default::default() };
    let search = models.explain_route(Request::new(search)).await.unwrap().into_inner();
    assert_eq!(
        (search.route.as_str(), search.candidates[0].provider.as_str()),
        ("search/medium", "perplexity")
    );
    let listed = models.list_providers(Request::new(v1::ListProvidersRequest {})).await.unwrap().into_inner();
    let openai = &listed.providers[0];
    assert_eq!((openai.usable, openai.keys, openai.breaker.as_str()), (true, 1, "CLOSED"));
    assert!(!format!("{listed:?}").contains("canary"));
    let prices =
        models.list_prices(Request::new(v1::ListPricesRequest {})).await.unwrap().into_inner().prices;
    let price = prices.iter().find(|price| price.model == "openai/gpt-4o").unwrap();
    assert_eq!((price.input, price.output, price.as_of.as_str()), (Some(2.5), Some(10.0), "2025-11-24"));
    assert!(price.old, "a price stays so only until somebody dates it anew");
    let bad = v1::ExplainRouteRequest { complexity: Some("extreme".to_owned()), ..Default::default() };
    let status = models.explain_route(Request::new(bad)).await.unwrap_err();
    assert_eq!(status::field_violations(&status)[0].0, "complexity");
    assert!(provider.seen().is_empty());
}

#[tokio::test]
async fn the_route_is_explained_as_the_callers_budget_lets_it_be_gone() {
    let mut settings = settings("http://127.0.0.1:1/v1", &["sk-one"]);
    settings.models.offline = OfflineUse::Always;
    settings.models.budgets = vec!["key poor 0.000001 usd/day".to_owned()];
    let models = models(settings);
    let explain = async |caller: &str| {
        let mut request = Request::new(v1::ExplainRouteRequest::default());
        request.extensions_mut().insert(Call::background("c").with_caller(caller));
        models.explain_route(request).await.unwrap().into_inner().candidates
    };
    let first = |candidates: &[v1::Candidate]| {
        let openai = candidates.iter().find(|candidate| candidate.provider == "openai").unwrap();
        (openai.eligible, openai.reason.clone())
    };
    let poor = explain("poor").await;
    let why =
        "the budget key poor 0.000001 usd/day has 0.000001 left, and its shortest answer may take 0.0102425";
    assert_eq!(first(&poor), (false, why.to_owned()));
    let last = poor.last().unwrap();
    assert!(last.eligible && last.provider == "offline", "it costs nothing: {poor:?}");
    assert!(first(&explain("rich").await).0, "somebody else's budget says nothing of theirs");
}

fn embed(model: Option<&str>, inputs: &[&str]) -> Request<v1::EmbedRequest> {
    let inputs = inputs.iter().map(|input| (*input).to_owned()).collect();
    Request::new(v1::EmbedRequest { model: model.map(str::to_owned), inputs, dimensions: None })
}

#[tokio::test]
async fn texts_become_vectors_and_a_refused_key_is_followed_by_the_next() {
    let item = |index: u32| serde_json::json!({"index": index, "embedding": [0.5, f64::from(index)]});
    let made = serde_json::json!({"data": [item(0), item(1)], "model": "e", "usage": {"prompt_tokens": 4}});
    let provider = Scripted::start([Script::fails(401, ""), Script::json(200, &made)]).await;
    let models = models(settings(&provider.url, &["sk-one", "sk-two"]));
    let answer = models.embed(embed(None, &["a", "b"])).await.unwrap().into_inner();
    let vectors: Vec<_> = answer.vectors.into_iter().map(|vector| vector.values).collect();
    assert_eq!(vectors, [[0.5, 0.0], [0.5, 1.0]]);
    let completion = answer.completion.unwrap();
    assert_eq!((completion.provider.as_str(), completion.usage.unwrap().input_tokens), ("openai", 4));
    assert_eq!(completion.attempts[0].code, "CREDENTIAL_REFUSED");
    assert_eq!(provider.seen()[1].body["model"], "text-embedding-3-small");
}

#[tokio::test]
async fn a_vector_too_few_is_a_malformed_answer() {
    let made = serde_json::json!({"data": [{"index": 0, "embedding": [0.5]}]});
    let provider = Scripted::start([Script::json(200, &made)]).await;
    let models = models(settings(&provider.url, &["sk-one"]));
    let status = models.embed(embed(None, &["a", "b"])).await.unwrap_err();
    assert_eq!(shown(&status), (Code::Unavailable, "UPSTREAM_MALFORMED".to_owned()));
}

#[tokio::test]
async fn the_built_in_reviewer_makes_no_vectors_and_calls_no_tools_and_says_so() {
    let models = without_key();
    let offline = models.embed(embed(Some("offline"), &["a"])).await.unwrap_err();
    assert_eq!(shown(&offline), (Code::InvalidArgument, "NOT_SUPPORTED".to_owned()));
    let keyless = models.embed(embed(None, &["a"])).await.unwrap_err();
    assert_eq!(shown(&keyless), (Code::FailedPrecondition, "MISSING_API_KEY".to_owned()));
    let tool = v1::Tool { name: "now".to_owned(), ..Default::default() };
    let must = v1::Prompt { tools: vec![tool], tool_choice: Some("required".to_owned()), ..prompt("hi") };
    let status = complete(&models, must).await.unwrap_err();
    assert_eq!(shown(&status), (Code::InvalidArgument, "NOT_SUPPORTED".to_owned()));
}

#[tokio::test]
async fn tool_calls_are_part_of_the_answer_whole_and_in_pieces() {
    let call = serde_json::json!({"index": 0, "id": "c1", "function": {"name": "now", "arguments": "{}"}});
    let message = serde_json::json!({"role": "assistant", "content": null, "tool_calls": [call]});
    let choice = |key: &str| serde_json::json!({"model": "m", "choices": [{key: message, "finish_reason": "tool_calls"}]});
    let event = format!("data: {}\n\n", choice("delta"));
    let streamed = Script::Stream(vec![event, "data: [DONE]\n\n".to_owned()], Then::Close);
    let provider = Scripted::start([Script::json(200, &choice("message")), streamed]).await;
    let models = models(settings(&provider.url, &["sk-one"]));
    let whole = complete(&models, prompt("when?")).await.unwrap();
    let expected = v1::ToolCall { id: "c1".to_owned(), name: "now".to_owned(), arguments: "{}".to_owned() };
    assert_eq!(whole.tool_calls, [expected]);
    assert_eq!(whole.completion.unwrap().finish_reason, "tool_calls");
    let request =
        Request::new(v1::StreamCompleteRequest { prompt: Some(prompt("when?")), ..Default::default() });
    let stream = models.stream_complete(request).await.unwrap().into_inner();
    let messages: Vec<_> = stream.try_collect().await.unwrap();
    let call = messages[0].tool_call.clone().unwrap();
    assert_eq!((call.index, call.id.as_deref(), call.name.as_deref()), (0, Some("c1"), Some("now")));
    assert!(messages[1].done.is_some());
}

#[tokio::test]
async fn whether_keys_serve_is_seen_by_all_and_how_each_stands_by_readers_and_the_keys_by_nobody() {
    let provider = Scripted::start([Script::fails(401, "")]).await;
    let models = models(settings(&provider.url, &["sk-canary-one", "sk-canary-two"]));
    let status = async || {
        let told =
            models.get_key_status(Request::new(v1::GetKeyStatusRequest {})).await.unwrap().into_inner();
        assert!(!format!("{told:?}").contains("canary") && told.timestamp > 0.0);
        (told.status["openai"], told.ui["openai"].clone())
    };
    assert_eq!(status().await, (true, "✅ GPT-4 Ready".to_owned()));
    complete(&models, prompt("hi")).await.unwrap_err();
    assert_eq!(status().await, (false, "🔴 GPT-4 Offline".to_owned()));
    let listed = models.list_providers(Request::new(v1::ListProvidersRequest {})).await.unwrap().into_inner();
    let keys = &listed.providers.iter().find(|provider| provider.name == "openai").unwrap().key_status;
    let told: Vec<_> =
        keys.iter().map(|key| (key.position, key.state.as_str(), key.reason.as_str())).collect();
    assert_eq!(told, [(1, "refused", "CREDENTIAL_REFUSED"), (2, "refused", "CREDENTIAL_REFUSED")]);
    assert!(keys.iter().all(|key| key.retry_in_ms.is_some_and(|wait| wait > 0.0)), "{keys:?}");
    assert!(!format!("{listed:?}").contains("canary"));
}
