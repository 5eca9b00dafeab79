//! `bsm usage`: what calls to models took and cost, and what is left of the budgets.

mod table;

use bsm_proto::models::v1::{ListBudgetsRequest, ListUsageRequest, model_service_client::ModelServiceClient};
use bsm_runtime::{clock, role::Role};

use super::{
    service::{self, asks, said},
    shown, when,
};
use crate::{
    cli::{Options, UsageArgs},
    exit::Exit,
    out, settings,
};

/// Asks the models service and prints what it says.
pub(crate) fn run(options: &Options, args: &UsageArgs) -> anyhow::Result<Exit> {
    let (settings, _) = settings::read(options)?;
    let url = service::url(args.url.as_deref(), &settings, Role::Models);
    let question = question(args)?;
    super::block_on(async move {
        let mut models = ModelServiceClient::new(service::connect(&url).await?);
        let token = settings.admin_token.as_ref();
        let text = if args.budgets {
            let budgets = said(token, models.list_budgets(asks(token, ListBudgetsRequest {})).await)?;
            match args.json {
                true => format!("{:#}", shown::json("bsm.models.v1.ListBudgetsResponse", &budgets)?),
                false => table::budgets(&budgets),
            }
        } else {
            let usage = said(token, models.list_usage(asks(token, question)).await)?;
            match args.json {
                true => format!("{:#}", shown::json("bsm.models.v1.ListUsageResponse", &usage)?),
                false => table::usage(&args.by, &usage),
            }
        };
        out::line(text)?;
        Ok(Exit::Done)
    })
}

fn question(args: &UsageArgs) -> anyhow::Result<ListUsageRequest> {
    let now = clock::unix_ms();
    let time = |name: &str, text: Option<&String>| {
        let ms = text.map(|text| when::option(name, text, now)).transpose();
        ms.map(|ms| ms.map(|ms| ms as f64))
    };
    Ok(ListUsageRequest {
        by: args.by.iter().map(|by| by.word().to_owned()).collect(),
        since: time("since", args.since.as_ref())?,
        until: time("until", args.until.as_ref())?,
        key: args.key.clone(),
        agent: args.agent.clone(),
        job: args.job.clone(),
        provider: args.provider.clone(),
        model: args.model.clone(),
        limit: Some(args.limit),
    })
}
