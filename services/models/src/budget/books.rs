//! The state: what each key, agent and job has used and what is held for calls under way, in the window that is open.

use std::collections::HashMap;

use super::{Account, Amount, Exhausted, Kind, Limits, Measure, Rule, Window};

/// Tallies at which those of the past are looked for and forgotten, at the earliest.
const SWEEP: usize = 1024;

/// What was used and what is held.
#[derive(Debug)]
pub struct Books {
    limits: Limits,
    tallies: HashMap<Kind, HashMap<String, Slots>>,
    /// Number of tallies at which the next sweep comes.
    sweep_at: usize,
}

/// What an admitted call holds. To be given back once, by [`Books::settle`].
#[derive(Debug)]
#[must_use = "what is reserved is held until it is settled"]
pub struct Reservation {
    account: Account,
    estimate: Amount,
    /// The windows it is held in: when each began.
    began: [i64; Window::ALL.len()],
}

/// What the budgets of an account have left now. `None` where none of them counts that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Tokens, of the budget that has fewest.
    pub tokens: Option<u64>,
    /// Billionths of a US dollar, of the budget that has least.
    pub nanos: Option<u64>,
}

/// A tally as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Whose.
    pub kind: Kind,
    /// Which of those.
    pub name: String,
    /// What is counted.
    pub measure: Measure,
    /// Per which time.
    pub window: Window,
    /// How much there may be.
    pub limit: u64,
    /// What was used in the window that is open.
    pub used: u64,
    /// What is held for calls under way.
    pub held: u64,
}

/// A slot for each window.
#[derive(Clone, Copy, Debug, Default)]
struct Slots([Slot; Window::ALL.len()]);

/// One window of one tally.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// When it began, in ms since 1970.
    began: i64,
    used: Amount,
    held: Amount,
}

// === impl Slot ===

impl Slot {
    /// Begins anew when the window has turned. A clock that is set back opens no window again.
    fn turn(&mut self, window: Window, now: i64) {
        let began = window.began(now);
        if began > self.began {
            *self = Slot { began, ..Slot::default() };
        }
    }

    fn taken(&self, measure: Measure) -> u64 {
        self.used.of(measure).saturating_add(self.held.of(measure))
    }
}

// === impl Slots ===

impl Slots {
    fn turn(&mut self, now: i64) {
        Window::ALL.into_iter().for_each(|window| self.0[window as usize].turn(window, now));
    }

    /// Whether nothing of it counts any more.
    fn is_past(&self, now: i64) -> bool {
        Window::ALL.into_iter().all(|window| self.0[window as usize].began < window.began(now))
    }
}

// === impl Room ===

impl Room {
    /// The same, where no more than this is left of one measure. Requests are not kept here.
    fn with(self, measure: Measure, left: u64) -> Room {
        let least = |known: Option<u64>| Some(known.map_or(left, |known| known.min(left)));
        match measure {
            Measure::Requests => self,
            Measure::Tokens => Room { tokens: least(self.tokens), ..self },
            Measure::Money => Room { nanos: least(self.nanos), ..self },
        }
    }

    /// Whether anything is counted that follows from how long an answer is.
    #[must_use]
    pub const fn is_bounded(&self) -> bool {
        self.tokens.is_some() || self.nanos.is_some()
    }
}

// === impl Books ===

impl Books {
    /// Nothing used so far.
    #[must_use]
    pub fn new(limits: Limits) -> Books {
        Books { limits, tallies: HashMap::new(), sweep_at: SWEEP }
    }

    /// Other limits from now on; what was used and is held stays.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Takes up what was used before this process was there, in the window of each amount that lies in `now`.
    pub fn restore(&mut self, account: &Account, window: Window, used: Amount, now: i64) {
        for (kind, name) in account.subjects() {
            let slot = &mut self.slots(kind, name, now).0[window as usize];
            slot.used = slot.used.plus(used);
        }
    }

    /// What is left for a call on this account.
    #[must_use]
    pub fn room(&self, account: &Account, now: i64) -> Room {
        let mut room = Room::default();
        for (kind, name) in account.subjects() {
            let slots = self.seen(kind, name, now);
            for (measure, window, limit) in self.limits.of(kind, name) {
                let left = limit.saturating_sub(slots.0[window as usize].taken(measure));
                room = room.with(measure, left);
            }
        }
        room
    }

    /// A budget in dollars that calls on this account must keep to, in the words of its rule; `None` if there is none.
    #[must_use]
    pub fn dollars(&self, account: &Account) -> Option<Rule> {
        let mut rules = account.subjects().flat_map(|(kind, name)| {
            let limits = self.limits.of(kind, name);
            limits.map(move |(measure, window, limit)| Rule {
                kind,
                name: Some(name.to_owned()),
                measure,
                window,
                limit,
            })
        });
        rules.find(|rule| rule.measure == Measure::Money)
    }

    /// Holds an estimate for a call, if all of its budgets have room for it.
    ///
    /// # Errors
    /// The budget that has none; of several, the one to wait for longest. Nothing is held then.
    pub fn reserve(
        &mut self,
        account: &Account,
        estimate: Amount,
        now: i64,
    ) -> Result<Reservation, Box<Exhausted>> {
        self.sweep(now);
        match self.without_room(account, estimate, now) {
            Some(exhausted) => Err(Box::new(exhausted)),
            None => Ok(self.hold(account, estimate, now)),
        }
    }

    /// The budget that has no room for a call; of several, the one to wait for longest. Changes nothing.
    #[must_use]
    pub fn without_room(&self, account: &Account, estimate: Amount, now: i64) -> Option<Exhausted> {
        let mut worst: Option<Exhausted> = None;
        for (kind, name) in account.subjects() {
            let slots = self.seen(kind, name, now);
            let full = self.limits.of(kind, name).filter_map(|(measure, window, limit)| {
                let (slot, wanted) = (slots.0[window as usize], estimate.of(measure));
                let taken = slot.taken(measure);
                (wanted > 0 && taken.saturating_add(wanted) > limit).then(|| Exhausted {
                    kind,
                    name: name.to_owned(),
                    measure,
                    window,
                    limit,
                    left: limit.saturating_sub(taken),
                    wanted,
                    turns_in: (wanted <= limit).then(|| window.turns_in(now)),
                })
            });
            worst = full.chain(worst.take()).max_by_key(|e| (e.turns_in.is_none(), e.turns_in));
        }
        worst
    }

    fn hold(&mut self, account: &Account, estimate: Amount, now: i64) -> Reservation {
        let mut began = [0; Window::ALL.len()];
        for (kind, name) in account.subjects() {
            for (slot, began) in self.slots(kind, name, now).0.iter_mut().zip(&mut began) {
                slot.held = slot.held.plus(estimate);
                *began = slot.began;
            }
        }
        Reservation { account: account.clone(), estimate, began }
    }

    /// Puts what a call took in the place of what was held for it. In windows that have turned nothing is left to do.
    pub fn settle(&mut self, reservation: Reservation, took: Amount) {
        let Reservation { account, estimate, began } = reservation;
        for (kind, name) in account.subjects() {
            let Some(slots) = self.tallies.get_mut(&kind).and_then(|of| of.get_mut(name)) else { continue };
            for (slot, _) in slots.0.iter_mut().zip(began).filter(|(slot, began)| slot.began == *began) {
                slot.held = slot.held.minus(estimate);
                slot.used = slot.used.plus(took);
            }
        }
    }

    /// Every budget that is used in an open window, ordered by whose it is.
    #[must_use]
    pub fn tallies(&self, now: i64) -> Vec<Tally> {
        let mut tallies = Vec::new();
        for (kind, of) in &self.tallies {
            for (name, slots) in of {
                let mut slots = *slots;
                slots.turn(now);
                for (measure, window, limit) in self.limits.of(*kind, name) {
                    let slot = slots.0[window as usize];
                    let (used, held) = (slot.used.of(measure), slot.held.of(measure));
                    tallies.push(Tally {
                        kind: *kind,
                        name: name.clone(),
                        measure,
                        window,
                        limit,
                        used,
                        held,
                    });
                }
            }
        }
        tallies.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name))); // stable: limits stay in their order
        tallies
    }

    /// The slots of one tally as they are at `now`.
    fn seen(&self, kind: Kind, name: &str, now: i64) -> Slots {
        let slots = self.tallies.get(&kind).and_then(|of| of.get(name)).copied();
        let mut slots = slots.unwrap_or_default();
        slots.turn(now);
        slots
    }

    /// The slots of one tally, turned to `now`.
    fn slots(&mut self, kind: Kind, name: &str, now: i64) -> &mut Slots {
        let of = self.tallies.entry(kind).or_default();
        if !of.contains_key(name) {
            of.insert(name.to_owned(), Slots::default());
        }
        let slots = of.get_mut(name).expect("it was just put there");
        slots.turn(now);
        slots
    }

    /// Forgets tallies of days that are over, so that jobs of the past take no memory. At twice the size of what was
    /// left last time, so that its cost is spread.
    fn sweep(&mut self, now: i64) {
        if self.len() < self.sweep_at {
            return;
        }
        self.tallies.values_mut().for_each(|of| of.retain(|_, slots| !slots.is_past(now)));
        self.sweep_at = SWEEP.max(self.len() * 2);
    }

    fn len(&self) -> usize {
        self.tallies.values().map(HashMap::len).sum()
    }
}
