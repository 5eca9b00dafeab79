use std::collections::HashSet;

use super::*;

#[test]
fn every_row_has_a_name_of_its_own_that_is_no_word_of_the_route() {
    let names: HashSet<&str> = TABLE.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), TABLE.len());
    for reserved in [crate::route::AUTO, crate::route::OFFLINE] {
        assert!(!names.contains(reserved));
    }
    assert!(names.iter().all(|name| !name.contains('/')), "a slash parts provider and model");
}

#[test]
fn every_row_is_bounded() {
    for row in TABLE {
        assert!((1..=64).contains(&row.bulkhead.max_in_flight), "{}", row.name);
    }
}
