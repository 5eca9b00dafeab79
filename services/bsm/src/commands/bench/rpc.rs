//! An rpc of the contract, named by its path, and a message for it, written as JSON.

use bsm_runtime::yaml::closest;
use bytes::{BufMut, Bytes, BytesMut};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DeserializeOptions, DynamicMessage, MethodDescriptor};

use crate::exit::{Exit, Failure};

/// A misspelt field would otherwise be a default without a word.
const OPTIONS: DeserializeOptions = DeserializeOptions::new().deny_unknown_fields(true);

/// The message in JSON as gRPC sends it: not compressed, its length before it.
///
/// # Errors
/// An rpc that the contract does not have, with the closest name; one that streams; JSON that is none or does not
/// fit, with its place.
pub(super) fn body(path: &str, json: &[u8]) -> anyhow::Result<Bytes> {
    let rpc = find(path)?;
    let message = message(&rpc, json)?;
    let length = message.encoded_len();
    let mut out = BytesMut::with_capacity(length + 5);
    out.put_u8(0);
    out.put_u32(u32::try_from(length)?);
    message.encode(&mut out)?;
    Ok(out.freeze())
}

fn find(path: &str) -> anyhow::Result<MethodDescriptor> {
    let pool = DescriptorPool::decode(bsm_proto::DESCRIPTORS)?;
    let wanted = path.trim_start_matches('/');
    let rpcs: Vec<_> = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()).collect();
    let rpc = rpcs.iter().find(|rpc| name(rpc) == wanted).ok_or_else(|| unknown(wanted, &rpcs))?;
    if rpc.is_server_streaming() || rpc.is_client_streaming() {
        let sentence = format!("{wanted} is a stream, which has no single answer to time; name another rpc");
        return Err(Failure::error(Exit::Usage, sentence));
    }
    Ok(rpc.clone())
}

/// `package.Service/Method`.
fn name(rpc: &MethodDescriptor) -> String {
    format!("{}/{}", rpc.parent_service().full_name(), rpc.name())
}

fn unknown(wanted: &str, rpcs: &[MethodDescriptor]) -> anyhow::Error {
    let names: Vec<String> = rpcs.iter().map(name).collect();
    let fits = |name: &&String| !wanted.is_empty() && name.ends_with(&format!(".{wanted}"));
    // Somebody may have left the package out, or mistyped either part.
    let last = |name: &str| name.rsplit(['/', '.']).next().unwrap_or_default().to_owned();
    let methods: Vec<String> = names.iter().map(|name| last(name)).collect();
    let by_method = || {
        let method = closest(&last(wanted), methods.iter().map(String::as_str))?;
        names.iter().find(|name| last(name) == method).map(String::as_str)
    };
    let meant = names.iter().find(fits).map(String::as_str);
    let meant = meant.or_else(|| closest(wanted, names.iter().map(String::as_str))).or_else(by_method);
    let help = match meant {
        Some(name) => format!("did you mean {name}?"),
        None => "name one as bsm.registry.v1.RegistryService/ListAgents".to_owned(),
    };
    Failure::error(Exit::Usage, format!("the contract has no rpc \"{wanted}\"; {help}"))
}

fn message(rpc: &MethodDescriptor, json: &[u8]) -> anyhow::Result<DynamicMessage> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let read = DynamicMessage::deserialize_with_options(rpc.input(), &mut reader, &OPTIONS)
        .and_then(|message| reader.end().map(|()| message));
    read.map_err(|err| {
        let sentence = format!("--data is no {} in JSON: {err}", rpc.input().name());
        Failure::error(Exit::Data, sentence)
    })
}

#[cfg(test)]
mod tests {
    use bsm_proto::registry::v1::GetAgentStatusRequest;

    use super::*;

    fn refused(path: &str, json: &str) -> String {
        body(path, json.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn json_becomes_the_message_with_its_length_before_it() {
        let bytes =
            body("/bsm.registry.v1.RegistryService/GetAgentStatus", br#"{"agentId": "a-1"}"#).unwrap();
        assert_eq!(bytes[..5], [0, 0, 0, 0, 5]);
        assert_eq!(GetAgentStatusRequest::decode(&bytes[5..]).unwrap().agent_id, "a-1");
        assert_eq!(body("/bsm.registry.v1.RegistryService/ListAgents", b"{}").unwrap().len(), 5);
    }

    #[test]
    fn an_unknown_rpc_is_told_with_the_one_that_was_meant() {
        for path in [
            "/bsm.registry.v1.RegistryService/ListAgnets",
            "/bsm.registry.v1.RegistryServise/ListAgents",
            "/RegistryService/ListAgents",
            "/registry/ListAgents",
            "/ListAgents",
        ] {
            let sentence = refused(path, "{}");
            assert!(
                sentence.contains("did you mean bsm.registry.v1.RegistryService/ListAgents?"),
                "{sentence}"
            );
        }
        assert!(refused("/", "{}").contains("name one as"));
    }

    #[test]
    fn json_that_is_none_or_does_not_fit_is_told_with_its_place() {
        let path = "/bsm.registry.v1.RegistryService/GetAgentStatus";
        for (json, what) in [
            ("{\n  \"agentId\": }", "line 2 column 14"),
            ("{\"agentID\": \"a\"}", "agentID"),
            ("{\"agentId\": 7}", "line 1 column"),
            ("{} {}", "line 1 column 4"),
            ("", "line 1 column 0"),
        ] {
            let sentence = refused(path, json);
            assert!(
                sentence.contains(what) && sentence.contains("GetAgentStatusRequest"),
                "{json}: {sentence}"
            );
        }
    }

    #[test]
    fn a_stream_is_refused() {
        assert!(refused("/bsm.ops.v1.OpsService/WatchTransitions", "{}").contains("is a stream"));
    }
}
