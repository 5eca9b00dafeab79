use std::{path::Path, sync::Arc};

use bsm_proto::registry::v1::{
    CheckKeyRequest, CreateKeyRequest, ListKeysRequest, RevokeKeyRequest, key_service_server::KeyService as _,
};
use bsm_runtime::{
    api_key::Presented,
    drain::Drain,
    metrics::Metrics,
    process::Process,
    role::Role,
    settings::{Layers, Settings},
    status,
};
use tonic::{Code, Request, Status};

use super::{
    Keys,
    rules::{self, Key, Wanted},
    scope::Scopes,
};

const NOW: i64 = 1_800_000_000_000;

fn keys(data: &Path) -> Keys {
    let flag = ("data_dir".to_owned(), data.display().to_string());
    let settings = Settings::from_layers(&Layers::read(None, |_| None, &[flag])).unwrap();
    let drain = Drain::new(settings.grace);
    Keys::new(&Process::new(Role::Registry, Arc::new(settings), drain, Metrics::default()))
}

fn wanted(scopes: &[&str]) -> CreateKeyRequest {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    CreateKeyRequest { name: "ci".into(), scopes, expires_at: None }
}

async fn check(keys: &Keys, text: &str) -> Result<Vec<String>, Status> {
    let Presented { id, proof } = Presented::read(text.as_bytes());
    let request = Request::new(CheckKeyRequest { id, proof: proof.to_vec() });
    keys.check_key(request).await.map(|answer| answer.into_inner().scopes)
}

#[tokio::test]
async fn a_key_is_valid_until_it_is_revoked_for_every_process_that_shares_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (keys(dir.path()), keys(dir.path()));
    let made = one.create_key(Request::new(wanted(&["invoke", "read"]))).await.unwrap().into_inner();
    assert_eq!(check(&other, &made.text).await.unwrap(), ["read", "invoke"]);
    let id = made.key.unwrap().id;
    for keys in [&other, &one] {
        let revoked = keys.revoke_key(Request::new(RevokeKeyRequest { id: id.clone() })).await.unwrap();
        assert_eq!(revoked.into_inner().key.unwrap().state, "revoked");
    }
    assert!(check(&one, &made.text).await.is_err() && check(&other, &made.text).await.is_err());
    let listed = one.list_keys(Request::new(ListKeysRequest {})).await.unwrap().into_inner().keys;
    assert_eq!((listed.len(), listed[0].state.as_str(), listed[0].name.as_str()), (1, "revoked", "ci"));
    let audit = std::fs::read_to_string(dir.path().join("registry/audit.jsonl")).unwrap();
    assert_eq!(audit.lines().count(), 2, "made and revoked once: {audit}");
    let missing = one.revoke_key(Request::new(RevokeKeyRequest { id: "none".into() })).await.unwrap_err();
    assert_eq!(status::reason(&missing).as_deref(), Some("KEY_NOT_FOUND"));
}

#[tokio::test]
async fn unknown_wrong_malformed_and_revoked_keys_are_told_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let keys = keys(dir.path());
    let made = keys.create_key(Request::new(wanted(&["read"]))).await.unwrap().into_inner();
    let gone = keys.create_key(Request::new(wanted(&["read"]))).await.unwrap().into_inner();
    let revoke = RevokeKeyRequest { id: gone.key.unwrap().id };
    keys.revoke_key(Request::new(revoke)).await.unwrap();
    let mut wrong = made.text.clone();
    wrong.replace_range(wrong.len() - 1.., if wrong.ends_with('0') { "1" } else { "0" });
    let unknown = format!("bsm_000000000000_{}", "0".repeat(64));
    for text in [wrong.as_str(), &unknown, &gone.text, "bsm_", "bsm_x_y"] {
        let refused = check(&keys, text).await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.message()),
            (Code::Unauthenticated, "the key is not valid"),
            "{text}"
        );
        assert_eq!(status::reason(&refused).as_deref(), Some("UNAUTHORIZED"));
    }
    assert!(check(&keys, &made.text).await.is_ok());
}

#[tokio::test]
async fn no_secret_is_on_disk_and_nobody_else_reads_what_seals_them() {
    let dir = tempfile::tempdir().unwrap();
    let keys = keys(dir.path());
    let text = keys.create_key(Request::new(wanted(&["admin"]))).await.unwrap().into_inner().text;
    let secret = text.rsplit('_').next().unwrap();
    assert_eq!(secret.len(), 64, "256 bits");
    for file in std::fs::read_dir(dir.path().join("registry")).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        assert!(!holds(secret.as_bytes()), "{}", path.display());
        assert!(!holds(&Presented::read(text.as_bytes()).proof), "{}", path.display());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let sealing = std::fs::metadata(dir.path().join("registry/keys.secret")).unwrap();
        assert_eq!(sealing.permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_request_for_a_key_is_refused_with_each_wrong_field() {
    let dir = tempfile::tempdir().unwrap();
    let keys = keys(dir.path());
    let wrong = CreateKeyRequest { name: "\n".into(), scopes: vec!["root".into()], expires_at: Some(1.0) };
    let refused = keys.create_key(Request::new(wrong)).await.unwrap_err();
    let fields: Vec<_> = status::field_violations(&refused).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["name", "scopes", "expires_at"]);
    for scopes in [&[][..], &["read", "read"], &["READ"], &["read", ""]] {
        assert!(Wanted::check(wanted(scopes), NOW).is_err(), "{scopes:?}");
    }
    for expires_at in [f64::NAN, f64::INFINITY, NOW as f64, -1.0] {
        let wanted = CreateKeyRequest { expires_at: Some(expires_at), ..wanted(&["read"]) };
        assert!(Wanted::check(wanted, NOW).is_err(), "{expires_at}");
    }
}

#[test]
fn a_key_ends_at_its_time() {
    let scopes = Scopes::parse("read").unwrap();
    let key = Key {
        id: "a".into(),
        name: "a".into(),
        scopes,
        seal: [7; 32],
        created_at: 0,
        created_by: "admin".into(),
        expires_at: Some(NOW),
        revoked_at: None,
    };
    assert!(rules::admit(Some(&key), &[7; 32], NOW - 1).is_ok());
    assert!(rules::admit(Some(&key), &[7; 32], NOW).is_err());
    assert!(rules::admit(Some(&key), &[8; 32], NOW - 1).is_err());
    assert!(rules::admit(None, &[0; 32], NOW).is_err(), "nothing is nobody's key");
    assert_eq!((key.state(NOW - 1), key.state(NOW)), ("valid", "expired"));
}
