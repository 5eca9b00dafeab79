//! Reads `google.api.http` and `bsm.api.v1.rule` off the methods of a descriptor pool.

use std::{str::FromStr, sync::Arc};

use bsm_proto::api::v1::{Rule, Scope};
use http::{Method, StatusCode, uri::PathAndQuery};
use prost_reflect::{
    DescriptorPool, DynamicMessage, ExtensionDescriptor, Kind, MessageDescriptor, MethodDescriptor,
    ReflectMessage as _, Value,
};

use super::{BareText, BodyRule, Error, Route, Rpc, template::Template};

/// One method and path of an annotation, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Binding {
    method: Method,
    path: String,
    body: String,
}

struct Options {
    http: ExtensionDescriptor,
    rule: ExtensionDescriptor,
}

/// Every route of every service, in the order of the files.
pub(super) fn read(pool: &DescriptorPool) -> Result<Vec<Route>, Error> {
    let option = |name| pool.get_extension_by_name(name).ok_or(Error::NoSuchOption(name));
    let options = Options { http: option("google.api.http")?, rule: option("bsm.api.v1.rule")? };
    let mut routes = Vec::new();
    for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        routes.extend(routes_of(&method, &options)?);
    }
    Ok(routes)
}

fn routes_of(method: &MethodDescriptor, options: &Options) -> Result<Vec<Route>, Error> {
    let name = method.full_name().to_owned();
    let unusable = |problem: String| Error::Annotation { rpc: name.clone(), problem };
    let annotations = method.options();
    // Asked of every rpc, offered or not: a forgotten scope is found here and not by whoever calls it.
    let rule = rule(&annotations, &options.rule).ok_or_else(|| Error::NoScope(name.clone()))?;
    let bindings = match annotations.has_extension(&options.http) {
        true => bindings(annotations.get_extension(&options.http).as_message()).map_err(unusable)?,
        false => return Ok(Vec::new()),
    };
    if rule.scope() == Scope::Internal {
        return Err(Error::InternalOffered(name));
    }
    let rpc = Arc::new(rpc(method, &rule).map_err(unusable)?);
    let routes = bindings.into_iter().map(|binding| route(binding, &rpc));
    routes.collect::<Result<_, _>>().map_err(unusable)
}

fn rule(annotations: &DynamicMessage, option: &ExtensionDescriptor) -> Option<Rule> {
    let value = annotations.get_extension(option);
    let rule: Rule = value.as_message()?.transcode_to().ok()?;
    (rule.scope() != Scope::Unspecified).then_some(rule)
}

fn rpc(method: &MethodDescriptor, rule: &Rule) -> Result<Rpc, String> {
    if method.is_client_streaming() {
        return Err("an rpc that takes a stream has no place in HTTP's request and answer".to_owned());
    }
    let service = method.parent_service().full_name().to_owned();
    let path = format!("/{service}/{}", method.name());
    let success = match rule.http_success {
        0 => StatusCode::OK,
        code => success_code(code)?,
    };
    Ok(Rpc {
        name: method.full_name().to_owned(),
        path: PathAndQuery::from_str(&path).map_err(|err| format!("{path} is no path: {err}"))?,
        service,
        input: method.input(),
        output: method.output(),
        streams: method.is_server_streaming(),
        scope: rule.scope(),
        success,
        text: bare_text(rule, &method.output())?,
    })
}

fn success_code(code: u32) -> Result<StatusCode, String> {
    let known = u16::try_from(code).ok().and_then(|code| StatusCode::from_u16(code).ok());
    known
        .filter(StatusCode::is_success)
        .ok_or_else(|| format!("http_success {code} is not within 200 to 299"))
}

fn bare_text(rule: &Rule, output: &MessageDescriptor) -> Result<Option<BareText>, String> {
    if rule.text_field.is_empty() {
        return Ok(None);
    }
    let field =
        output.get_field_by_name(&rule.text_field).filter(|f| f.kind() == Kind::String && !f.is_list());
    let field = field.ok_or_else(|| format!("text_field {} is no string of the answer", rule.text_field))?;
    if !rule.text_type.contains('/') {
        return Err(format!("text_type \"{}\" is no media type", rule.text_type));
    }
    Ok(Some(BareText { field, media_type: rule.text_type.clone() }))
}

fn route(binding: Binding, rpc: &Arc<Rpc>) -> Result<Route, String> {
    Ok(Route {
        method: binding.method,
        template: Template::parse(&binding.path, &rpc.input)?,
        body: body_rule(&binding.body, &rpc.input)?,
        rpc: rpc.clone(),
    })
}

fn body_rule(body: &str, input: &MessageDescriptor) -> Result<BodyRule, String> {
    match body {
        "" => Ok(BodyRule::None),
        "*" => Ok(BodyRule::Whole),
        name => {
            let field =
                input.get_field_by_name(name).filter(|f| f.kind().as_message().is_some() && !f.is_list());
            field
                .map(BodyRule::Field)
                .ok_or_else(|| format!("the body's field {name} is no message of the request"))
        }
    }
}

/// The annotation itself and its `additional_bindings`, which do not nest.
fn bindings(http: Option<&DynamicMessage>) -> Result<Vec<Binding>, String> {
    let http = http.ok_or("google.api.http is no message")?;
    let further = http.get_field_by_name("additional_bindings");
    let further = further.as_deref().and_then(Value::as_list).unwrap_or_default();
    let mut found = vec![binding(http)?];
    for rule in further.iter().filter_map(Value::as_message) {
        found.push(binding(rule)?);
    }
    Ok(found)
}

fn binding(http: &DynamicMessage) -> Result<Binding, String> {
    let descriptor = http.descriptor();
    let pattern =
        descriptor.oneofs().find(|oneof| oneof.name() == "pattern").ok_or("HttpRule has no pattern")?;
    let set = pattern.fields().find(|field| http.has_field(field)).ok_or("it names no method and path")?;
    let (verb, path) = match http.get_field(&set).as_ref() {
        Value::Message(custom) => (text(custom, "kind"), text(custom, "path")),
        path => (set.name().to_ascii_uppercase(), path.as_str().unwrap_or_default().to_owned()),
    };
    let method = Method::from_str(&verb).map_err(|_| format!("\"{verb}\" is no method"))?;
    if !text(http, "response_body").is_empty() {
        return Err("response_body is not supported; name the whole message".to_owned());
    }
    Ok(Binding { method, path, body: text(http, "body") })
}

fn text(message: &DynamicMessage, field: &str) -> String {
    message.get_field_by_name(field).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
