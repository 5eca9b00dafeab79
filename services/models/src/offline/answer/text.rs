//! The words of answers in text.

use std::fmt::Write;

use super::Tongue;
use crate::offline::review::{Decision, Finding, Review};
use crate::offline::rules::rules;

/// What to say where there is nothing to review.
pub(super) fn introduction(tongue: Tongue) -> String {
    let count = rules().len();
    match tongue {
        Tongue::English => format!(
            "This is the offline reviewer, not a language model: no model provider has a key here, so I cannot hold a \
             conversation or answer questions. What I can do is review code: send me a unified diff (the output of \
             `git diff`), and I check it by {count} fixed rules for secrets, dangerous calls, changes to dependencies and \
             pipelines, missing tests, licences and more. To get answers from a model, set a provider's key, for \
             example OPENAI_API_KEY, and start the service again."
        ),
        Tongue::Arabic => format!(
            "أنا المُراجِع المحلي دون اتصال، ولستُ نموذجًا لغويًا: لا يوجد مفتاح لأي مزوِّد نماذج هنا، لذلك لا أستطيع \
             إجراء محادثة أو الإجابة عن الأسئلة. ما أستطيعه هو مراجعة الشيفرة: أرسل فرقًا موحَّدًا (ناتج الأمر \
             git diff) لأفحصه وفق {count} قاعدة ثابتة: الأسرار، والاستدعاءات الخطرة، والتغييرات في الاعتماديات وخطوط \
             البناء، والاختبارات الناقصة، والتراخيص وغيرها. للحصول على إجابات من نموذج، عيِّن مفتاح أحد المزوِّدين، \
             مثل OPENAI_API_KEY، ثم أعد تشغيل الخدمة."
        ),
    }
}

/// A review for people. The findings are in English in both languages.
pub(super) fn shown(review: &Review, tongue: Tongue) -> String {
    let mut out = String::new();
    if tongue == Tongue::Arabic {
        out.push_str("مراجعة محلية وفق قواعد ثابتة، ولم يُسأل أي نموذج.\n");
    }
    let (decision, score) = match tongue {
        Tongue::English => ("Decision", "Score"),
        Tongue::Arabic => ("القرار", "الدرجة"),
    };
    let verdict = review.decision.words(tongue);
    out.push_str(&review.summary);
    write!(out, "\n\n{decision}: {verdict}. {score}: {}/10.\n", review.score)
        .expect("a String takes any text");
    for finding in &review.findings {
        out.push_str(&line(finding));
    }
    out
}

fn line(finding: &Finding) -> String {
    let Finding { severity, file, line, message, suggestion } = finding;
    let place = match (file.as_str(), line) {
        ("", _) => String::new(),
        (file, None) => format!("{file}: "),
        (file, Some(line)) => format!("{file}:{line}: "),
    };
    format!("\n- {}: {place}{message}\n  {suggestion}\n", severity.name())
}

// === impl Decision ===

impl Decision {
    fn words(self, tongue: Tongue) -> &'static str {
        match (self, tongue) {
            (Self::Approve, Tongue::English) => "approve",
            (Self::RequestChanges, Tongue::English) => "request changes",
            (Self::Block, Tongue::English) => "block",
            (Self::Approve, Tongue::Arabic) => "قبول",
            (Self::RequestChanges, Tongue::Arabic) => "طلب تعديلات",
            (Self::Block, Tongue::Arabic) => "منع",
        }
    }
}
