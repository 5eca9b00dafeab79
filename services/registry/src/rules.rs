//! Whether an agent may be used here and now. Pure: all it knows is in its arguments.

use bsm_runtime::settings::Profile;

use crate::{
    catalog::Agent,
    vocabulary::{Context, SafetyMode},
};

/// What an agent is wanted for, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// Where the process runs.
    pub profile: Profile,
    /// What the agent is wanted for.
    pub context: Context,
    /// Whether agents that reach outside are off.
    pub safe_mode: bool,
    /// Whether mobile mode is on, and for whom.
    pub mobile: Mobile,
    /// For whom.
    pub asker: Asker,
    /// Whether a valid approval for this use is held.
    pub approved: Approved,
}

/// Who wants an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// The mesh itself, or an operator of it.
    Inside,
    /// Anybody else.
    Outside,
}

/// Whether a valid approval for a use of an agent is held. Whoever asks the rules finds that out; the rules only say
/// whether one is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approved {
    /// One is.
    Yes,
    /// None is.
    No,
}

/// Mobile mode, as it concerns one caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mobile {
    /// It is off.
    Off,
    /// It is on and the caller is an administrator or the mesh itself.
    Admin,
    /// It is on and the caller is anybody else.
    Client,
}

/// Why an agent may not be used; reads on after "agent x".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// Nothing governs it.
    #[error("has no entry in the registry and is never run")]
    Ungoverned,
    /// Nobody outside of the mesh uses it.
    #[error("is used by the mesh alone")]
    Internal,
    /// Not where this process runs.
    #[error("is not allowed in the profile {}", .0.name())]
    Profile(Profile),
    /// Not for this.
    #[error("is not allowed in the context {}", .0.name())]
    Context(Context),
    /// It can reach outside, which safe mode forbids.
    #[error("can reach outside, which safe mode forbids")]
    SafeMode,
    /// It can do harm, which mobile mode forbids.
    #[error("is too risky for mobile mode")]
    MobileMode,
    /// Someone must agree first.
    #[error("needs a valid approval, and approvals cannot be given yet")]
    Approval,
}

/// Decides whether `agent` may be used. The first rule that forbids is named, the weightiest first.
///
/// # Errors
/// The rule that forbids it.
pub fn may_use(agent: &Agent, wanted: &Use) -> Result<(), Forbidden> {
    let Some(governance) = &agent.governance else {
        return Err(Forbidden::Ungoverned);
    };
    if governance.expose.internal_only && wanted.asker == Asker::Outside {
        return Err(Forbidden::Internal);
    }
    if !governance.profiles.contains(&wanted.profile) {
        return Err(Forbidden::Profile(wanted.profile));
    }
    if !governance.contexts.contains(&wanted.context) {
        return Err(Forbidden::Context(wanted.context));
    }
    let reaches_outside = governance.contexts.iter().any(|context| context.reaches_outside());
    if wanted.safe_mode && (reaches_outside || !governance.outbound.is_empty()) {
        return Err(Forbidden::SafeMode);
    }
    let destructive = governance.safety.is_some_and(|safety| safety.mode == Some(SafetyMode::Destructive));
    let grave = governance.approval.required || governance.risk.level.is_grave();
    let too_risky = match wanted.mobile {
        Mobile::Off => false,
        Mobile::Admin => destructive,
        Mobile::Client => destructive || grave,
    };
    if too_risky {
        return Err(Forbidden::MobileMode);
    }
    match wanted.approved {
        Approved::No if governance.needs_approval() => Err(Forbidden::Approval),
        Approved::Yes | Approved::No => Ok(()),
    }
}

#[cfg(test)]
pub(crate) mod tests;
