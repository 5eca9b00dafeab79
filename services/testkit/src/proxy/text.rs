//! A fault in text: `latency=200ms,jitter=20ms,down.bandwidth=10k,black-hole,reset-after=1000,slow-close=1s,refuse`.
//!
//! A member without `up.` or `down.` holds for both directions; `none` is no fault.

use std::{fmt, str::FromStr};

use super::fault::{Fault, Leg};
use crate::span::{NoSpan, Span};

/// Text that is no fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoFault {
    /// There is no such member.
    #[error(
        "`{0}` is no fault; there are latency, jitter, bandwidth, black-hole, reset-after, slow-close \
         (each also as up.… and down.…), refuse and none"
    )]
    Unknown(String),
    /// The value of a member is wrong.
    #[error("{member}: {source}")]
    Span {
        /// Which one.
        member: String,
        /// What is wrong.
        source: NoSpan,
    },
    /// The value of a member is wrong.
    #[error(
        "{member}: `{value}` is no number of bytes; write 1 or more, with k, M or G for thousands, such as 10k"
    )]
    Bytes {
        /// Which one.
        member: String,
        /// Its value.
        value: String,
    },
}

impl FromStr for Fault {
    type Err = NoFault;

    fn from_str(text: &str) -> Result<Self, NoFault> {
        let mut fault = Fault::NONE;
        for member in text.split(',').map(str::trim).filter(|member| !member.is_empty() && *member != "none")
        {
            if member == "refuse" {
                fault.refuse = true;
                continue;
            }
            match member.split_once('.') {
                Some(("up", rest)) => set(&mut fault.up, rest, member)?,
                Some(("down", rest)) => set(&mut fault.down, rest, member)?,
                _ => {
                    set(&mut fault.up, member, member)?;
                    set(&mut fault.down, member, member)?;
                }
            }
        }
        Ok(fault)
    }
}

fn set(leg: &mut Leg, member: &str, whole: &str) -> Result<(), NoFault> {
    let (name, value) = member.split_once('=').unwrap_or((member, ""));
    let span = || {
        let failed = |source| NoFault::Span { member: name.to_owned(), source };
        value.parse::<Span>().map(|span| span.0).map_err(failed)
    };
    let bytes = || {
        let failed = || NoFault::Bytes { member: name.to_owned(), value: value.to_owned() };
        number(value).ok_or_else(failed)
    };
    match name {
        "latency" => leg.latency = span()?,
        "jitter" => leg.jitter = span()?,
        "slow-close" => leg.slow_close = span()?,
        "bandwidth" => match bytes()? {
            0 => return Err(NoFault::Bytes { member: name.to_owned(), value: value.to_owned() }),
            rate => leg.bandwidth = Some(rate),
        },
        "reset-after" => leg.reset_after = Some(bytes()?),
        "black-hole" if value.is_empty() => leg.black_hole = true,
        _ => return Err(NoFault::Unknown(whole.to_owned())),
    }
    Ok(())
}

fn number(text: &str) -> Option<u64> {
    let (digits, scale) = match text.as_bytes().last()? {
        b'k' => (&text[..text.len() - 1], 1_000),
        b'M' => (&text[..text.len() - 1], 1_000_000),
        b'G' => (&text[..text.len() - 1], 1_000_000_000),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(scale)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (up, down) = (members(&self.up), members(&self.down));
        let mut all: Vec<String> = up.iter().filter(|member| down.contains(member)).cloned().collect();
        let alone = |members: &[String], others: &[String], way: &str| -> Vec<String> {
            members
                .iter()
                .filter(|member| !others.contains(member))
                .map(|member| format!("{way}.{member}"))
                .collect()
        };
        all.extend(alone(&up, &down, "up"));
        all.extend(alone(&down, &up, "down"));
        all.extend(self.refuse.then(|| "refuse".to_owned()));
        f.write_str(if all.is_empty() { "none" } else { "" })?;
        f.write_str(&all.join(","))
    }
}

fn members(leg: &Leg) -> Vec<String> {
    let span = |name, span: std::time::Duration| (!span.is_zero()).then(|| format!("{name}={}", Span(span)));
    let all = [
        span("latency", leg.latency),
        span("jitter", leg.jitter),
        leg.bandwidth.map(|rate| format!("bandwidth={rate}")),
        leg.black_hole.then(|| "black-hole".to_owned()),
        leg.reset_after.map(|bytes| format!("reset-after={bytes}")),
        span("slow-close", leg.slow_close),
    ];
    all.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_fault_is_written_as_it_is_read() {
        for text in [
            "none",
            "latency=200ms,jitter=20ms",
            "black-hole,refuse",
            "slow-close=1s,up.latency=5ms,down.bandwidth=10000,down.reset-after=0",
            "up.black-hole,refuse",
        ] {
            assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
        }
        let fault: Fault = "down.bandwidth=10k, latency=1s".parse().unwrap();
        assert_eq!((fault.down.bandwidth, fault.up.bandwidth), (Some(10_000), None));
        assert_eq!((fault.up.latency, fault.down.latency), (Duration::from_secs(1), Duration::from_secs(1)));
    }

    #[test]
    fn what_is_no_fault_is_refused_with_what_would_be() {
        let cases = [
            ("fire", "`fire` is no fault; there are latency"),
            ("sideways.latency=1s", "`sideways.latency=1s` is no fault"),
            ("latency", "latency: `` is no length of time"),
            ("latency=5", "such as 200ms"),
            ("bandwidth=0", "bandwidth: `0` is no number of bytes"),
            ("reset-after=-1", "such as 10k"),
            ("reset-after=99999999999G", "such as 10k"),
            ("black-hole=yes", "`black-hole=yes` is no fault"),
        ];
        for (text, expected) in cases {
            let refused = text.parse::<Fault>().unwrap_err().to_string();
            assert!(refused.contains(expected), "{text}: {refused}");
        }
    }
}
