//! On which of its paths a peer is sent to.

mod world;

use sluice_media_core::chosen::Chosen;
use sluice_media_core::routes::Path;
use world::at;

fn path(port: u16) -> Path {
    Path::Udp(([192, 0, 2, 1], port).into())
}

/// The path of port 1 was chosen, and media came on it at 0 ms.
fn chosen() -> Chosen {
    let mut chosen = Chosen::default();
    chosen.checked(path(1), true);
    chosen.heard(path(1), at(0));
    chosen
}

#[test]
fn the_first_check_is_enough_and_later_ones_must_choose() {
    let mut chosen = Chosen::default();
    assert_eq!(chosen.path(), None);
    chosen.checked(path(1), false);
    assert_eq!(chosen.path(), Some(path(1)));
    chosen.checked(path(2), false);
    assert_eq!(chosen.path(), Some(path(1)));
    chosen.checked(path(2), true);
    assert_eq!(chosen.path(), Some(path(2)));
}

#[test]
fn media_on_another_path_moves_it_once_the_present_one_is_silent() {
    let mut chosen = chosen();
    chosen.heard(path(2), at(499));
    assert_eq!(chosen.path(), Some(path(1)));
    chosen.heard(path(2), at(500));
    assert_eq!(chosen.path(), Some(path(2)));
    // And it is the one that must not be silent from now on.
    chosen.heard(path(1), at(900));
    assert_eq!(chosen.path(), Some(path(2)));
}

#[test]
fn media_on_the_present_path_keeps_it() {
    let mut chosen = chosen();
    for ms in (0..5000).step_by(400) {
        chosen.heard(path(1), at(ms));
        chosen.heard(path(2), at(ms + 399));
    }
    assert_eq!(chosen.path(), Some(path(1)));
}

#[test]
fn what_was_under_way_when_it_was_chosen_does_not_move_it_back() {
    let mut chosen = chosen();
    chosen.checked(path(2), true);
    // Nothing came on the new one yet, however long the old one was the only one.
    chosen.heard(path(1), at(10_000));
    chosen.heard(path(1), at(10_100));
    assert_eq!(chosen.path(), Some(path(2)));
    // Said again, it is no news.
    chosen.heard(path(2), at(10_200));
    chosen.checked(path(2), true);
    chosen.heard(path(1), at(10_600));
    assert_eq!(chosen.path(), Some(path(2)));
}
