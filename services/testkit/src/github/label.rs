//! Labels of pull requests.

use super::{
    Refused,
    request::{Answer, Request},
    view,
    world::World,
};

// === impl World ===

impl World {
    pub(super) fn add_labels(
        &mut self,
        repo: &str,
        number: u64,
        request: &Request<'_>,
    ) -> Result<Answer, Refused> {
        let new = labels(request)?;
        let pull = self.pull_mut(repo, number)?;
        for label in new {
            if !pull.labels.contains(&label) {
                pull.labels.push(label);
            }
        }
        Ok(Answer::ok(view::labels(&pull.labels).into()))
    }

    pub(super) fn set_labels(
        &mut self,
        repo: &str,
        number: u64,
        request: &Request<'_>,
    ) -> Result<Answer, Refused> {
        let pull = self.pull_mut(repo, number)?;
        pull.labels = labels(request)?;
        Ok(Answer::ok(view::labels(&pull.labels).into()))
    }

    pub(super) fn remove_label(&mut self, repo: &str, number: u64, label: &str) -> Result<Answer, Refused> {
        let pull = self.pull_mut(repo, number)?;
        let at = pull.labels.iter().position(|known| known == label);
        let at = at.ok_or_else(|| Refused::new(404, "Label does not exist"))?;
        pull.labels.remove(at);
        Ok(Answer::ok(view::labels(&pull.labels).into()))
    }
}

fn labels(request: &Request<'_>) -> Result<Vec<String>, Refused> {
    let list = request.call.body["labels"].as_array();
    let list = list.ok_or_else(|| Refused::invalid("labels is missing"))?;
    let text = |label: &serde_json::Value| label.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    list.iter().map(|label| text(label).ok_or_else(|| Refused::invalid("a label must be a text"))).collect()
}
