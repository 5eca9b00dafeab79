//! From a question to its candidates.

use std::sync::Arc;

use bsm_runtime::settings::OfflineUse;

use super::naming::{Meant, meant};
use super::order::ordered;
use super::{AUTO, Bar, Candidate, Landscape, Place, Question, Standing};
use crate::catalog::choice::By;
use crate::catalog::family::DEFAULT;
use crate::catalog::{Cell, Family, Target};

/// A plan in the making.
struct Plan<'a> {
    question: &'a Question<'a>,
    land: &'a Landscape<'a>,
    found: Vec<Candidate>,
}

/// The way of a question that leaves the choice to the route; the built-in reviewer is always at its end.
pub(super) fn auto(question: &Question<'_>, land: &Landscape<'_>) -> Vec<Candidate> {
    let route = land.catalog.routes.of(question.task, question.search);
    let mut plan = Plan { question, land, found: Vec::new() };
    let cell = route.cell(question.complexity);
    let families = plan.in_order(cell);
    for family in &families {
        let by = cell.by(&family.name);
        plan.family(family, &Place::Chosen { family: family.name.clone(), by });
    }
    for family in &families {
        for next in family.fallbacks.iter().filter_map(|name| land.catalog.family(name)) {
            plan.family(next, &Place::Fallback { family: next.name.clone(), of: family.name.clone() });
        }
    }
    if let Some(last) = land.catalog.family(DEFAULT) {
        plan.family(last, &Place::Default);
    }
    plan.finish()
}

/// Whoever is meant by a name, and nobody else; `None` if nobody is.
pub(super) fn named(name: &str, question: &Question<'_>, land: &Landscape<'_>) -> Option<Vec<Candidate>> {
    let mut plan = Plan { question, land, found: Vec::new() };
    match meant(name, land.catalog)? {
        Meant::One(target) => plan.add(&target, &Place::Named, None),
        Meant::Family(family) => plan.family(family, &Place::OfFamily(family.name.clone())),
    }
    Some(plan.found)
}

// === impl Plan ===

impl<'a> Plan<'a> {
    /// The families of a cell in the order of its strategy. A family is as fast as its fastest and as cheap as its
    /// cheapest model.
    fn in_order(&self, cell: &Cell) -> Vec<&'a Family> {
        let catalog = self.land.catalog;
        let targets =
            |name: &Arc<str>| catalog.family(name).into_iter().flat_map(|family| family.models.items());
        let load =
            |name: &Arc<str>| targets(name).map(|target| self.load(target)).fold(f64::INFINITY, f64::min);
        let cost = |name: &Arc<str>| targets(name).filter_map(|target| self.cost(target)).reduce(f64::min);
        let names = ordered(cell, load, cost, || self.land.sight.roll());
        names.into_iter().filter_map(|name| catalog.family(name)).collect()
    }

    /// Adds the models of a family in the order of its strategy; `default` begins with what the settings name.
    fn family(&mut self, family: &Family, place: &Place) {
        if &*family.name == DEFAULT {
            self.chosen_default(place);
        }
        let load = |target: &Target| self.load(target);
        let cost = |target: &Target| self.cost(target);
        for target in ordered(&family.models, load, cost, || self.land.sight.roll()) {
            self.add(target, place, family.models.by(target));
        }
    }

    fn chosen_default(&mut self, place: &Place) {
        let name = &*self.land.policy.default_model;
        if name == AUTO {
            return;
        }
        match meant(name, self.land.catalog) {
            Some(Meant::One(target)) => self.add(&target, place, None),
            Some(Meant::Family(family)) if &*family.name != DEFAULT => self.family(family, place),
            Some(Meant::Family(_)) | None => {}
        }
    }

    /// Adds one that is not there yet, and by what it has its place within its family.
    fn add(&mut self, target: &Target, place: &Place, within: Option<By>) {
        let model = self.land.catalog.model_of(target).map(|model| &**model).unwrap_or_default();
        let there = |known: &Candidate| known.provider == target.provider && known.model == model;
        if !self.found.iter().any(there) {
            self.found.push(Candidate { within, ..self.land.candidate(target, place.clone()) });
        }
    }

    fn load(&self, target: &Target) -> f64 {
        let model = self.land.catalog.model_of(target).map(|model| &**model).unwrap_or_default();
        self.land.sight.load(&target.provider, model)
    }

    fn cost(&self, target: &Target) -> Option<f64> {
        let model = self.land.catalog.model_of(target)?;
        Some(self.land.catalog.price(&target.provider, model)?.of(self.question.tokens))
    }

    /// The end of a route: the built-in reviewer, and what follows from all candidates together.
    fn finish(mut self) -> Vec<Candidate> {
        self.leave_out_the_small();
        let end = self.end();
        self.found.push(end);
        if !self.land.policy.fallbacks {
            self.keep_the_first();
        }
        self.found
    }

    /// Passes over models that cannot hold the prompt while there is one that may. The guess must be far off before
    /// somebody is left out for it.
    fn leave_out_the_small(&mut self) {
        let (catalog, prompt) = (self.land.catalog, self.question.tokens.input);
        let too_small = |candidate: &Candidate| {
            let context = catalog.model(&candidate.provider, &candidate.model)?.context?;
            (prompt > context + context / 4).then_some(context)
        };
        let asked = |candidate: &Candidate| candidate.may_be_asked();
        if !self.found.iter().any(|candidate| asked(candidate) && too_small(candidate).is_none()) {
            return;
        }
        for candidate in self.found.iter_mut().filter(|candidate| asked(candidate)) {
            if let Some(context) = too_small(candidate) {
                candidate.standing = Standing::TooSmall { context, prompt };
            }
        }
    }

    fn end(&self) -> Candidate {
        let Landscape { policy, sight, catalog } = self.land;
        // Whoever is only not configured in part counts: an operator has begun to use him.
        let has_key = |provider: &Arc<str>| {
            !matches!(sight.standing(provider), Err(Standing::Barred(Bar::MissingKey { .. })))
        };
        let configured = || catalog.providers.iter().any(|provider| has_key(&provider.name));
        let spared = |why| Candidate::offline(Place::End(why), Standing::Spared(why));
        let taken = |why| Candidate::offline(Place::End(why), Standing::Eligible);
        match policy.offline {
            OfflineUse::Never => spared("answers only when asked for by name"),
            OfflineUse::Always => taken("the end of every route"),
            OfflineUse::WithoutKey if policy.safe_mode => taken("safe mode is on"),
            OfflineUse::WithoutKey if configured() => spared("a provider's key is configured"),
            OfflineUse::WithoutKey => taken("no provider's key is configured"),
        }
    }

    /// Leaves the first that can be asked; without any, the first that may.
    fn keep_the_first(&mut self) {
        let first = self.found.iter().position(Candidate::eligible);
        let first = first.or_else(|| self.found.iter().position(Candidate::may_be_asked));
        for (at, candidate) in self.found.iter_mut().enumerate() {
            if candidate.may_be_asked() && first != Some(at) {
                candidate.standing = Standing::Spared("fallbacks are switched off");
            }
        }
    }
}
