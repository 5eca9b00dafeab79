//! Images, clusters and clouds: what they run as, and who can reach them.

mod image;

use bsm_diff::LineKind;

use crate::offline::change::{Change, Hit, View};
use crate::offline::language::Language::{Docker, Json, Settings, Terraform, Yaml};
use crate::offline::lens::Lens::{Governance, Security};
use crate::offline::rule::Severity::{High, Low, Medium};
use crate::offline::rule::{Check, Family, Rule};

const BASE: Rule = Rule {
    id: "",
    family: Family::Infrastructure,
    severity: High,
    lenses: &[Security, Governance],
    must_fix: &[Security],
    what: "",
    suggestion: "",
    check: Check::strings(&[], ""),
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "image-unpinned",
        severity: Low,
        must_fix: &[],
        what: "An image is built on whatever is newest",
        suggestion: "Name a version, better a digest.",
        check: Check::Change(image::unpinned),
        ..BASE
    },
    Rule {
        id: "image-runs-as-root",
        severity: Medium,
        what: "An image runs as root",
        suggestion: "End with a USER that has no rights.",
        check: Check::Change(image::root),
        ..BASE
    },
    Rule {
        id: "image-adds-url",
        severity: Medium,
        what: "An image takes a file from the network unchecked",
        suggestion: "Use ADD --checksum, or download and check in one RUN.",
        check: Check::strings(&[Docker], r"(?i)^\s*ADD\s+(?:--\S+\s+)*https?://").unless(r"--checksum="),
        ..BASE
    },
    Rule {
        id: "image-secret-variable",
        severity: Medium,
        what: "A secret is baked into an image",
        suggestion: "Mount it during the build with RUN --mount=type=secret, and pass it in at run time.",
        check: Check::strings(
            &[Docker],
            r"(?i)^\s*(?:ENV|ARG)\s+\w*(?:PASSWORD|SECRET|TOKEN|API_?KEY)\w*[=\s]\s*\S+",
        ),
        ..BASE
    },
    Rule {
        id: "container-privileged",
        what: "A container gets the rights of its host",
        suggestion: "Give the one capability or device that it needs.",
        check: Check::strings(
            &[Yaml, Json, Terraform],
            concat!(
                r#"\bprivileged["']?\s*[:=]\s*true\b|\ballowPrivilegeEscalation:\s*true\b|/var/run/docker\.sock"#,
                r"|\bhost(?:Network|PID|IPC):\s*true\b|\bpid:\s*.?host\b",
            ),
        ),
        ..BASE
    },
    Rule {
        id: "network-open-to-all",
        what: "A network rule lets the whole internet in",
        suggestion: "Name the networks that need it.",
        check: Check::Change(open_to_all),
        ..BASE
    },
    Rule {
        id: "bucket-public",
        what: "Stored objects become public",
        suggestion: "Keep the bucket private and give out signed links.",
        check: Check::strings(
            &[Terraform, Yaml, Json],
            concat!(
                r#"\bacl["']?\s*[:=]\s*["']?public-read|AccessControl["']?:\s*["']?PublicRead|\ballUsers\b"#,
                r"|\b(?:block_public_(?:acls|policy)|ignore_public_acls|restrict_public_buckets)\s*=\s*false",
                r#"|\bBlockPublic(?:Acls|Policy)["']?:\s*["']?false|\ballow_blob_public_access\s*=\s*true"#,
            ),
        ),
        ..BASE
    },
    Rule {
        id: "iam-any-action",
        what: "A role may do everything",
        suggestion: "Name the actions that it needs.",
        check: Check::strings(
            &[Terraform, Yaml, Json],
            r#"\b(?i:actions?)["']?\s*[:=]\s*\[?\s*["'](?:\*|\*:\*)["']|roles/owner\b|\bAdministratorAccess\b"#,
        ),
        ..BASE
    },
    Rule {
        id: "storage-unencrypted",
        severity: Medium,
        what: "Data is stored unencrypted",
        suggestion: "Leave encryption on; it costs nothing.",
        check: Check::strings(
            &[Terraform, Yaml, Json, Settings],
            r#"(?i)\b(?:storage_?)?encrypted["']?\s*[:=]\s*["']?false\b"#,
        ),
        ..BASE
    },
];

fn open_to_all(change: &Change<'_>) -> Vec<Hit> {
    let rules = |view: &&View<'_>| {
        matches!(view.place.language, Terraform | Yaml | Json) && !view.place.machine_made()
    };
    change.files.iter().filter(rules).flat_map(open_lines).collect()
}

/// Added lines with `0.0.0.0/0`, unless the nearest line above that says a direction says `egress`.
fn open_lines(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut outward = false;
    for line in view.file.lines().filter(|line| line.kind != LineKind::Removed) {
        let text = line.text.to_lowercase();
        if text.contains("egress") || text.contains("ingress") {
            outward = text.contains("egress");
        }
        let open = text.contains("0.0.0.0/0") || text.contains("\"::/0\"");
        if open && !outward && line.kind == LineKind::Added && !text.trim_start().starts_with('#') {
            hits.push(view.hit_at(line));
        }
    }
    hits
}
