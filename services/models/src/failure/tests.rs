use super::*;

#[test]
fn every_kind_stands_in_the_table_at_its_own_place() {
    for (at, row) in TABLE.iter().enumerate() {
        assert_eq!(row.kind as usize, at, "{:?}", row.kind);
        assert_eq!(row.kind.row().kind, row.kind);
    }
    assert_eq!(TABLE.len(), Kind::Internal as usize + 1);
}

#[test]
fn only_the_providers_own_trouble_counts_against_it() {
    let failures = TABLE.iter().filter(|row| row.outcome == Outcome::Failure).map(|row| row.kind);
    assert!(failures.eq([Kind::Transient, Kind::Timeout, Kind::Malformed]));
}

#[test]
fn only_a_fault_of_the_key_calls_for_another_key() {
    for row in TABLE {
        assert_eq!(row.next == Next::Key, row.key != KeyVerdict::Keep, "{:?}", row.kind);
    }
}

#[test]
fn our_own_refusals_and_the_callers_deadline_never_feed_the_breaker() {
    for kind in [Kind::CircuitOpen, Kind::BulkheadFull, Kind::Egress, Kind::CallerDeadline] {
        assert_eq!(kind.row().outcome, Outcome::Neutral, "{kind:?}");
    }
}

#[test]
fn what_is_wrong_with_the_request_is_not_asked_again() {
    assert_eq!(Kind::Rejected.row().next, Next::Nothing);
    assert_eq!(Kind::CallerDeadline.row().next, Next::Nothing);
}

#[test]
fn a_key_that_a_provider_quotes_is_masked() {
    let failure = Failure::new(Kind::Rejected, "openai: bad header 'Bearer sk-canary'").without("sk-canary");
    assert_eq!(failure.message, "openai: bad header 'Bearer [key]'");
}

#[test]
fn a_secret_as_short_as_a_syllable_is_left_in_the_words_that_hold_it() {
    for (secret, message) in
        [("ow", "openai: not allowed"), ("", "openai: not allowed"), ("1234567", "limit 1234567")]
    {
        assert_eq!(Failure::new(Kind::Rejected, message).without(secret).message, message);
    }
    assert_eq!(Failure::new(Kind::Rejected, "bad 12345678").without("12345678").message, "bad [key]");
}
