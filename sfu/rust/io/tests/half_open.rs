//! Offers that come to nothing. Alone in its file: memory is the whole process's.

mod world;

use std::time::Duration;

use sluice_media_io::engine::AcceptError;
use sluice_media_io::peer::Role;
use sluice_media_io::settings::Settings;
use world::client::Client;
use world::{World, settings};

/// Bytes of memory that this process has in use.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = statm.split(' ').nth(1).expect("a second figure");
    pages.parse::<usize>().expect("a number") * 4096
}

#[test]
fn offers_that_come_to_nothing_are_bounded_expire_and_leave_no_memory_behind() {
    const AT_ONCE: usize = 100;
    let mut world = World::with(Settings {
        connect_timeout: Duration::from_millis(300),
        max_half_open: AT_ONCE,
        max_peers: 10 * AT_ONCE,
        ..settings()
    });
    let offer = Client::viewer().offer();
    let mut memory = Vec::new();
    for round in 0..15 {
        let mut busy = 0;
        for _ in 0..AT_ONCE + 20 {
            match world.engine.accept(Role::Viewer, "town", &offer) {
                Ok(_) => {}
                Err(AcceptError::Busy(_)) => busy += 1,
                Err(AcceptError::Offer(error)) => panic!("{error:?}"),
            }
            assert!(world.engine.peers() <= AT_ONCE);
        }
        // None at all on a machine so slow that the first expired before the last came.
        assert!(busy <= 20, "{busy}");
        world.until("all expired", |w| w.engine.peers() == 0);
        let (opened, closed) = (world.count("peers_opened"), world.count("peers_closed"));
        assert_eq!(opened, closed, "round {round}");
        world.events.clear();
        memory.push(resident());
    }
    // The first rounds fill what the allocator keeps.
    let (early, late) = (memory[4], memory[14]);
    assert!(late < early + early / 20 + (2 << 20), "{memory:?}");
    let viewer = world.watch("town");
    assert!(world[viewer].connected);
}
