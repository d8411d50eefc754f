//! The peer wire decoders: what they yield depends on the bytes alone, on any bytes.

use crate::check;
use crate::traffic::{AnyMessage, Cuts, LIMITS, Stream};
use seedbed_engine::id::{InfoHash, PeerId};
use seedbed_engine::wire::{
    Decoder, Handshake, HandshakeDecoder, HandshakeError, HandshakePart, Message, Reserved, WireError,
};
use std::ops::Range;

/// Everything that can be seen of a decoded stream.
#[derive(PartialEq, Eq, Debug, Default)]
struct Seen {
    messages: Vec<Message>,
    error: Option<WireError>,
    /// Bytes taken from the stream.
    taken: usize,
    /// Offsets in the stream that were payload, adjacent runs joined.
    payload: Vec<Range<usize>>,
    partial: Option<(seedbed_engine::geometry::BlockRange, u32)>,
    stashed: usize,
}

/// Feeds the reads one after the other, with the promises that hold after each call.
fn decode<'a>(reads: impl IntoIterator<Item = &'a [u8]>) -> Seen {
    let mut decoder = Decoder::new(LIMITS);
    let mut seen = Seen::default();
    for read in reads {
        let mut input = read;
        decoder.begin_input();
        loop {
            let next = decoder.next(&mut input);
            assert!(read.ends_with(input), "the input is advanced, nothing else");
            assert!(decoder.stashed() <= LIMITS.message_max.max(LIMITS.block_max) as usize);
            match next {
                Ok(Some(message)) => seen.messages.push(message),
                Ok(None) => {
                    assert!(input.is_empty(), "starved with {} bytes left", input.len());
                    break;
                }
                Err(error) => {
                    seen.error = Some(error);
                    break;
                }
            }
        }
        for span in decoder.payload_spans() {
            add(&mut seen.payload, span.start + seen.taken..span.end + seen.taken);
        }
        seen.taken += read.len() - input.len();
        if let Some(error) = seen.error {
            assert_eq!(decoder.next(&mut input), Err(error), "the error stays");
            break;
        }
    }
    seen.partial = decoder.partial_piece();
    seen.stashed = decoder.stashed();
    seen
}

fn add(spans: &mut Vec<Range<usize>>, span: Range<usize>) {
    assert!(span.start < span.end);
    match spans.last_mut() {
        Some(last) if last.end == span.start => last.end = span.end,
        last => {
            assert!(
                last.is_none_or(|last| last.end < span.start),
                "ascending, disjoint"
            );
            spans.push(span);
        }
    }
}

#[test]
fn any_cut_of_any_stream_gives_the_same() {
    fn property(stream: Stream, cuts: Cuts) {
        let whole = decode([stream.0.as_slice()]);
        assert_eq!(decode(cuts.cut(&stream.0)), whole);
        assert_eq!(decode(stream.0.chunks(1)), whole);
    }
    check(property as fn(Stream, Cuts));
}

#[test]
fn any_cut_of_noise_gives_the_same() {
    fn property(noise: Vec<u8>, cuts: Cuts) {
        assert_eq!(decode(cuts.cut(&noise)), decode([noise.as_slice()]));
    }
    check(property as fn(Vec<u8>, Cuts));
}

#[test]
fn messages_come_back_as_they_were_sent() {
    fn property(messages: Vec<AnyMessage>, cuts: Cuts) {
        let messages: Vec<Message> = messages.into_iter().map(|message| message.0).collect();
        let mut stream = Vec::new();
        for message in &messages {
            message.encode(&mut stream);
        }
        let seen = decode(cuts.cut(&stream));
        assert_eq!((seen.messages, seen.error), (messages, None));
        assert_eq!((seen.taken, seen.stashed, seen.partial), (stream.len(), 0, None));
    }
    check(property as fn(Vec<AnyMessage>, Cuts));
}

/// What recordings rest on: the spans cover all payload, and filling them with anything changes nothing else.
#[test]
fn payload_may_be_left_out_of_a_recording() {
    fn property(stream: Stream, cuts: Cuts) {
        let seen = decode(cuts.cut(&stream.0));
        let mut blank = stream.0.clone();
        for span in &seen.payload {
            blank[span.clone()].fill(0xaa);
        }
        let mut replayed = decode(cuts.cut(&blank));
        assert_eq!(replayed.messages.len(), seen.messages.len());
        for (message, other) in seen.messages.iter().zip(&mut replayed.messages) {
            if let (Message::Piece { data, .. }, Message::Piece { data: other, .. }) = (message, other) {
                assert!(
                    other.as_bytes().iter().all(|byte| *byte == 0xaa),
                    "payload outside the spans"
                );
                *other = data.clone();
            }
        }
        assert_eq!(replayed, seen);
    }
    check(property as fn(Stream, Cuts));
}

type HandshakeSeen = (Vec<HandshakePart>, Option<HandshakeError>, usize);

fn decode_handshake<'a>(reads: impl IntoIterator<Item = &'a [u8]>) -> HandshakeSeen {
    let mut decoder = HandshakeDecoder::new();
    let (mut parts, mut error, mut taken) = (Vec::new(), None, 0);
    for read in reads {
        let mut input = read;
        while error.is_none() {
            match decoder.next(&mut input) {
                Ok(Some(part)) => {
                    parts.push(part);
                    assert!(parts.len() <= 2, "a handshake has two parts");
                }
                Ok(None) => break,
                Err(found) => error = Some(found),
            }
        }
        assert!(read.ends_with(input));
        taken += read.len() - input.len();
        assert_eq!(decoder.taken(), taken);
    }
    (parts, error, taken)
}

fn handshake(reserved: u64, fill: u8) -> Handshake {
    Handshake {
        reserved: Reserved(reserved.to_be_bytes()),
        info_hash: InfoHash([fill; 20]),
        peer_id: PeerId([!fill; 20]),
    }
}

#[test]
fn any_cut_of_a_handshake_gives_the_same_and_leaves_what_follows() {
    fn property(reserved: u64, fill: u8, after: Vec<u8>, cuts: Cuts) {
        let handshake = handshake(reserved, fill);
        let mut stream = handshake.encode().to_vec();
        stream.extend(after);
        let head = HandshakePart::Head {
            reserved: handshake.reserved,
            info_hash: handshake.info_hash,
        };
        let expected = (vec![head, HandshakePart::PeerId(handshake.peer_id)], None, 68);
        assert_eq!(decode_handshake([stream.as_slice()]), expected);
        assert_eq!(decode_handshake(cuts.cut(&stream)), expected);
    }
    check(property as fn(u64, u8, Vec<u8>, Cuts));
}

#[test]
fn a_handshake_fails_at_the_first_byte_that_differs() {
    fn property(at: usize, flip: u8, length: usize, cuts: Cuts) {
        let (at, flip) = (at % 20, flip.max(1));
        let mut stream = handshake(0, 0).encode();
        stream[at] ^= flip;
        let stream = &stream[..at + 1 + length % (68 - at)];
        let error = HandshakeError::Protocol {
            at: u8::try_from(at).expect("below 20"),
            got: stream[at],
        };
        assert_eq!(decode_handshake([stream]), (vec![], Some(error), at));
        assert_eq!(decode_handshake(cuts.cut(stream)), (vec![], Some(error), at));
    }
    check(property as fn(usize, u8, usize, Cuts));
}

#[test]
fn a_handshake_cut_short_yields_only_what_is_whole() {
    for length in 0..68 {
        let bytes = handshake(5, 9).encode();
        let (parts, error, taken) = decode_handshake([&bytes[..length]]);
        assert_eq!(
            (parts.len(), error, taken),
            (usize::from(length >= 48), None, length)
        );
    }
}
