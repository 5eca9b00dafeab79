use super::*;

const RUNNING: State = State::Running { since: 100, context: Context::Api };

#[test]
fn an_agent_is_started_and_stopped_in_turn_only() {
    let stopped = State::Stopped { since: 50, reason: None };
    for state in [State::New, stopped] {
        assert_eq!((state.name(), state.is_running()), ("stopped", false));
        assert_eq!(state.start(Context::Api, 100), Ok(RUNNING));
        assert_eq!(state.stop(200), Err(Misfit::NotRunning));
        assert_eq!(state.forbid(Forbidden::SafeMode, 200), Err(Misfit::NotRunning));
    }
    assert_eq!((RUNNING.name(), RUNNING.is_running()), ("running", true));
    assert_eq!(RUNNING.start(Context::Chat, 200), Err(Misfit::AlreadyRunning));
    assert_eq!(RUNNING.stop(200), Ok(State::Stopped { since: 200, reason: None }));
}

#[test]
fn who_is_stopped_by_a_rule_is_told_which() {
    let State::Stopped { since, reason } = RUNNING.forbid(Forbidden::Ungoverned, 200).unwrap() else {
        panic!("it is stopped");
    };
    assert_eq!((since, reason.as_deref()), (200, Some("It has no entry in the registry and is never run.")));
}

#[test]
fn uptime_counts_from_the_start_and_is_never_negative() {
    assert_eq!(RUNNING.uptime(350), 250);
    assert_eq!(RUNNING.uptime(50), 0, "the clock was set back");
    assert_eq!(State::New.uptime(350), 0);
}
