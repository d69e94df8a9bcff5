//! Datagrams on a TCP connection, cut into pieces of any size.
//!
//! The first byte says how: pieces of that many bytes, zero for all at once.

use sluice_media_core::framing::{Deframer, FrameTooLong, MAX_FRAME, frame};

pub fn run(input: &[u8]) {
    let Some((&size, stream)) = input.split_first() else {
        return;
    };
    let size = if size == 0 {
        stream.len()
    } else {
        usize::from(size)
    };
    let whole = deframe(stream, stream.len());
    assert_eq!(deframe(stream, size), whole, "pieces change what is read");

    let (frames, end) = whole;
    let mut again = Vec::new();
    for datagram in &frames {
        assert!(datagram.len() <= MAX_FRAME);
        assert!(frame(datagram, &mut again));
    }
    assert!(stream.starts_with(&again));
    if let Some(FrameTooLong(length)) = end {
        assert!(length > MAX_FRAME);
    }
}

fn deframe(stream: &[u8], size: usize) -> (Vec<Vec<u8>>, Option<FrameTooLong>) {
    let mut deframer = Deframer::default();
    let mut frames = Vec::new();
    for piece in stream.chunks(size.max(1)) {
        deframer.push(piece);
        loop {
            match deframer.next_frame() {
                Ok(Some(datagram)) => frames.push(datagram.to_vec()),
                Ok(None) => break,
                Err(broken) => return (frames, Some(broken)),
            }
        }
    }
    (frames, None)
}
