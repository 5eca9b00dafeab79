//! What a caller says about repeats of a call and about kept answers: in the prompt, or in the metadata, which is what
//! the headers of HTTP become.

use std::time::Duration;

use bsm_proto::models::v1;
use http::HeaderMap;

use super::position::Position;
use crate::ask::Violation;

/// Metadata, and header, of the idempotency key.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Metadata, and header, that asks for kept answers, and says of an answer whether it was one.
pub const CACHE: &str = "x-bsm-cache";
/// Metadata, and header, that says how many seconds a call goes on whose caller is gone.
pub const GRACE: &str = "x-bsm-resume-grace";
/// Header that says behind which event of a stream to go on.
const LAST_EVENT_ID: &str = "last-event-id";
/// HTTP's own word about caches.
const CACHE_CONTROL: &str = "cache-control";

/// The longest grace: a provider must not work for nobody for longer.
pub const LONGEST_GRACE: Duration = Duration::from_secs(300);
/// Bytes of an idempotency key at most.
const MAX_KEY: usize = 255;

/// Whether an answer that is kept will do, and whether the new one is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheUse {
    /// Neither.
    #[default]
    Off,
    /// Both.
    On,
    /// The question is asked anew, and the answer kept.
    Refresh,
}

/// What a caller wishes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Repeats of the call have the same.
    pub key: Option<String>,
    /// Whether kept answers will do.
    pub cache: CacheUse,
    /// How old a kept answer may be; `None`: as old as any is kept.
    pub max_age: Option<Duration>,
    /// How long the call goes on when its last caller is gone. At most [`LONGEST_GRACE`].
    pub grace: Duration,
    /// Where a stream is resumed: what the caller saw last.
    pub(super) resume: Option<Resume>,
}

/// What a caller saw last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resume {
    After(Position),
    /// Nothing that an answer of ours was called.
    Unknown,
}

/// The directives of `Cache-Control` that mean something here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct CacheControl {
    no_store: bool,
    no_cache: bool,
    max_age: Option<Duration>,
}

// === impl Wishes ===

impl Wishes {
    /// What the metadata of a call says.
    ///
    /// # Errors
    /// Everything that is not as it must be.
    pub fn of(metadata: &HeaderMap) -> Result<Self, Vec<Violation>> {
        Self::read(metadata, &v1::Prompt::default())
    }

    /// What a prompt says and, where it says nothing, the metadata of its call.
    ///
    /// # Errors
    /// Everything that is not as it must be. The prompt's own key is checked with the prompt.
    pub fn read(metadata: &HeaderMap, prompt: &v1::Prompt) -> Result<Self, Vec<Violation>> {
        let mut found = Vec::new();
        let text = |name: &str| metadata.get(name).map(|value| value.to_str().unwrap_or("\u{fffd}"));
        let key = prompt.idempotency_key.clone().or_else(|| text(IDEMPOTENCY_KEY).map(str::to_owned));
        if prompt.idempotency_key.is_none() && key.as_deref().is_some_and(|key| !is_key(key)) {
            let problem = format!("must be 1 to {MAX_KEY} visible ASCII characters");
            found.push(Violation::new(IDEMPOTENCY_KEY, problem));
        }
        let (field, word) = match &prompt.cache {
            Some(word) => ("prompt.cache", Some(word.as_str())),
            None => (CACHE, text(CACHE)),
        };
        let control = text(CACHE_CONTROL).map(CacheControl::read).unwrap_or_default();
        let cache = cache_use(word, control).unwrap_or_else(|| {
            found.push(Violation::new(field, "must be on, off or refresh"));
            CacheUse::Off
        });
        let asked = prompt.cache_max_age_seconds.map(|seconds| Duration::from_secs(seconds.into()));
        let grace = grace(prompt.resume_grace_seconds, text(GRACE)).unwrap_or_else(|field| {
            let problem = format!("must be seconds from 0 to {}", LONGEST_GRACE.as_secs());
            found.push(Violation::new(field, problem));
            Duration::ZERO
        });
        let wishes = Wishes { key, cache, max_age: asked.or(control.max_age), grace, resume: None };
        if found.is_empty() { Ok(wishes) } else { Err(found) }
    }

    /// The same for a stream of which the caller has seen the event with this id; an empty one means none.
    #[must_use]
    pub fn after(self, last_event_id: Option<&str>) -> Self {
        let last = last_event_id.filter(|id| !id.is_empty());
        let resume = last.map(|id| id.parse().map_or(Resume::Unknown, Resume::After));
        Self { resume, ..self }
    }

    /// The same for a call whose last event id stands with the rest.
    #[must_use]
    pub fn after_header(self, headers: &HeaderMap) -> Self {
        self.after(headers.get(LAST_EVENT_ID).map(|id| id.to_str().unwrap_or("\u{fffd}")))
    }

    /// Whether nothing is wished that a plain call has not.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.key.is_none() && self.cache == CacheUse::Off && self.resume.is_none()
    }
}

fn is_key(key: &str) -> bool {
    (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `None` when the word is none of those that may stand there. HTTP's own words make it less, never more.
fn cache_use(word: Option<&str>, control: CacheControl) -> Option<CacheUse> {
    let asked = match word.map(str::trim).unwrap_or("off") {
        "on" => CacheUse::On,
        "refresh" => CacheUse::Refresh,
        "off" => CacheUse::Off,
        _ => return None,
    };
    Some(match asked {
        CacheUse::On | CacheUse::Refresh if control.no_store => CacheUse::Off,
        CacheUse::On if control.no_cache => CacheUse::Refresh,
        asked => asked,
    })
}

/// The field that is wrong, else the grace.
fn grace(field: Option<f64>, header: Option<&str>) -> Result<Duration, &'static str> {
    let (name, seconds) = match (field, header) {
        (Some(seconds), _) => ("prompt.resume_grace_seconds", seconds),
        (None, Some(text)) => (GRACE, text.trim().parse().map_err(|_| GRACE)?),
        (None, None) => return Ok(Duration::ZERO),
    };
    let grace = Duration::try_from_secs_f64(seconds).map_err(|_| name)?;
    if grace <= LONGEST_GRACE { Ok(grace) } else { Err(name) }
}

// === impl CacheControl ===

impl CacheControl {
    /// Directives that mean nothing here, or cannot be read, are passed over, as HTTP wants it.
    fn read(text: &str) -> Self {
        let mut control = Self::default();
        for directive in text.split(',').map(str::trim) {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "no-store" => control.no_store = true,
                "no-cache" => control.no_cache = true,
                "max-age" => {
                    let seconds = value.trim().trim_matches('"').parse().ok();
                    control.max_age = seconds.map(Duration::from_secs).or(control.max_age);
                }
                _ => {}
            }
        }
        control
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn read(headers: &[(&'static str, &str)], prompt: v1::Prompt) -> Result<Wishes, Vec<Violation>> {
        let pairs = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
        Wishes::read(&pairs.collect(), &prompt)
    }

    #[test]
    fn nothing_is_kept_unless_it_is_asked_for_and_http_can_only_make_it_less() {
        let cases = [
            (&[][..], CacheUse::Off, None),
            (&[("x-bsm-cache", "on")], CacheUse::On, None),
            (&[("x-bsm-cache", "off")], CacheUse::Off, None),
            (&[("cache-control", "max-age=60")], CacheUse::Off, Some(60)),
            (&[("x-bsm-cache", "on"), ("cache-control", "Max-Age=60, x")], CacheUse::On, Some(60)),
            (&[("x-bsm-cache", "on"), ("cache-control", "no-cache")], CacheUse::Refresh, None),
            (&[("x-bsm-cache", "on"), ("cache-control", "max-age=0 , NO-STORE")], CacheUse::Off, Some(0)),
            (&[("x-bsm-cache", "refresh"), ("cache-control", "max-age=x")], CacheUse::Refresh, None),
        ];
        for (headers, cache, seconds) in cases {
            let wishes = read(headers, v1::Prompt::default()).unwrap();
            assert_eq!(
                (wishes.cache, wishes.max_age),
                (cache, seconds.map(Duration::from_secs)),
                "{headers:?}"
            );
            assert_eq!(wishes.is_plain(), cache == CacheUse::Off, "{headers:?}");
        }
    }

    #[test]
    fn the_prompt_has_the_first_word() {
        let prompt = v1::Prompt {
            idempotency_key: Some("mine".to_owned()),
            cache: Some("off".to_owned()),
            cache_max_age_seconds: Some(5),
            resume_grace_seconds: Some(1.5),
            ..v1::Prompt::default()
        };
        let headers = [
            ("idempotency-key", "other"),
            ("x-bsm-cache", "on"),
            ("cache-control", "max-age=9"),
            ("x-bsm-resume-grace", "30"),
        ];
        let wishes = read(&headers, prompt).unwrap();
        assert_eq!((wishes.key.as_deref(), wishes.cache), (Some("mine"), CacheUse::Off));
        assert_eq!(
            (wishes.max_age, wishes.grace),
            (Some(Duration::from_secs(5)), Duration::from_millis(1500))
        );
        let wishes = read(&headers, v1::Prompt::default()).unwrap();
        assert_eq!((wishes.key.as_deref(), wishes.grace), (Some("other"), Duration::from_secs(30)));
    }

    #[test]
    fn every_wish_that_cannot_be_read_is_named() {
        let headers = [("idempotency-key", "a b"), ("x-bsm-cache", "yes"), ("x-bsm-resume-grace", "301")];
        let wrong = read(&headers, v1::Prompt::default()).unwrap_err();
        let fields: Vec<_> = wrong.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(fields, [IDEMPOTENCY_KEY, CACHE, GRACE]);
        for seconds in ["-1", "nan", "inf", "x", ""] {
            assert!(read(&[("x-bsm-resume-grace", seconds)], v1::Prompt::default()).is_err(), "{seconds}");
        }
    }

    #[test]
    fn an_id_that_is_none_of_ours_is_told_from_none_at_all() {
        let after = |id| Wishes::default().after(id).resume;
        assert_eq!((after(None), after(Some(""))), (None, None));
        assert_eq!(after(Some("17")), Some(Resume::Unknown));
        assert!(matches!(after(Some("00000000000000ab.3")), Some(Resume::After(_))));
    }
}
