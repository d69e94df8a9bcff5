//! A process without free descriptors. Alone in its file: the limit is the whole process's.

mod world;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use world::World;

fn limit(change: impl FnOnce(&mut libc::rlimit)) {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: one valid structure, read and written by the kernel within the two calls.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit), 0);
        change(&mut limit);
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit), 0);
    }
}

#[test]
fn without_descriptors_the_listener_rests_media_goes_on_and_it_comes_back() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let viewer = world.watch("town");
    let to = world.address("tcp");
    let mut before = 0;
    // The highest descriptor that is open now is the last one there may be.
    limit(|limit| {
        before = limit.rlim_cur;
        let free = std::fs::File::open("/dev/null").expect("a free descriptor");
        limit.rlim_cur = 1 + std::os::fd::AsRawFd::as_raw_fd(&free) as libc::rlim_t;
    });
    // The kernel finishes this one; the engine has no descriptor for its end.
    let mut stream = TcpStream::connect(to).expect("the last free descriptor");
    let begin = Instant::now();
    let mut tries = Vec::new();
    while tries.len() < 5 {
        world.stream(publisher, 1, 10);
        if world.count("errors_receive") > tries.len() as u64 {
            assert_eq!(world.count("errors_receive"), tries.len() as u64 + 1);
            tries.push(begin.elapsed());
        }
    }
    // A rest of 100 ms between two tries, and no turn of the loop lost to them.
    assert!(
        tries[4] - tries[0] >= Duration::from_millis(350),
        "{tries:?}"
    );
    limit(|limit| limit.rlim_cur = before);
    stream
        .write_all(b"GET / HTTP/1.1\r\n\r\n")
        .expect("an open connection");
    assert!(matches!(stream.read(&mut [0; 16]), Ok(0) | Err(_)));
    assert_eq!(world.count("errors_tcp_framing"), 1);
    let sent = world[publisher].sent.len();
    world.until("everything arrived", |w| w[viewer].pictures.len() == sent);
    assert_eq!(world[viewer].picture_payloads(), world[publisher].sent);
}
