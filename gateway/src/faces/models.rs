//! The models that can be asked for by name, as each API lists them.

use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use bsm_proto::models::v1::{ListModelsRequest, Model, model_service_client::ModelServiceClient};
use bsm_runtime::{call::Call, role::Role};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::Tongue;
use crate::{fault::Fault, gateway::Gateway, status};

/// When a model came to be is nobody's knowledge here; the clients of these APIs want a time all the same.
const UNKNOWN_TIME: &str = "1970-01-01T00:00:00Z";

pub(super) async fn list(gateway: &Gateway, tongue: Tongue, call: &Call) -> Result<Response, Fault> {
    let models = known(gateway, None, call).await?;
    let data: Vec<Value> = models.iter().map(|model| shown(tongue, model)).collect();
    let body = match tongue {
        Tongue::OpenAi => json!({"object": "list", "data": data}),
        Tongue::Anthropic => {
            let id = |model: Option<&Model>| model.map(|model| model.id.clone());
            json!({"data": data, "has_more": false, "first_id": id(models.first()), "last_id": id(models.last())})
        }
    };
    Ok(Json(body).into_response())
}

pub(super) async fn one(gateway: &Gateway, id: &str, tongue: Tongue, call: &Call) -> Result<Response, Fault> {
    let id = percent_decode_str(id).decode_utf8_lossy();
    let models = known(gateway, Some(id.into_owned()), call).await?;
    let found = models.first().ok_or_else(Fault::internal)?; // who finds none is told so
    Ok(Json(shown(tongue, found)).into_response())
}

/// All models, or what one name stands for.
async fn known(gateway: &Gateway, name: Option<String>, call: &Call) -> Result<Vec<Model>, Fault> {
    let mut client = ModelServiceClient::new(gateway.upstreams.calls_to(Role::Models));
    let answer = client.list_models(call.request(ListModelsRequest { name })).await;
    Ok(answer.map_err(|status| status::fault(&status))?.into_inner().models)
}

fn shown(tongue: Tongue, model: &Model) -> Value {
    let owner = if model.provider.is_empty() { "bsm" } else { &model.provider };
    match tongue {
        Tongue::OpenAi => json!({"id": model.id, "object": "model", "created": 0, "owned_by": owner}),
        Tongue::Anthropic => {
            json!({"type": "model", "id": model.id, "display_name": model.name, "created_at": UNKNOWN_TIME})
        }
    }
}
