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
    /// Whether nothing but a kept answer will do: nobody is to be asked.
    pub only_kept: bool,
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
    only_if_cached: bool,
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
        let control = CacheControl::of(metadata).unwrap_or_else(|problem| {
            found.push(Violation::new(CACHE_CONTROL, problem));
            CacheControl::default()
        });
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
        let (max_age, only_kept) = (asked.or(control.max_age), control.only_if_cached);
        let wishes = Wishes { key, cache, max_age, only_kept, grace, resume: None };
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
        self.key.is_none() && self.cache == CacheUse::Off && self.resume.is_none() && !self.only_kept
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
    /// What all lines of the header say together.
    fn of(metadata: &HeaderMap) -> Result<Self, String> {
        let mut control = Self::default();
        for line in metadata.get_all(CACHE_CONTROL) {
            let line = line.to_str().map_err(|_| "must be visible ASCII characters".to_owned())?;
            line.split(',').try_for_each(|directive| control.heed(directive.trim()))?;
        }
        Ok(control)
    }

    /// Directives that mean nothing here are passed over, as HTTP wants it.
    fn heed(&mut self, directive: &str) -> Result<(), String> {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" => self.no_store = true,
            "no-cache" => self.no_cache = true,
            "only-if-cached" => self.only_if_cached = true,
            "max-age" => self.max_age = Some(seconds(value.trim().trim_matches('"'))?),
            _ => {}
        }
        Ok(())
    }
}

/// More than any clock counts is as long as can be said.
fn seconds(text: &str) -> Result<Duration, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("must say max-age in whole seconds, such as max-age=60".to_owned());
    }
    Ok(Duration::from_secs(text.parse().unwrap_or(u64::MAX)))
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
            (&[("x-bsm-cache", "on"), ("cache-control", "max-stale=x")], CacheUse::On, None),
            (
                &[("x-bsm-cache", "on"), ("cache-control", "no-cache"), ("cache-control", "max-age=7")],
                CacheUse::Refresh,
                Some(7),
            ),
        ];
        for (headers, cache, seconds) in cases {
            let wishes = read(headers, v1::Prompt::default()).unwrap();
            assert_eq!(
                (wishes.cache, wishes.max_age),
                (cache, seconds.map(Duration::from_secs)),
                "{headers:?}"
            );
            assert_eq!(wishes.is_plain(), cache == CacheUse::Off, "{headers:?}");
            assert!(!wishes.only_kept, "{headers:?}");
        }
    }

    #[test]
    fn who_wants_kept_answers_only_asks_for_no_other() {
        let wishes = read(&[("cache-control", "only-if-cached")], v1::Prompt::default()).unwrap();
        assert!(wishes.only_kept && !wishes.is_plain());
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
        for control in
            ["max-age=x", "max-age", "max-age=-1", "max-age=1.5", "no-cache, max-age=", "no-cache\u{fc}"]
        {
            let wrong = read(&[("cache-control", control)], v1::Prompt::default()).unwrap_err();
            assert_eq!(wrong[0].field, CACHE_CONTROL, "{control}");
        }
        for name in [IDEMPOTENCY_KEY, CACHE, GRACE] {
            let wrong = read(&[(name, "\u{fc}")], v1::Prompt::default()).unwrap_err();
            assert_eq!(wrong[0].field, name, "what is no ASCII is no wish");
        }
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
