//! When memory is given back.

use std::time::{Duration, Instant};

use sluice_media_io::trim::Trim;

#[test]
fn it_is_given_back_when_many_have_left_and_not_often() {
    let start = Instant::now();
    let at = |s| start + Duration::from_secs(s);
    let mut trim = Trim::new(start);
    assert!(!trim.is_due(0, at(100)), "nobody left");
    assert!(!trim.is_due(49, at(100)), "a few left");
    assert!(trim.is_due(50, at(100)));
    assert!(!trim.is_due(1000, at(119)), "just done");
    assert!(trim.is_due(1000, at(120)));
    assert!(!trim.is_due(1000, at(1000)), "nobody left since");
}
