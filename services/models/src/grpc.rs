//! Between the wire and the gateway; no rules here.

use std::sync::Arc;

use bsm_proto::models::v1;
use bsm_proto::models::v1::model_service_server::ModelService;
use bsm_runtime::versions::Versioned;
use bsm_runtime::{call::Call, clock};
use futures_util::future::ready;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};
use tonic::{Request, Response, Status};

use crate::answer::{Answer, CallDelta, Citation, Embedding, Finish, Piece, ToolCall, Usage};
use crate::ask::{EmbedAsk, Hints, Language};
use crate::catalog;
use crate::chat::{self, Said};
use crate::error::{Attempt, Attempts, Error};
use crate::gateway::{Answered, Gateway, ModelLine, ProviderLine};
use crate::key_status::KeyStatus;
use crate::keys::KeyLine;
use crate::replay::{Numbered, NumberedStream, Replay, Wishes};
use crate::route::{Candidate, Question};
use crate::usage::Listed;

mod notes;
mod relay;
#[cfg(test)]
mod tests;
mod usage;

/// The gRPC face of the gateway.
#[derive(Clone, Debug)]
pub struct Models {
    gateway: Arc<Gateway>,
    replay: Arc<Replay>,
    /// Characters of a chat message at most.
    max_message: usize,
}

// === impl Models ===

impl Models {
    /// A face for this gateway and its memory; chat messages may have `max_message` characters.
    #[must_use]
    pub fn new(gateway: Arc<Gateway>, replay: Replay, max_message: usize) -> Self {
        Self { gateway, replay: Arc::new(replay), max_message }
    }
}

#[tonic::async_trait]
impl ModelService for Models {
    type StreamCompleteStream = BoxStream<'static, Result<v1::StreamCompleteResponse, Status>>;
    type RelayStream = relay::Messages;
    type StreamChatDirectStream = BoxStream<'static, Result<v1::StreamChatDirectResponse, Status>>;

    async fn complete(
        &self,
        request: Request<v1::CompleteRequest>,
    ) -> Result<Response<v1::CompleteResponse>, Status> {
        let call = Call::of(&request);
        let (metadata, _, message) = request.into_parts();
        let (ask, wishes) = notes::read(&metadata, message.prompt.unwrap_or_default())?;
        let told = self.replay.complete(ask, wishes, call).await?;
        Ok(notes::noted(told, |Answered { answer, provider, attempts, .. }| {
            let Answer { output, calls, citations, finish } = answer;
            let completion = Some(completion(&provider, finish, &attempts));
            let tool_calls = calls.into_iter().map(tool_call).collect();
            let citations = citations.into_iter().map(citation).collect();
            v1::CompleteResponse { output, completion, tool_calls, citations }
        }))
    }

    async fn stream_complete(
        &self,
        request: Request<v1::StreamCompleteRequest>,
    ) -> Result<Response<Self::StreamCompleteStream>, Status> {
        let call = Call::of(&request);
        let (metadata, _, message) = request.into_parts();
        let (ask, wishes) = notes::read(&metadata, message.prompt.unwrap_or_default())?;
        let wishes = wishes.after(message.last_event_id.as_deref());
        let answered = self.replay.stream(ask, wishes, call).await?;
        Ok(notes::noted(answered, |answered| told(answered).map_err(Status::from).boxed()))
    }

    async fn embed(&self, request: Request<v1::EmbedRequest>) -> Result<Response<v1::EmbedResponse>, Status> {
        let call = Call::of(&request);
        let (metadata, _, message) = request.into_parts();
        let (ask, wishes) = notes::both(EmbedAsk::parse(message), Wishes::of(metadata.as_ref()))?;
        let told = self.replay.embed(ask, wishes, call).await?;
        Ok(notes::noted(told, |Answered { answer, provider, attempts, .. }| {
            let Embedding { vectors, model, usage } = answer;
            let finish = Finish { model, reason: String::new(), usage };
            let vectors = vectors.into_iter().map(|values| v1::Vector { values }).collect();
            let completion = Some(completion(&provider, finish, &attempts));
            v1::EmbedResponse { vectors, completion }
        }))
    }

    async fn relay(&self, request: Request<v1::RelayRequest>) -> Result<Response<Self::RelayStream>, Status> {
        let call = Call::of(&request);
        let request = request.into_inner();
        let wishes = notes::wishes_of_relay(&request)?;
        if wishes.is_plain() {
            return relay::relay(&self.gateway, call, request).await;
        }
        let (print, gateway) = (notes::print_of_relay(&request), Arc::clone(&self.gateway));
        let start = move |call| {
            let begin = async move { relay::relay(&gateway, call, request).await.map(Response::into_inner) };
            stream::once(begin).try_flatten()
        };
        self.replay.relay((print, wishes), call, start).await.map(notes::noted_relay)
    }

    async fn list_models(
        &self,
        request: Request<v1::ListModelsRequest>,
    ) -> Result<Response<v1::ListModelsResponse>, Status> {
        let lines = match request.into_inner().name.filter(|name| !name.is_empty()) {
            Some(name) => vec![self.gateway.model(&name)?],
            None => self.gateway.models(),
        };
        let models = lines.into_iter().map(model).collect();
        Ok(Response::new(v1::ListModelsResponse { models }))
    }

    async fn list_providers(
        &self,
        _: Request<v1::ListProvidersRequest>,
    ) -> Result<Response<v1::ListProvidersResponse>, Status> {
        let providers = self.gateway.providers().into_iter().map(provider).collect();
        Ok(Response::new(v1::ListProvidersResponse { providers }))
    }

    async fn get_key_status(
        &self,
        _: Request<v1::GetKeyStatusRequest>,
    ) -> Result<Response<v1::GetKeyStatusResponse>, Status> {
        let KeyStatus { status, ui } = KeyStatus::of(&self.gateway.providers());
        Ok(Response::new(v1::GetKeyStatusResponse { timestamp: clock::unix_ms() as f64, status, ui }))
    }

    async fn explain_route(
        &self,
        request: Request<v1::ExplainRouteRequest>,
    ) -> Result<Response<v1::ExplainRouteResponse>, Status> {
        let call = Call::of(&request);
        let request = request.into_inner();
        let search = request.search;
        let (model, hints) = Hints::parse(request).map_err(Error::Invalid)?;
        let question = Question::about(model.as_deref(), &hints, search);
        let fleet = self.gateway.fleet();
        let candidates = self.gateway.candidates_for(&fleet, &question, &call)?;
        let candidates = candidates.into_iter().map(candidate).collect();
        let (route, version) = (fleet.route(&question), fleet.version().to_owned());
        Ok(Response::new(v1::ExplainRouteResponse { candidates, route, version }))
    }

    async fn list_prices(
        &self,
        _: Request<v1::ListPricesRequest>,
    ) -> Result<Response<v1::ListPricesResponse>, Status> {
        let now = clock::unix_ms();
        let prices = self.gateway.prices().into_iter().map(|model| price(model, now)).collect();
        Ok(Response::new(v1::ListPricesResponse { prices }))
    }

    async fn list_usage(
        &self,
        request: Request<v1::ListUsageRequest>,
    ) -> Result<Response<v1::ListUsageResponse>, Status> {
        let call = Call::of(&request);
        let query = usage::query(request.into_inner()).map_err(Error::Invalid)?;
        let query = usage::seen_by(&call, query)?;
        let listed = match self.gateway.ledger().usage() {
            Some(store) => store.list(query.clone()).await.map_err(Error::Usage)?,
            None => Listed::default(),
        };
        Ok(Response::new(usage::listed(&query.by, listed)))
    }

    async fn list_budgets(
        &self,
        request: Request<v1::ListBudgetsRequest>,
    ) -> Result<Response<v1::ListBudgetsResponse>, Status> {
        let call = Call::of(&request);
        let (tallies, now) = self.gateway.ledger().tallies();
        let seen = tallies.into_iter().filter(|tally| usage::sees(&call, tally));
        let budgets = seen.map(|tally| usage::budget(tally, now)).collect();
        Ok(Response::new(v1::ListBudgetsResponse { budgets }))
    }

    async fn chat_direct(
        &self,
        request: Request<v1::ChatDirectRequest>,
    ) -> Result<Response<v1::ChatDirectResponse>, Status> {
        let call = Call::of(&request);
        let (metadata, _, message) = request.into_parts();
        let v1::ChatDirectRequest { message, history, language } = message;
        let ask = said(message, history, language).into_ask(self.max_message).map_err(Error::Chat)?;
        let language = ask.language;
        let wishes = notes::wishes(&metadata)?;
        let told = self.replay.complete(notes::keyed(ask, &wishes), wishes, call).await?;
        Ok(notes::noted(told, |Answered { answer, provider, .. }| {
            let output = or_nothing_said(answer.output, language);
            v1::ChatDirectResponse { output, provider: provider.to_string(), model: answer.finish.model }
        }))
    }

    async fn stream_chat_direct(
        &self,
        request: Request<v1::StreamChatDirectRequest>,
    ) -> Result<Response<Self::StreamChatDirectStream>, Status> {
        let call = Call::of(&request);
        let (metadata, _, message) = request.into_parts();
        let v1::StreamChatDirectRequest { message, history, language, last_event_id } = message;
        let ask = said(message, history, language).into_ask(self.max_message).map_err(Error::Chat)?;
        let language = ask.language;
        let wishes = notes::wishes(&metadata)?.after(last_event_id.as_deref());
        let mut answered = self.replay.stream(notes::keyed(ask, &wishes), wishes, call).await?;
        if answered.from_start {
            answered.answered.answer = never_silent(answered.answered.answer, language);
        }
        Ok(notes::noted(answered, |answered| {
            let messages = told(answered).map_err(Status::from);
            messages.try_filter_map(|message| ready(Ok(chat_piece(message)))).boxed()
        }))
    }
}

fn said(message: String, history: Vec<v1::Message>, language: Option<String>) -> Said {
    let history = history.into_iter().map(|turn| (turn.role, turn.content)).collect();
    Said { message, history, language }
}

fn or_nothing_said(output: String, language: Language) -> String {
    if output.trim().is_empty() { chat::nothing_said(language).to_owned() } else { output }
}

/// A stream that ends without a piece of text says so before its end. The sentence is no piece of the stream's own:
/// nobody comes back to the place behind it.
fn never_silent(pieces: NumberedStream, language: Language) -> NumberedStream {
    let mut silent = true;
    let spoken = pieces.flat_map(move |piece| {
        let ends_silently = silent && matches!(piece, Ok(Numbered { piece: Piece::Done(_), .. }));
        silent &= !matches!(piece, Ok(Numbered { piece: Piece::Delta(_), .. }));
        let sentence = || Piece::Delta(chat::nothing_said(language).to_owned());
        let sentence = ends_silently.then(|| Ok(Numbered { id: None, piece: sentence() }));
        stream::iter(sentence.into_iter().chain([piece]))
    });
    spoken.boxed()
}

/// The pieces as the wire has them, and the completion with the last one. A failure midway is told with the attempts
/// before it.
fn told(
    answered: Answered<NumberedStream>,
) -> impl futures_util::Stream<Item = Result<v1::StreamCompleteResponse, Error>> + Send {
    let Answered { answer, provider, model, attempts } = answered;
    answer.map(move |piece| match piece {
        Ok(Numbered { id, piece }) => {
            let resume_id = id.map(|id| id.to_string()).unwrap_or_default();
            let bare = v1::StreamCompleteResponse { resume_id, ..Default::default() };
            Ok(match piece {
                Piece::Delta(delta) => v1::StreamCompleteResponse { delta, ..bare },
                Piece::Call(call) => v1::StreamCompleteResponse { tool_call: Some(call_delta(call)), ..bare },
                Piece::Citations(citations) => {
                    let citations = citations.into_iter().map(citation).collect();
                    v1::StreamCompleteResponse { citations, ..bare }
                }
                Piece::Done(finish) => {
                    let done = Some(completion(&provider, finish, &attempts));
                    v1::StreamCompleteResponse { done, ..bare }
                }
            })
        }
        Err(failure) => {
            let last = Attempt { provider: Arc::clone(&provider), model: model.clone(), failure };
            Err(Error::Failed(Attempts::new(attempts.clone(), last)))
        }
    })
}

/// The chat box shows text alone.
fn chat_piece(message: v1::StreamCompleteResponse) -> Option<v1::StreamChatDirectResponse> {
    let v1::StreamCompleteResponse { delta, done, resume_id, .. } = message;
    (!delta.is_empty() || done.is_some()).then_some(v1::StreamChatDirectResponse { delta, done, resume_id })
}

fn tool_call(call: ToolCall) -> v1::ToolCall {
    let ToolCall { id, name, arguments } = call;
    v1::ToolCall { id, name, arguments }
}

fn call_delta(call: CallDelta) -> v1::ToolCallDelta {
    let CallDelta { index, id, name, arguments } = call;
    v1::ToolCallDelta { index: u32::try_from(index).unwrap_or(u32::MAX), id, name, arguments }
}

fn citation(citation: Citation) -> v1::Citation {
    let Citation { url, title } = citation;
    v1::Citation { url, title }
}

fn completion(provider: &str, finish: Finish, attempts: &[Attempt]) -> v1::Completion {
    let Finish { model, reason, usage } = finish;
    let Usage { input_tokens, output_tokens, cached_tokens, reasoning_tokens } = usage;
    v1::Completion {
        provider: provider.to_owned(),
        model,
        finish_reason: reason,
        usage: Some(v1::Usage { input_tokens, output_tokens, cached_tokens, reasoning_tokens }),
        attempts: attempts.iter().map(attempt).collect(),
    }
}

fn attempt(attempt: &Attempt) -> v1::Attempt {
    v1::Attempt {
        provider: attempt.provider.to_string(),
        model: attempt.model.clone(),
        code: attempt.failure.reason().to_owned(),
        message: attempt.failure.to_string(),
    }
}

fn model(line: ModelLine) -> v1::Model {
    v1::Model { id: line.id, provider: line.provider.to_string(), name: line.name }
}

fn provider(line: ProviderLine) -> v1::Provider {
    v1::Provider {
        name: line.name.to_string(),
        usable: line.obstacle.is_none(),
        reason: line.obstacle.unwrap_or_default(),
        keys: u32::try_from(line.keys).unwrap_or(u32::MAX),
        breaker: line.breaker.to_owned(),
        key_status: line.key_lines.into_iter().map(provider_key).collect(),
    }
}

fn provider_key(line: KeyLine) -> v1::ProviderKey {
    v1::ProviderKey {
        position: u32::try_from(line.position).unwrap_or(u32::MAX),
        variable: line.variable.to_string(),
        state: line.state.name().to_owned(),
        reason: line.reason.to_owned(),
        retry_in_ms: line.retry_in.map(|wait| wait.as_millis() as f64),
    }
}

fn candidate(candidate: Candidate) -> v1::Candidate {
    v1::Candidate {
        eligible: candidate.eligible(),
        reason: candidate.reason(),
        place: candidate.why_here(),
        family: candidate.place.family().to_owned(),
        provider: candidate.provider.to_string(),
        model: candidate.model,
    }
}

fn capped(tokens: Option<u64>) -> u32 {
    u32::try_from(tokens.unwrap_or_default()).unwrap_or(u32::MAX)
}

fn price(model: catalog::Model, now: i64) -> v1::ModelPrice {
    let price = model.price;
    let as_of = price.and_then(|price| price.as_of);
    v1::ModelPrice {
        model: model.name(),
        provider: model.provider.to_string(),
        input: price.map(|price| price.input),
        cached: price.map(|price| price.cached),
        output: price.map(|price| price.output),
        as_of: as_of.map(|day| day.to_string()).unwrap_or_default(),
        old: as_of.is_some_and(|day| catalog::is_old(day, now)),
        context_tokens: capped(model.context),
        output_tokens: capped(model.output),
    }
}
