//! Repeats, kept answers and resumed streams through the rpcs, before a scripted provider.

use futures_util::StreamExt;
use tonic::metadata::MetadataMap;

use super::*;

fn with<T>(message: T, metadata: &[(&'static str, &str)]) -> Request<T> {
    let mut request = Request::new(message);
    for (name, value) in metadata {
        request.metadata_mut().insert(*name, value.parse().unwrap());
    }
    request
}

fn asking(text: &str) -> v1::CompleteRequest {
    v1::CompleteRequest { prompt: Some(prompt(text)) }
}

fn streaming(text: &str) -> v1::StreamCompleteRequest {
    v1::StreamCompleteRequest { prompt: Some(prompt(text)), last_event_id: None }
}

fn note(metadata: &MetadataMap, name: &str) -> Option<String> {
    Some(metadata.get(name)?.to_str().unwrap().to_owned())
}

/// The text of a stream, and the id of each message that has one.
async fn heard(response: Response<<Models as ModelService>::StreamCompleteStream>) -> (String, Vec<String>) {
    let messages: Vec<_> = response.into_inner().try_collect().await.unwrap();
    let ids = messages.iter().map(|message| message.resume_id.clone()).filter(|id| !id.is_empty()).collect();
    (messages.into_iter().map(|message| message.delta).collect(), ids)
}

#[tokio::test]
async fn a_repeated_call_is_one_call_whole_or_streamed() {
    let provider = Scripted::start([Script::says("Hello!")]).await;
    let models = models(settings(&provider.url, &["sk-one"]));
    let key = [("idempotency-key", "k-1")];
    let first = models.complete(with(asking("hi"), &key)).await.unwrap();
    assert_eq!(note(first.metadata(), "idempotent-replayed"), None);
    let again = models.complete(with(asking("hi"), &key)).await.unwrap();
    assert_eq!(note(again.metadata(), "idempotent-replayed").as_deref(), Some("true"));
    assert_eq!(first.into_inner(), again.into_inner());
    let streamed = models.stream_complete(with(streaming("hi"), &key)).await.unwrap();
    assert_eq!(note(streamed.metadata(), "idempotent-replayed").as_deref(), Some("true"));
    assert_eq!(heard(streamed).await.0, "Hello!");
    assert_eq!(provider.seen().len(), 1);
    assert_eq!(provider.seen()[0].idempotency_key.as_deref(), Some("k-1"), "the provider hears of it, too");

    let other = models.complete(with(asking("bye"), &key)).await.unwrap_err();
    assert_eq!(shown(&other), (Code::AlreadyExists, "IDEMPOTENCY_CONFLICT".to_owned()));
}

#[tokio::test]
async fn a_streamed_call_is_repeated_whole_with_all_there_was_in_it() {
    let provider = Scripted::start([Script::streams(&["Hel", "lo"])]).await;
    let models = models(settings(&provider.url, &["sk-one"]));
    let key = [("idempotency-key", "k-1")];
    let (text, ids) = heard(models.stream_complete(with(streaming("hi"), &key)).await.unwrap()).await;
    assert_eq!((text.as_str(), ids.len()), ("Hello", 3));
    let whole = models.complete(with(asking("hi"), &key)).await.unwrap().into_inner();
    assert_eq!((whole.output.as_str(), provider.seen().len()), ("Hello", 1));
    assert_eq!(whole.completion.unwrap().usage.unwrap().input_tokens, 3);
}

#[tokio::test]
async fn a_call_that_failed_is_asked_anew() {
    let provider = Scripted::start([Script::fails(400, ""), Script::says("better")]).await;
    let models = models(settings(&provider.url, &["sk-one"]));
    let key = [("idempotency-key", "k-1")];
    let failed = models.complete(with(asking("hi"), &key)).await.unwrap_err();
    assert_eq!(shown(&failed).1, "UPSTREAM_REJECTED");
    let answer = models.complete(with(asking("hi"), &key)).await.unwrap();
    assert_eq!(note(answer.metadata(), "idempotent-replayed"), None);
    assert_eq!(answer.into_inner().output, "better");
}

#[tokio::test]
async fn kept_answers_are_for_who_asked_for_them_and_say_so() {
    let provider = Scripted::start([Script::says("one"), Script::says("two"), Script::says("three")]).await;
    let models = models(settings(&provider.url, &["sk-one"]));
    let ask = async |metadata: &[(&'static str, &str)]| {
        let answer = models.complete(with(asking("hi"), metadata)).await.unwrap();
        let notes = (note(answer.metadata(), "x-bsm-cache"), note(answer.metadata(), "age"));
        (answer.into_inner().output, notes)
    };
    let miss = (Some("miss".to_owned()), None);
    assert_eq!(ask(&[("x-bsm-cache", "on")]).await, ("one".to_owned(), miss.clone()));
    let hit = (Some("hit".to_owned()), Some("0".to_owned()));
    assert_eq!(ask(&[("x-bsm-cache", "on")]).await, ("one".to_owned(), hit.clone()));
    assert_eq!(ask(&[]).await, ("two".to_owned(), (None, None)), "nobody else gets it");
    assert_eq!(ask(&[("x-bsm-cache", "on"), ("cache-control", "no-store")]).await.0, "three");
    assert_eq!(ask(&[("x-bsm-cache", "refresh")]).await, ("three".to_owned(), miss));
    assert_eq!(ask(&[("x-bsm-cache", "on"), ("idempotency-key", "k")]).await, ("three".to_owned(), hit));

    let streamed = models.stream_complete(with(streaming("hi"), &[("x-bsm-cache", "on")])).await.unwrap();
    assert_eq!(note(streamed.metadata(), "x-bsm-cache").as_deref(), Some("hit"));
    assert_eq!(heard(streamed).await, ("three".to_owned(), Vec::new()), "without a key there are no ids");
    let mut strangers = with(asking("hi"), &[("x-bsm-cache", "on")]);
    strangers.extensions_mut().insert(Call::background("c").with_caller("somebody-else"));
    let answer = models.complete(strangers).await.unwrap();
    assert_eq!(note(answer.metadata(), "x-bsm-cache").as_deref(), Some("miss"), "never another tenant's");
}

#[tokio::test]
async fn who_wants_kept_answers_only_gets_one_or_is_refused_and_nobody_is_asked() {
    let provider = Scripted::start([Script::says("one"), Script::says("two"), Script::says("three")]).await;
    let models = models(settings(&provider.url, &["sk-one"]));
    let only = ("cache-control", "only-if-cached");
    let (on, key) = (("x-bsm-cache", "on"), ("idempotency-key", "k-1"));
    let refused = async |metadata: &[(&'static str, &str)]| {
        let whole = models.complete(with(asking("hi"), metadata)).await.unwrap_err();
        let streamed = models.stream_complete(with(streaming("hi"), metadata)).await.map(drop).unwrap_err();
        let passed = models.relay(relayed(false, metadata)).await.map(drop).unwrap_err();
        for status in [whole, streamed, passed] {
            assert_eq!(shown(&status), (Code::FailedPrecondition, "NOT_CACHED".to_owned()), "{metadata:?}");
        }
    };
    for metadata in [&[only][..], &[only, on], &[only, key], &[only, on, key]] {
        refused(metadata).await;
    }
    assert!(provider.seen().is_empty(), "nobody is asked");

    let ask = async |metadata: &[(&'static str, &str)]| {
        models.complete(with(asking("hi"), metadata)).await.unwrap().into_inner().output
    };
    assert_eq!(ask(&[on]).await, "one");
    assert_eq!(ask(&[on, only]).await, "one");
    assert_eq!(ask(&[key]).await, "two");
    assert_eq!(ask(&[key, only]).await, "two", "the answer under the key is kept, too");
    let (_, first) = passed(&models, relayed(false, &[on])).await;
    assert_eq!(passed(&models, relayed(false, &[on, only])).await.1, first);
    let stale = [("x-bsm-cache", "on"), ("cache-control", "only-if-cached, no-cache")];
    refused(&stale).await;
    let mut vectors = Request::new(v1::EmbedRequest { inputs: vec!["a".to_owned()], ..Default::default() });
    vectors.metadata_mut().insert("cache-control", "only-if-cached".parse().unwrap());
    assert_eq!(shown(&models.embed(vectors).await.unwrap_err()).1, "NOT_CACHED");
}

fn vectors(texts: &[&str], metadata: &[(&'static str, &str)]) -> Request<v1::EmbedRequest> {
    let inputs = texts.iter().map(|text| (*text).to_owned()).collect();
    with(v1::EmbedRequest { inputs, ..Default::default() }, metadata)
}

#[tokio::test]
async fn vectors_are_repeated_and_kept_as_answers_are() {
    let made = |number: f64| {
        let item = serde_json::json!({"index": 0, "embedding": [number]});
        Script::json(200, &serde_json::json!({"data": [item], "usage": {"prompt_tokens": 4}}))
    };
    let provider = Scripted::start([Script::fails(400, ""), made(1.0), made(2.0), made(3.0)]).await;
    let models = models(settings(&provider.url, &["sk-one"]));
    let embed = async |texts: &[&str], metadata: &[(&'static str, &str)]| {
        let answer = models.embed(vectors(texts, metadata)).await?;
        let notes = (note(answer.metadata(), "idempotent-replayed"), note(answer.metadata(), "x-bsm-cache"));
        Ok::<_, Status>((answer.into_inner().vectors[0].values[0], notes))
    };
    let (key, on, only) =
        (("idempotency-key", "k-1"), ("x-bsm-cache", "on"), ("cache-control", "only-if-cached"));
    let word = |said: &str| Some(said.to_owned());
    assert_eq!(shown(&embed(&["a"], &[key]).await.unwrap_err()).1, "UPSTREAM_REJECTED");
    assert_eq!(embed(&["a"], &[key]).await.unwrap(), (1.0, (None, None)), "a failure is asked anew");
    assert_eq!(embed(&["a"], &[key]).await.unwrap(), (1.0, (word("true"), None)));
    assert_eq!(embed(&["a"], &[key, only]).await.unwrap().0, 1.0);
    let other = embed(&["b"], &[key]).await.unwrap_err();
    assert_eq!(shown(&other), (Code::AlreadyExists, "IDEMPOTENCY_CONFLICT".to_owned()));
    let other = models.complete(with(asking("a"), &[key])).await.unwrap_err();
    assert_eq!(shown(&other).1, "IDEMPOTENCY_CONFLICT", "another rpc is another question");

    assert_eq!(embed(&["a"], &[on]).await.unwrap(), (2.0, (None, word("miss"))));
    assert_eq!(embed(&["a"], &[on]).await.unwrap(), (2.0, (None, word("hit"))));
    let below = [on, ("idempotency-key", "k-2")];
    assert_eq!(embed(&["a"], &below).await.unwrap(), (2.0, (None, word("hit"))), "below the key, too");
    assert_eq!(embed(&["a"], &[]).await.unwrap(), (3.0, (None, None)), "nobody else gets it");
    assert_eq!(provider.seen().len(), 4);
    let wrong = embed(&[""], &[("x-bsm-cache", "maybe")]).await.unwrap_err();
    let fields: Vec<String> = status::field_violations(&wrong).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["inputs[0]", "x-bsm-cache"]);
}

#[tokio::test]
async fn a_stream_goes_on_behind_the_last_id_that_was_seen() {
    let tail = Script::streams(&["Hel", "lo", " you"]);
    let provider = Scripted::start([tail]).await;
    let models = models(settings(&provider.url, &["sk-one"]));
    let key = [("idempotency-key", "k-1"), ("x-bsm-resume-grace", "60")];
    let mut first = models.stream_complete(with(streaming("hi"), &key)).await.unwrap().into_inner();
    let seen = first.next().await.unwrap().unwrap();
    drop(first);
    let back = |id: &str| v1::StreamCompleteRequest { last_event_id: Some(id.to_owned()), ..streaming("hi") };
    let rest = models.stream_complete(with(back(&seen.resume_id), &key)).await.unwrap();
    assert_eq!(format!("{}{}", seen.delta, heard(rest).await.0), "Hello you");
    assert_eq!(provider.seen().len(), 1);
    for (id, metadata) in
        [("17", &key[..]), (&seen.resume_id, &[]), (&seen.resume_id, &[("idempotency-key", "k-2")])]
    {
        let gone = models.stream_complete(with(back(id), metadata)).await.map(drop).unwrap_err();
        assert_eq!(shown(&gone), (Code::FailedPrecondition, "STREAM_GONE".to_owned()), "{id} {metadata:?}");
    }
    let run = seen.resume_id.split_once('.').unwrap().0;
    let beyond =
        models.stream_complete(with(back(&format!("{run}.1000")), &key)).await.map(drop).unwrap_err();
    assert_eq!(shown(&beyond), (Code::OutOfRange, "EVENT_UNKNOWN".to_owned()));
    assert_eq!(provider.seen().len(), 1, "nothing is begun in vain");
}

#[tokio::test]
async fn the_last_caller_who_leaves_ends_the_call_upstream() {
    let provider = Scripted::start([Script::Stream(deltas(&["Hel"]), Then::Hang)]).await;
    let models = models(settings(&provider.url, &["sk-one"]));
    let key = [("idempotency-key", "k-1")];
    let mut first = models.stream_complete(with(streaming("hi"), &key)).await.unwrap().into_inner();
    let mut second = models.stream_complete(with(streaming("hi"), &key)).await.unwrap().into_inner();
    drop(first.next().await);
    drop(first);
    assert_eq!(second.next().await.unwrap().unwrap().delta, "Hel");
    drop(second);
    assert_eq!(provider.left().await, 1);
}

#[tokio::test]
async fn a_wish_that_cannot_be_read_is_named_with_the_other_mistakes() {
    let mut wrong = asking("");
    wrong.prompt.as_mut().unwrap().cache = Some("maybe".to_owned());
    let refused = without_key().complete(with(wrong, &[("x-bsm-resume-grace", "-1")])).await.unwrap_err();
    let fields: Vec<String> =
        status::field_violations(&refused).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["prompt.messages[0].content", "prompt.cache", "x-bsm-resume-grace"]);
}

fn relayed(stream: bool, headers: &[(&str, &str)]) -> Request<v1::RelayRequest> {
    let body = serde_json::json!({"model": "openai/gpt-4o", "stream": stream, "messages": [{"role": "user", "content": "hi"}]});
    let header = |(name, value): &(&str, &str)| v1::RelayHeader {
        name: (*name).to_owned(),
        value: (*value).to_owned(),
    };
    let headers = headers.iter().map(header).collect();
    let mut request = v1::RelayRequest { body: body.to_string().into(), headers, ..Default::default() };
    request.set_face(v1::Face::OpenaiChat);
    Request::new(request)
}

/// The notes of an answer that was passed on, and its body.
async fn passed(models: &Models, request: Request<v1::RelayRequest>) -> (MetadataMap, String) {
    let (metadata, messages, _) = models.relay(request).await.unwrap().into_parts();
    let messages: Vec<v1::RelayResponse> = messages.try_collect().await.unwrap();
    assert!(messages[0].head.is_some() && messages[1..].iter().all(|message| message.head.is_none()));
    let body = messages.iter().flat_map(|message| message.body.to_vec()).collect();
    (metadata, String::from_utf8(body).unwrap())
}

/// What a stream says without the ids of its events, and those.
fn without_ids(body: &str) -> (String, Vec<&str>) {
    let (ids, rest): (Vec<&str>, Vec<&str>) = body.lines().partition(|line| line.starts_with("id: "));
    (rest.join("\n"), ids.into_iter().map(|line| &line[4..]).collect())
}

#[tokio::test]
async fn what_is_passed_on_is_repeated_and_resumed_in_its_own_bytes() {
    let provider = Scripted::start([Script::streams(&["Hel", "lo"]), Script::says("whole")]).await;
    let models = models(settings(&provider.url, &["sk-one"]));
    let key = ("idempotency-key", "k-1");
    let (_, first) = passed(&models, relayed(true, &[key])).await;
    let (notes, again) = passed(&models, relayed(true, &[key])).await;
    assert_eq!((note(&notes, "idempotent-replayed").as_deref(), &again), (Some("true"), &first));
    let (said, ids) = without_ids(&first);
    assert!(said.contains("Hel") && said.ends_with("data: [DONE]\n"), "{first}");
    assert_eq!(ids.len(), said.matches("data: ").count(), "an id for each event");
    for (at, id) in ids.iter().enumerate() {
        let (_, rest) = passed(&models, relayed(true, &[key, ("last-event-id", id)])).await;
        let seen = first.find(&format!("id: {id}\n")).unwrap();
        let behind = first[seen..].find("\n\n").unwrap() + seen + 2;
        assert_eq!(rest, first[behind..], "behind event {at}");
    }
    let other = models.relay(relayed(false, &[key])).await.map(drop).unwrap_err();
    assert_eq!(shown(&other), (Code::AlreadyExists, "IDEMPOTENCY_CONFLICT".to_owned()));
    let gone = models.relay(relayed(true, &[("last-event-id", ids[0])])).await.map(drop).unwrap_err();
    assert_eq!(shown(&gone).1, "STREAM_GONE");

    let cached = [("x-bsm-cache", "on")];
    let (notes, whole) = passed(&models, relayed(false, &cached)).await;
    assert_eq!(note(&notes, "x-bsm-cache").as_deref(), Some("miss"));
    let (notes, kept) = passed(&models, relayed(false, &cached)).await;
    assert_eq!((note(&notes, "x-bsm-cache").as_deref(), kept), (Some("hit"), whole));
    assert_eq!(provider.seen().len(), 2);
}

#[tokio::test]
async fn a_question_that_is_passed_on_and_refused_is_refused_to_all_who_wait_and_asked_anew() {
    let provider = Scripted::start([Script::fails(400, ""), Script::says("better")]).await;
    let models = models(settings(&provider.url, &["sk-one"]));
    let key = [("idempotency-key", "k-1")];
    let refused = models.relay(relayed(false, &key)).await.map(drop).unwrap_err();
    assert_eq!(shown(&refused).1, "UPSTREAM_REJECTED");
    assert!(passed(&models, relayed(false, &key)).await.1.contains("better"));
}
