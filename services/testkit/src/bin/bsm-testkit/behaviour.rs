//! A provider's behaviour as data: what the command line and `PUT /behaviour` say.

use bsm_testkit::{
    Latency, Reply, Seed,
    reply::{Garble, ToolCall},
    span::Span,
};
use clap::Args;
use http::HeaderValue;
use serde::{Deserialize, Serialize};

const FAULTS: &str = "Faults (of several, the first in this order)";
const ALWAYS: &str = "What holds for every call";

/// How to answer. The options of the first group are faults, of which one is chosen in this order; `nth` says how
/// many calls meet it. The others hold for every call.
#[derive(Args, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Behaviour {
    /// Never answer
    #[arg(long, help_heading = FAULTS)]
    pub hang: bool,
    /// Reset the connection instead of answering
    #[arg(long, help_heading = FAULTS)]
    pub reset: bool,
    /// Answer with this status and an error in the wire's shape
    #[arg(long, value_name = "STATUS", help_heading = FAULTS)]
    pub fail: Option<u16>,
    /// The code in that error, such as insufficient_quota
    #[arg(long, requires = "fail", help_heading = FAULTS)]
    pub code: Option<String>,
    /// A Retry-After with that error: seconds, a date, anything
    #[arg(long, requires = "fail", value_name = "TEXT", help_heading = FAULTS)]
    pub retry_after: Option<String>,
    /// Answer with a page of HTML and status 200
    #[arg(long, help_heading = FAULTS)]
    pub html: bool,
    /// Answer with one endless word, until so many bytes are sent
    #[arg(long, value_name = "BYTES", help_heading = FAULTS)]
    pub endless: Option<u64>,
    /// Hang after so many chunks
    #[arg(long, value_name = "CHUNKS", help_heading = FAULTS)]
    pub hang_after: Option<usize>,
    /// Reset the connection after so many chunks
    #[arg(long, value_name = "CHUNKS", help_heading = FAULTS)]
    pub reset_after: Option<usize>,
    /// Close the connection after so many chunks
    #[arg(long, value_name = "CHUNKS", help_heading = FAULTS)]
    pub close_after: Option<usize>,
    /// End the body after so many chunks, as if it were whole
    #[arg(long, value_name = "CHUNKS", help_heading = FAULTS)]
    pub end_after: Option<usize>,
    /// Spoil the second event of a stream: half-json, no-field, html, not-utf8, unended, huge=BYTES, error, twice
    #[arg(long, value_name = "HOW", help_heading = FAULTS)]
    pub garble: Option<String>,
    /// Only each n-th call meets the fault
    #[arg(long, value_name = "N", help_heading = FAULTS)]
    pub nth: Option<u64>,

    /// What the model says
    #[arg(long, default_value = DEFAULT_WORDS, value_name = "TEXT", help_heading = ALWAYS)]
    pub says: String,
    /// Call a tool instead of saying something, such as get_weather={"city":"Paris"}; may be given again
    #[arg(long = "call", value_name = "NAME=JSON", help_heading = ALWAYS)]
    pub calls: Vec<String>,
    /// How long it takes to begin: 20ms, 10ms..50ms, exp:20ms, or median/p99 such as 20ms/200ms
    #[arg(long, help_heading = ALWAYS)]
    pub latency: Option<Latency>,
    /// Cut the bytes into chunks of so many
    #[arg(long, value_name = "BYTES", help_heading = ALWAYS)]
    pub cut: Option<usize>,
    /// Wait before each chunk but the first
    #[arg(long, value_name = "TIME", help_heading = ALWAYS)]
    pub every: Option<Span>,
    /// Leave the usage out
    #[arg(long, help_heading = ALWAYS)]
    pub without_usage: bool,
    /// Accept only this key; may be given again
    #[arg(long = "key", value_name = "KEY", help_heading = ALWAYS)]
    pub keys: Vec<String>,
    /// Where latency is drawn from
    #[arg(long, default_value_t = 0, help_heading = ALWAYS)]
    pub seed: u64,
}

/// A review that finds nothing, so that a mesh behind which this stands comes to a decision.
const DEFAULT_WORDS: &str =
    r#"{"decision": "approve", "score": 9, "summary": "Nothing to object to.", "findings": []}"#;

// === impl Behaviour ===

impl Default for Behaviour {
    fn default() -> Self {
        Behaviour {
            hang: false,
            reset: false,
            fail: None,
            code: None,
            retry_after: None,
            html: false,
            endless: None,
            hang_after: None,
            reset_after: None,
            close_after: None,
            end_after: None,
            garble: None,
            nth: None,
            says: DEFAULT_WORDS.to_owned(),
            calls: Vec::new(),
            latency: None,
            cut: None,
            every: None,
            without_usage: false,
            keys: Vec::new(),
            seed: 0,
        }
    }
}

impl Behaviour {
    /// Finds what no reply can be made of.
    ///
    /// # Errors
    /// A sentence that names the option.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.cut == Some(0) {
            return Err("cut must be at least 1 byte".to_owned());
        }
        if self.nth == Some(0) {
            return Err("nth must be at least 1".to_owned());
        }
        if let Some(how) = &self.garble {
            how.parse::<Garble>().map_err(|err| format!("garble: {err}"))?;
        }
        if let Some(call) = self.calls.iter().find(|call| !call.contains('=')) {
            return Err(format!("call must be NAME=JSON, not `{}`", call.escape_debug()));
        }
        if let Some(status) = self.fail.filter(|status| !(200..=999).contains(status)) {
            return Err(format!("fail must be a status from 200 to 999, not {status}"));
        }
        if let Some(text) = self.retry_after.as_deref().filter(|text| HeaderValue::try_from(*text).is_err()) {
            return Err(format!("retry-after `{}` cannot stand in a header", text.escape_debug()));
        }
        Ok(())
    }

    /// Whether the call of this number meets a fault.
    pub(crate) fn meets(&self, number: u64) -> bool {
        self.fault().is_some() && self.nth.is_none_or(|n| (number + 1).is_multiple_of(n))
    }

    /// Whether there is a fault that calls can meet.
    pub(crate) fn has_fault(&self) -> bool {
        self.fault().is_some()
    }

    /// The reply to the call of this number. The behaviour has been checked.
    pub(crate) fn reply(&self, number: u64) -> Reply {
        let fault = if self.meets(number) { self.fault() } else { None };
        let mut reply = fault.unwrap_or_else(|| self.answer());
        if let Some(latency) = self.latency {
            reply = reply.after(latency.at(Seed(self.seed), number));
        }
        if let Some(bytes) = self.cut {
            reply = reply.cut(bytes);
        }
        if let Some(wait) = self.every {
            reply = reply.every(wait.0);
        }
        if self.without_usage { reply.without_usage() } else { reply }
    }

    /// The answer where nothing goes wrong.
    fn answer(&self) -> Reply {
        if self.calls.is_empty() {
            return Reply::Says(self.says.clone());
        }
        let calls = self.calls.iter().enumerate().filter_map(|(at, call)| {
            let (name, arguments) = call.split_once('=')?;
            Some(ToolCall::new(&format!("call_{}", at + 1), name, arguments))
        });
        Reply::Calls(calls.collect())
    }

    fn fault(&self) -> Option<Reply> {
        let says = || self.answer();
        Some(match self {
            Behaviour { hang: true, .. } => Reply::Hangs,
            Behaviour { reset: true, .. } => Reply::Resets,
            Behaviour { fail: Some(status), .. } => self.error(*status),
            Behaviour { html: true, .. } => Reply::html(),
            Behaviour { endless: Some(bytes), .. } => Reply::Endless(*bytes),
            Behaviour { hang_after: Some(chunks), .. } => says().hang_after(*chunks),
            Behaviour { reset_after: Some(chunks), .. } => says().reset_after(*chunks),
            Behaviour { close_after: Some(chunks), .. } => says().close_after(*chunks),
            Behaviour { end_after: Some(chunks), .. } => says().end_after(*chunks),
            _ => says().garble(1, self.garble.as_deref()?.parse().ok()?),
        })
    }

    fn error(&self, status: u16) -> Reply {
        let reply = Reply::Refuses(status, self.code.clone().unwrap_or_default());
        match &self.retry_after {
            Some(wait) => reply.header("retry-after", wait),
            None => reply,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_each_nth_call_meets_the_fault() {
        let behaviour = Behaviour { fail: Some(503), nth: Some(3), ..Behaviour::default() };
        let fails = |n| matches!(behaviour.reply(n), Reply::Refuses(503, _));
        assert_eq!([0, 1, 2, 3, 4, 5].map(fails), [false, false, true, false, false, true]);
        assert_eq!([0, 1, 2].map(|n| behaviour.meets(n)), [false, false, true]);
        assert!(!Behaviour::default().meets(0) && !Behaviour::default().has_fault());
    }

    #[test]
    fn what_no_reply_can_be_made_of_is_refused_by_name() {
        let cases = [
            (Behaviour { cut: Some(0), ..Behaviour::default() }, "cut"),
            (Behaviour { calls: vec!["lookup".into()], ..Behaviour::default() }, "NAME=JSON, not `lookup`"),
            (Behaviour { nth: Some(0), ..Behaviour::default() }, "nth"),
            (Behaviour { garble: Some("softly".into()), ..Behaviour::default() }, "none of half-json"),
            (Behaviour { fail: Some(99), ..Behaviour::default() }, "not 99"),
            (Behaviour { retry_after: Some("a\nb".into()), ..Behaviour::default() }, "`a\\nb`"),
        ];
        for (behaviour, expected) in cases {
            assert!(behaviour.check().unwrap_err().contains(expected), "{expected}");
        }
        assert_eq!(Behaviour::default().check(), Ok(()));
    }
}
