//! What differs between the providers of this wire; the shapes are written from each one's public reference.

use super::*;
use crate::answer::Citation;
use crate::ask::{ContextSize, EmbedAsk, Recency, Search, SearchMode, Tool, ToolChoice};
use crate::face::{Asked, Face};
use crate::wire::named;

fn wire(name: &str) -> Arc<dyn Wire> {
    named(name, &Dialect::default()).unwrap()
}

fn sent(name: &str, ask: &Ask, mode: Mode) -> Value {
    serde_json::from_slice(&wire(name).request("m", ask, mode).body).unwrap()
}

fn with_tool() -> Ask {
    let tool = Tool { name: "now".to_owned(), description: None, parameters: serde_json::Map::new() };
    Ask { tools: vec![tool], tool_choice: Some(ToolChoice::Required), ..ask() }
}

#[test]
fn every_variant_is_found_by_its_name_and_no_two_share_one() {
    let names: std::collections::HashSet<&str> = VARIANTS.iter().map(|variant| variant.name).collect();
    assert_eq!(names.len(), VARIANTS.len());
    assert!(names.iter().all(|name| named(name, &Dialect::default()).is_some()));
    assert!(named("telex", &Dialect::default()).is_none());
}

#[test]
fn limits_seeds_and_choices_are_in_the_fields_of_each() {
    let wishes = Ask { max_tokens: Some(9), seed: Some(7), ..with_tool() };
    let cases = [
        ("openai", "max_completion_tokens", "seed", json!("required")),
        ("azure", "max_completion_tokens", "seed", json!("required")),
        ("groq", "max_completion_tokens", "seed", json!("required")),
        ("compatible", "max_tokens", "seed", json!("required")),
        ("mistral", "max_tokens", "random_seed", json!("any")),
        ("perplexity", "max_tokens", "seed", json!(null)),
    ];
    for (name, limit, seed, choice) in cases {
        let sent = sent(name, &wishes, Mode::Whole);
        assert_eq!(
            (&sent[limit], &sent[seed], &sent["tool_choice"]),
            (&json!(9), &json!(7), &choice),
            "{name}"
        );
    }
}

#[test]
fn the_usage_of_a_stream_is_asked_for_where_that_is_known() {
    for (name, known) in
        [("openai", true), ("groq", true), ("azure", true), ("mistral", false), ("perplexity", false)]
    {
        let sent = sent(name, &ask(), Mode::Stream);
        assert_eq!((sent["stream"] == true, sent.get("stream_options").is_some()), (true, known), "{name}");
    }
}

#[test]
fn tools_are_refused_where_there_are_none_unless_they_do_not_matter() {
    let refused = wire("perplexity").refuses(&with_tool()).unwrap();
    assert_eq!((refused.kind, refused.message.as_str()), (Kind::Unsupported, "takes no tools"));
    let unused = Ask { tool_choice: Some(ToolChoice::None), ..with_tool() };
    assert_eq!(wire("perplexity").refuses(&unused), None);
    assert_eq!(wire("groq").refuses(&with_tool()), None);
}

#[test]
fn json_without_a_schema_is_a_schema_of_any_object_where_there_is_no_other_way() {
    let json = Ask { format: Format::Json, ..ask() };
    assert_eq!(sent("mistral", &json, Mode::Whole)["response_format"], json!({"type": "json_object"}));
    let any = json!({"type": "json_schema", "json_schema": {"schema": {"type": "object"}}});
    assert_eq!(sent("perplexity", &json, Mode::Whole)["response_format"], any);
}

#[test]
fn azure_has_the_deployment_and_its_version_in_the_path_and_the_key_in_a_header_of_its_own() {
    let azure = wire("azure");
    let request = azure.request("my gpt/../x", &ask(), Mode::Whole);
    let path = "/openai/deployments/my%20gpt%2F..%2Fx/chat/completions?api-version=2024-10-21";
    assert_eq!(request.path, path);
    let (name, value) = azure.authorization(&SecretString::from("canary")).unwrap();
    assert_eq!(
        (name.as_str(), value.as_bytes(), value.is_sensitive()),
        ("api-key", b"canary".as_slice(), true)
    );
    let newer = Dialect { api_version: Some("2025-04-01-preview".into()), ..Dialect::default() };
    let inputs = vec!["one".to_owned()];
    let embed = named("azure", &newer).unwrap().embed("e", &EmbedAsk { inputs, ..EmbedAsk::default() });
    assert_eq!(embed.unwrap().path, "/openai/deployments/e/embeddings?api-version=2025-04-01-preview");
}

#[test]
fn azure_begins_with_what_it_thinks_of_the_prompt() {
    let verdict = json!({"choices": [], "created": 0, "id": "", "model": "", "object": "",
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]});
    let text = json!({"choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": null}], "model": "gpt-4o"});
    let end =
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "content_filter"}], "model": "gpt-4o"});
    let stream: String = [verdict, text, end].iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    let pieces = wire("azure").pieces().push(format!("{stream}data: [DONE]\n\n").as_bytes()).unwrap();
    let usage = Usage::default();
    let finish = Finish { model: "gpt-4o".to_owned(), reason: "content_filter".to_owned(), usage };
    assert_eq!(pieces, [Piece::Delta("hi".to_owned()), Piece::Done(finish)]);
}

#[test]
fn errors_are_read_in_the_shape_of_each() {
    let azure = json!({"error": {"message": "The response was filtered", "type": null, "param": "prompt",
        "code": "content_filter", "status": 400, "innererror": {"code": "ResponsibleAIPolicyViolation"}}});
    let gone =
        json!({"error": {"code": "DeploymentNotFound", "message": "The API deployment does not exist."}});
    let mistral = json!({"object": "error", "message": "Prompt contains 40000 tokens and 0 draft tokens, \
        too large for model with 32768 maximum context length", "type": "invalid_request_error", "param": null, "code": "3051"});
    let model =
        json!({"object": "error", "message": "Invalid model: nope", "type": "invalid_model", "code": "1500"});
    let detail = json!({"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]});
    let groq = json!({"error": {"message": "Request too large for model on tokens per minute (TPM): Limit 6000, \
        Requested 9000", "type": "tokens", "code": "rate_limit_exceeded"}});
    let failed = json!({"error": {"message": "Failed to call a function.", "type": "invalid_request_error",
        "code": "tool_use_failed", "failed_generation": "{"}});
    let vllm = json!({"object": "error", "message": "This model's maximum context length is 4096 tokens.",
        "type": "BadRequestError", "param": null, "code": 400});
    let llama = json!({"error": {"code": 400, "message": "the request exceeds the available context size",
        "type": "exceed_context_size_error", "n_ctx": 4096}});
    let loading = json!({"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}});
    let perplexity =
        json!({"error": {"message": "Invalid API key provided.", "type": "invalid_api_key", "code": 401}});
    let unpaid = json!({"error": {"message": "Insufficient Balance", "type": "unknown_error", "code": "invalid_request_error"}});
    let cases = [
        (400, azure, Kind::ContentPolicy),
        (404, gone, Kind::ModelGone),
        (400, mistral, Kind::ContextTooLong),
        (400, model, Kind::ModelGone),
        (422, detail, Kind::Rejected),
        (413, groq, Kind::ContextTooLong),
        (400, failed, Kind::Malformed),
        (400, vllm, Kind::ContextTooLong),
        (400, llama, Kind::ContextTooLong),
        (503, loading, Kind::Transient),
        (401, perplexity, Kind::Credential),
        (402, unpaid, Kind::Quota),
        (401, json!({"detail": "Unauthorized"}), Kind::Credential),
    ];
    for (status, body, kind) in cases {
        let status = StatusCode::from_u16(status).unwrap();
        let failure = WIRE.refusal(status, &HeaderMap::new(), body.to_string().as_bytes());
        assert_eq!(failure.kind, kind, "{body}");
    }
    let detail = json!({"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]});
    let failure =
        WIRE.refusal(StatusCode::UNPROCESSABLE_ENTITY, &HeaderMap::new(), detail.to_string().as_bytes());
    assert_eq!(failure.message, "answered 422: body.seed Extra inputs are not permitted");
}

#[test]
fn a_number_for_a_code_within_a_success_is_read_as_a_status() {
    for (code, kind) in
        [(429, Kind::Throttled), (402, Kind::Quota), (502, Kind::Transient), (7, Kind::Transient)]
    {
        let body = json!({"error": {"message": "upstream", "code": code}}).to_string();
        assert_eq!(WIRE.answer(body.as_bytes()).unwrap_err().kind, kind, "{code}");
    }
}

#[test]
fn ids_of_calls_have_nine_letters_where_they_are_counted_and_stay_the_same_otherwise() {
    let mut asked = Turn::new(Role::Assistant, "");
    let call = |id: &str| crate::answer::ToolCall {
        id: id.to_owned(),
        name: "now".to_owned(),
        arguments: "{}".to_owned(),
    };
    asked.calls = vec![call("call_abcdefghijkl"), call("D681PevKs")];
    let mut result = Turn::new(Role::Tool, "noon");
    result.call_id = Some("call_abcdefghijkl".to_owned());
    let ask = Ask { turns: vec![asked, result], ..ask() };
    let mistral = sent("mistral", &ask, Mode::Whole);
    let id = mistral["messages"][0]["tool_calls"][0]["id"].as_str().unwrap();
    assert!(id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    assert_eq!(mistral["messages"][1]["tool_call_id"], id);
    assert_eq!(mistral["messages"][0]["tool_calls"][1]["id"], "D681PevKs");
    assert_eq!(sent("groq", &ask, Mode::Whole)["messages"][1]["tool_call_id"], "call_abcdefghijkl");
}

#[test]
fn mistrals_thoughts_are_left_out_and_its_reasons_are_read() {
    let content = json!([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "yes"}]);
    let choice = json!({"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "model_length"});
    let answer = WIRE.answer(json!({"model": "m", "choices": [choice]}).to_string().as_bytes()).unwrap();
    assert_eq!((answer.output.as_str(), answer.finish.reason.as_str()), ("yes", "length"));
    let broken = json!({"choices": [{"message": {"content": "ye"}, "finish_reason": "error"}]}).to_string();
    assert_eq!(WIRE.answer(broken.as_bytes()).unwrap_err().kind, Kind::Transient);
}

fn source(url: &str, title: Option<&str>) -> Citation {
    Citation { url: url.to_owned(), title: title.map(str::to_owned) }
}

fn found() -> Value {
    json!([{"title": "Rust", "url": "https://rust.test/", "date": "2025-01-01"}, {"title": "", "url": "https://two.test/"}])
}

#[test]
fn a_search_is_asked_for_where_there_is_one() {
    let search = Search {
        mode: Some(SearchMode::Academic),
        domains: vec!["example.org".to_owned(), "-spam.test".to_owned()],
        recency: Some(Recency::Week),
        context: Some(ContextSize::High),
    };
    let ask = Ask { search: Some(search), ..ask() };
    let sent_to = |name| sent(name, &ask, Mode::Whole);
    let perplexity = sent_to("perplexity");
    assert_eq!(perplexity["search_mode"], "academic");
    assert_eq!(perplexity["search_domain_filter"], json!(["example.org", "-spam.test"]));
    assert_eq!(perplexity["search_recency_filter"], "week");
    assert_eq!(perplexity["web_search_options"], json!({"search_context_size": "high"}));
    assert_eq!(sent_to("openai"), sent("openai", &Ask { search: None, ..ask.clone() }, Mode::Whole));
}

#[test]
fn sources_come_with_the_answer_each_once_and_with_the_title_that_is_known() {
    let message = json!({"role": "assistant", "content": "Rust [1]"});
    let document = json!({"id": "x", "model": "sonar-pro", "citations": ["https://two.test/", "https://rust.test/", "https://three.test/"],
        "search_results": found(), "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14, "search_context_size": "low",
                  "citation_tokens": 90, "num_search_queries": 3, "reasoning_tokens": 40,
                  "cost": {"total_cost": 0.005}}});
    let answer = wire("perplexity").answer(document.to_string().as_bytes()).unwrap();
    let expected = [
        source("https://rust.test/", Some("Rust")),
        source("https://two.test/", None),
        source("https://three.test/", None),
    ];
    assert_eq!(answer.citations, expected);
    let usage = Usage { input_tokens: 9, output_tokens: 45, cached_tokens: 0, reasoning_tokens: 40 };
    assert_eq!(answer.finish.usage, usage);
    let quiet = named("perplexity", &Dialect { citations: false, ..Dialect::default() }).unwrap();
    assert_eq!(quiet.answer(document.to_string().as_bytes()).unwrap().citations, []);
}

#[test]
fn openais_remarks_on_pages_are_sources_too() {
    let page = json!({"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 4, "url": "https://a.test/", "title": "A"}});
    let message =
        json!({"role": "assistant", "content": "Rust", "annotations": [page, {"type": "file_citation"}]});
    let document = json!({"model": "m", "choices": [{"message": message, "finish_reason": "stop"}]});
    let answer = WIRE.answer(document.to_string().as_bytes()).unwrap();
    assert_eq!(answer.citations, [source("https://a.test/", Some("A"))]);
}

#[test]
fn sources_of_a_stream_are_told_once_before_its_end() {
    let chunk = |content: &str, finish: Value, results: Value| {
        let choice = json!({"index": 0, "finish_reason": finish, "delta": {"role": "assistant", "content": content},
                            "message": {"role": "assistant", "content": content}});
        let chunk = json!({"model": "sonar", "citations": ["https://rust.test/", "https://two.test/"],
            "search_results": results, "object": "chat.completion.chunk", "choices": [choice],
            "usage": {"prompt_tokens": 2, "completion_tokens": 2}});
        format!("data: {chunk}\r\n\r\n")
    };
    let stream = [chunk("Ru", Value::Null, Value::Null), chunk("st", json!("stop"), found())].concat();
    let mut reader = wire("perplexity").pieces();
    let mut pieces = reader.push(stream.as_bytes()).unwrap();
    pieces.push(reader.end().unwrap()); // it has been seen to close without [DONE]
    let usage = Usage { input_tokens: 2, output_tokens: 2, ..Usage::default() };
    let expected = [
        Piece::Delta("Ru".to_owned()),
        Piece::Delta("st".to_owned()),
        Piece::Citations(vec![source("https://rust.test/", Some("Rust")), source("https://two.test/", None)]),
        Piece::Done(Finish { model: "sonar".to_owned(), reason: "stop".to_owned(), usage }),
    ];
    assert_eq!(pieces, expected);
}

#[test]
fn a_document_of_openais_passes_as_it_came_where_its_fields_are_known_by_their_names() {
    let body =
        json!({"model": "auto", "messages": [{"role": "user", "content": "x"}], "stream": true, "z": 1});
    let asked = Face::OpenAiChat.read(body.to_string().into(), &[]).unwrap();
    let Asked::Words(question) = asked else { panic!() };
    for (name, passes, tells_usage) in [
        ("openai", true, true),
        ("compatible", true, true),
        ("azure", true, true),
        ("groq", true, true),
        ("perplexity", true, false),
        ("mistral", false, false),
    ] {
        let sent = wire(name).forward("m", &question.document, Mode::Stream);
        assert_eq!(sent.is_some(), passes, "{name}");
        let Some(sent) = sent else { continue };
        let document: Value = serde_json::from_slice(&sent.body).unwrap();
        assert_eq!((&document["z"], &document["model"]), (&json!(1), &json!("m")), "{name}");
        assert_eq!(document.get("stream_options").is_some(), tells_usage, "{name}");
        assert_eq!(sent.path, wire(name).request("m", &ask(), Mode::Stream).path, "{name}");
    }
}
