//! `bsm keys`: API keys, made, listed and revoked from a terminal.

use bsm_proto::registry::v1::{
    ApiKey, CreateKeyRequest, CreateKeyResponse, ListKeysRequest, RevokeKeyRequest,
    key_service_client::KeyServiceClient,
};
use bsm_runtime::{clock, role::Role};
use comfy_table::{Cell, Color, Row};

use super::{
    service::{self, asks, said},
    shown, when,
};
use crate::{
    cli::{KeysArgs, KeysCommand, Options},
    exit::Exit,
    out, settings,
};

const DAY_MS: i64 = 86_400_000;

/// Asks the registry and prints what it says.
pub(crate) fn run(options: &Options, args: &KeysArgs) -> anyhow::Result<Exit> {
    let (settings, _) = settings::read(options)?;
    let url = service::url(args.url.as_deref(), &settings, Role::Registry);
    let token = args.token.clone().map(Into::into).or(settings.admin_token);
    super::block_on(async move {
        let mut keys = KeyServiceClient::new(service::connect(&url).await?);
        let token = token.as_ref();
        let text = match &args.what {
            KeysCommand::Create { name, scopes, days } => {
                let expires_at = days.map(|days| (clock::unix_ms() + i64::from(days) * DAY_MS) as f64);
                let wanted = CreateKeyRequest { name: name.clone(), scopes: scopes.clone(), expires_at };
                let made = said(token, keys.create_key(asks(token, wanted)).await)?;
                match args.json {
                    true => format!("{:#}", shown::json("bsm.registry.v1.CreateKeyResponse", &made)?),
                    false => created(&made),
                }
            }
            KeysCommand::List => {
                let listed = said(token, keys.list_keys(asks(token, ListKeysRequest {})).await)?;
                match args.json {
                    true => format!("{:#}", shown::json("bsm.registry.v1.ListKeysResponse", &listed)?),
                    false => shown::table(HEADER.to_vec(), listed.keys.iter().map(row)),
                }
            }
            KeysCommand::Revoke { id } => {
                let revoke = RevokeKeyRequest { id: id.clone() };
                let revoked = said(token, keys.revoke_key(asks(token, revoke)).await)?;
                match args.json {
                    true => format!("{:#}", shown::json("bsm.registry.v1.RevokeKeyResponse", &revoked)?),
                    false => format!("Revoked: {id}. It opens nothing any more."),
                }
            }
        };
        out::line(text)?;
        Ok(Exit::Done)
    })
}

/// The text alone goes to standard output, so that it can be put into a variable or a file.
fn created(made: &CreateKeyResponse) -> String {
    let key = made.key.clone().unwrap_or_default();
    let scopes = key.scopes.join(", ");
    let ends =
        key.expires_at.map_or("does not end".to_owned(), |at| format!("ends {}", when::show(at as i64)));
    anstream::eprintln!(
        "Key {} for {:?} may {scopes} and {ends}. Keep its text; it is shown this once:",
        key.id,
        key.name
    );
    made.text.clone()
}

const HEADER: [&str; 8] = ["id", "name", "may", "state", "made", "by", "ends", "revoked"];

fn row(key: &ApiKey) -> Row {
    let time = |at: Option<f64>| at.map_or("-".to_owned(), |at| when::show(at as i64));
    let state = match key.state.as_str() {
        "valid" => Cell::new("valid"),
        other => Cell::new(other).fg(Color::Yellow),
    };
    Row::from(vec![
        Cell::new(&key.id),
        Cell::new(&key.name),
        Cell::new(key.scopes.join(", ")),
        state,
        Cell::new(time(Some(key.created_at))),
        Cell::new(&key.created_by),
        Cell::new(time(key.expires_at)),
        Cell::new(time(key.revoked_at)),
    ])
}
