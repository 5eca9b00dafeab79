//! An answer for machines: the contract's own JSON of each item.

use prost::Message;
use serde_json::{Value, json};

use super::answer::{Answer, List};
use crate::commands::shown;

impl Answer {
    /// One object: each list under its name, and who did not answer.
    pub(super) fn json(&self) -> anyhow::Result<Value> {
        let unreached = all("Unreached", &self.unreached)?;
        let (name, list) = match &self.list {
            List::Breakers(list) => ("breakers", all("Breaker", list)?),
            List::Bulkheads(list) => ("bulkheads", all("Bulkhead", list)?),
            List::Limits(calls, clients) => {
                let (calls, clients) = (all("ConcurrencyLimit", calls)?, all("RateLimit", clients)?);
                return Ok(
                    json!({ "concurrencyLimits": calls, "rateLimits": clients, "unreached": unreached }),
                );
            }
            List::Budgets(list) => ("retryBudgets", all("RetryBudget", list)?),
            List::Caches(list) => ("caches", all("Cache", list)?),
            List::Flags(list) => ("flags", all("Flag", list)?),
            List::Cleared(list) => ("cleared", json!(list)),
        };
        Ok(json!({ name: list, "unreached": unreached }))
    }
}

fn all<M: Message>(name: &str, list: &[M]) -> anyhow::Result<Value> {
    list.iter().map(|message| one(name, message)).collect()
}

/// A message of `bsm.ops.v1` as the contract shows it.
pub(super) fn one<M: Message>(name: &str, message: &M) -> anyhow::Result<Value> {
    shown::json(&format!("bsm.ops.v1.{name}"), message)
}

#[cfg(test)]
mod tests {
    use bsm_proto::ops::v1::{Flag, Unreached};

    use super::*;

    #[test]
    fn an_answer_is_the_contracts_json_and_names_who_did_not_answer() {
        let flag = Flag { name: "retry".into(), percent: 0, service: "models".into() };
        let away = Unreached { service: "memory".into(), error: "It is away.".into() };
        let answer = List::Flags(vec![flag]).without(vec![away]);
        assert_eq!(
            answer.json().unwrap(),
            json!({"flags": [{"name": "retry", "percent": 0, "service": "models"}],
                   "unreached": [{"service": "memory", "error": "It is away."}]})
        );
    }
}
