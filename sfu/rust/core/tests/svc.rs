//! Which packets of a VP9 stream with layers a viewer gets.

mod world;

use sluice_media_core::codec::Codec;
use sluice_media_core::depacketize::layer_of;
use sluice_media_core::packet::Packet;
use sluice_media_core::svc::{Kept, LayerFilter};
use world::{key, video};

/// One layer's frame, in one packet unless said otherwise.
#[derive(Clone, Copy)]
struct Frame {
    /// Also its time: pictures are 33 ms apart.
    picture: u64,
    spatial: u8,
    temporal: u8,
    predicted: bool,
    switch_up: bool,
    begins: bool,
    ends: bool,
    marker: bool,
}

fn frame(picture: u64, spatial: u8, temporal: u8) -> Frame {
    Frame {
        picture,
        spatial,
        temporal,
        predicted: true,
        switch_up: false,
        begins: true,
        ends: true,
        marker: false,
    }
}

impl Frame {
    fn intra(self) -> Self {
        Frame {
            predicted: false,
            ..self
        }
    }

    fn up(self) -> Self {
        Frame {
            switch_up: true,
            ..self
        }
    }

    fn last(self) -> Self {
        Frame {
            marker: true,
            ..self
        }
    }

    fn packet(self) -> Packet {
        let flags = 0xa0
            | u8::from(self.predicted) << 6
            | u8::from(self.begins) << 3
            | u8::from(self.ends) << 2;
        let layers = self.temporal << 5 | u8::from(self.switch_up) << 4 | self.spatial << 1;
        let payload = [flags, self.picture as u8 & 0x7f, layers, 0, 0x82];
        Packet {
            codec: Codec::Vp9,
            marker: self.marker,
            payload: payload.to_vec().into(),
            ..video(1, 0, 1000 + self.picture * 33)
        }
    }
}

fn keep(filter: &mut LayerFilter, frame: Frame) -> Option<Kept> {
    let packet = frame.packet();
    let layer = layer_of(Codec::Vp9, &packet.payload);
    filter.keep(&packet, layer)
}

/// Which spatial layers of a picture pass, and the marker of each.
fn picture(filter: &mut LayerFilter, frames: [Frame; 3]) -> Vec<(u8, bool)> {
    let [low, middle, high] = frames;
    [low, middle, high.last()]
        .into_iter()
        .filter_map(|frame| Some((frame.spatial, keep(filter, frame)?.marker)))
        .collect()
}

/// Three spatial layers.
fn layers(picture: u64, temporal: u8) -> [Frame; 3] {
    [0, 1, 2].map(|spatial| frame(picture, spatial, temporal))
}

fn keyframe(picture: u64) -> [Frame; 3] {
    layers(picture, 0).map(Frame::intra)
}

const ALL: [(u8, bool); 3] = [(0, false), (1, false), (2, true)];

#[test]
fn a_viewer_of_everything_gets_everything_as_it_is() {
    let mut filter = LayerFilter::new(u8::MAX, u8::MAX);
    assert_eq!(picture(&mut filter, keyframe(0)), ALL);
    assert_eq!(picture(&mut filter, layers(1, 2)), ALL);
    assert!(!filter.wants_keyframe());
}

#[test]
fn the_last_packet_of_the_highest_kept_layer_ends_the_picture() {
    let mut filter = LayerFilter::new(1, 0);
    assert_eq!(picture(&mut filter, keyframe(0)), [(0, false), (1, true)]);
    let first = Frame {
        ends: false,
        ..frame(1, 1, 0)
    };
    let last = Frame {
        begins: false,
        ..frame(1, 1, 0)
    };
    let marker = |kept: Option<Kept>| kept.map(|kept| kept.marker);
    assert_eq!(marker(keep(&mut filter, frame(1, 0, 0))), Some(false));
    assert_eq!(marker(keep(&mut filter, first)), Some(false));
    assert_eq!(marker(keep(&mut filter, last)), Some(true));
    assert_eq!(marker(keep(&mut filter, frame(1, 2, 0).last())), None);
}

#[test]
fn a_layer_that_the_publisher_leaves_out_is_not_waited_for() {
    let mut filter = LayerFilter::new(2, 0);
    picture(&mut filter, keyframe(0));
    assert!(!keep(&mut filter, frame(1, 0, 0)).unwrap().marker);
    assert!(keep(&mut filter, frame(1, 1, 0).last()).unwrap().marker);
    // And when it comes back, it passes.
    let again = [frame(2, 0, 0), frame(2, 1, 0), frame(2, 2, 0).intra()];
    assert_eq!(picture(&mut filter, again), ALL);
}

#[test]
fn fewer_spatial_layers_come_with_the_next_picture() {
    let mut filter = LayerFilter::new(2, 0);
    picture(&mut filter, keyframe(0));
    assert!(keep(&mut filter, frame(1, 0, 0)).is_some());
    filter.want(0, 0);
    assert!(keep(&mut filter, frame(1, 2, 0).last()).unwrap().marker);
    assert_eq!(picture(&mut filter, layers(2, 0)), [(0, true)]);
    assert!(!filter.wants_keyframe());
}

#[test]
fn more_spatial_layers_wait_for_a_keyframe() {
    let mut filter = LayerFilter::new(0, 0);
    picture(&mut filter, keyframe(0));
    filter.want(2, 0);
    assert!(filter.wants_keyframe());
    assert_eq!(picture(&mut filter, layers(1, 0)), [(0, true)]);
    // The picture has ended for this viewer when the layer above begins anew by itself.
    let above = [frame(2, 0, 0), frame(2, 1, 0).intra(), frame(2, 2, 0)];
    assert_eq!(picture(&mut filter, above), [(0, true)]);
    assert_eq!(picture(&mut filter, keyframe(3)), ALL);
    assert!(!filter.wants_keyframe());
    assert_eq!(picture(&mut filter, layers(4, 0)), ALL);
}

#[test]
fn a_keyframe_is_not_wanted_for_layers_that_do_not_exist() {
    let mut filter = LayerFilter::new(0, 0);
    keep(&mut filter, frame(0, 0, 0).intra().last());
    filter.want(2, 2);
    assert!(!filter.wants_keyframe());
}

#[test]
fn a_layer_that_goes_on_over_a_new_lowest_one_does_not_come_along() {
    let mut filter = LayerFilter::new(0, 0);
    picture(&mut filter, keyframe(0));
    filter.want(2, 0);
    let base_only = [frame(1, 0, 0).intra(), frame(1, 1, 0), frame(1, 2, 0)];
    assert_eq!(picture(&mut filter, base_only), [(0, false)]);
    assert_eq!(picture(&mut filter, layers(2, 0)), [(0, true)]);
    assert!(filter.wants_keyframe());

    // Whoever has the layers already keeps them.
    let mut filter = LayerFilter::new(2, 0);
    picture(&mut filter, keyframe(0));
    assert_eq!(picture(&mut filter, base_only), ALL);
}

#[test]
fn a_keyframe_of_which_something_was_left_out_brings_nothing() {
    let mut filter = LayerFilter::new(0, 0);
    picture(&mut filter, keyframe(0));
    filter.want(2, 0);
    let [low, middle, high] = keyframe(1);
    assert_eq!(keep(&mut filter, middle), None);
    assert!(keep(&mut filter, low).is_some());
    assert_eq!(keep(&mut filter, high.last()), None);
    assert!(filter.wants_keyframe());
}

#[test]
fn more_temporal_layers_come_after_a_switching_point() {
    let mut filter = LayerFilter::new(0, 0);
    picture(&mut filter, keyframe(0));
    filter.want(0, 2);
    let passes = |filter: &mut LayerFilter, frame| keep(filter, frame).is_some();
    assert!(passes(&mut filter, frame(1, 0, 0)));
    assert!(!passes(&mut filter, frame(2, 0, 2).up()));
    assert!(!passes(&mut filter, frame(3, 0, 1)));
    assert!(passes(&mut filter, frame(4, 0, 0).up()));
    assert!(passes(&mut filter, frame(5, 0, 2)));
    assert!(passes(&mut filter, frame(6, 0, 1)));
    filter.want(0, 1);
    assert!(!passes(&mut filter, frame(7, 0, 2)));
    assert!(passes(&mut filter, frame(8, 0, 1)));
}

#[test]
fn a_packet_that_comes_late_shares_the_fate_of_its_picture() {
    let mut filter = LayerFilter::new(2, 0);
    picture(&mut filter, keyframe(0));
    picture(&mut filter, layers(1, 0));
    filter.want(0, 0);
    picture(&mut filter, layers(3, 0));
    assert!(keep(&mut filter, frame(1, 2, 0)).is_some());
    assert!(keep(&mut filter, frame(3, 2, 0)).is_none());
    // Of picture 2 nothing came before: it is like the one before it.
    assert!(keep(&mut filter, frame(2, 2, 0)).is_some());
    assert!(keep(&mut filter, frame(2, 2, 1)).is_none());
}

#[test]
fn a_picture_that_comes_late_as_a_whole_passes_when_later_ones_may_build_on_it() {
    let mut filter = LayerFilter::new(0, 0);
    picture(&mut filter, keyframe(0));
    filter.want(0, 2);
    keep(&mut filter, frame(1, 0, 0).up());
    assert!(keep(&mut filter, frame(3, 0, 2)).is_some());
    assert!(keep(&mut filter, frame(2, 0, 1)).is_some());
}

#[test]
fn what_comes_later_than_a_second_is_left_out() {
    let mut filter = LayerFilter::new(2, 2);
    picture(&mut filter, keyframe(0));
    for number in 1..32 {
        picture(&mut filter, layers(number, 0));
    }
    assert!(keep(&mut filter, frame(0, 0, 0)).is_some());
    picture(&mut filter, layers(32, 0));
    assert!(keep(&mut filter, frame(0, 0, 0)).is_none());
    assert!(keep(&mut filter, frame(1, 0, 0)).is_some());
}

#[test]
fn a_picture_that_was_begun_whole_is_ended_whole() {
    let time = frame(4, 0, 0).packet().time;
    let mut filter = LayerFilter::after(time, 0, 0);
    let rest = [frame(4, 1, 2), frame(4, 2, 2).last()];
    let markers = rest.map(|frame| keep(&mut filter, frame).map(|kept| kept.marker));
    assert_eq!(markers, [Some(false), Some(true)]);
    // What comes late from before passes, too.
    assert!(keep(&mut filter, frame(2, 2, 2)).is_some());
    assert_eq!(picture(&mut filter, layers(5, 0)), [(0, true)]);
    assert_eq!(picture(&mut filter, layers(6, 1)), []);
    assert!(!filter.wants_keyframe());
}

#[test]
fn how_a_packet_went_out_is_known_for_a_while() {
    let mut filter = LayerFilter::new(1, 0);
    picture(&mut filter, keyframe(0));
    picture(&mut filter, layers(1, 0));
    let recall = |filter: &LayerFilter, frame: Frame| {
        let packet = frame.packet();
        let layer = layer_of(Codec::Vp9, &packet.payload);
        filter.recall(&packet, layer).map(|kept| kept.marker)
    };
    assert_eq!(recall(&filter, frame(1, 0, 0)), Some(false));
    assert_eq!(recall(&filter, frame(1, 1, 0)), Some(true));
    assert_eq!(recall(&filter, frame(1, 2, 0)), None);
    for number in 2..40 {
        picture(&mut filter, layers(number, 0));
    }
    assert_eq!(recall(&filter, frame(1, 1, 0)), None);
}

#[test]
fn a_new_source_begins_at_its_lowest_layer() {
    let mut filter = LayerFilter::new(2, 2);
    picture(&mut filter, keyframe(100));
    filter.restart();
    assert_eq!(picture(&mut filter, layers(5, 0)), [(0, true)]);
    assert_eq!(picture(&mut filter, keyframe(6)), ALL);
}

#[test]
fn a_stream_without_layers_passes_as_it_is() {
    let mut filter = LayerFilter::new(0, 0);
    for marker in [false, true] {
        let packet = Packet {
            marker,
            ..key(1, 5, 33)
        };
        let kept = Kept {
            marker,
            pictures_left_out: 0,
        };
        assert_eq!(filter.keep(&packet, None), Some(kept));
    }
    assert!(!filter.wants_keyframe());
}
