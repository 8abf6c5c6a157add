//! callpath reads packet captures and answers three questions about every call in them: **who talked to whom, over which network
//! segments in each direction, and which rules of Microsoft Teams Direct Routing were broken** – with the records that prove it.
//!
//! # The pipeline
//!
//! Modules stand in pipeline order; a module names only modules above it (`tests/tidy.rs` holds it).
//!
//! | module | what it does |
//! | --- | --- |
//! | [`error`], [`time`], [`hash`], [`prefetch`], [`address`], [`ledger`] | outcomes, nanoseconds, stable hashes, memory asked for ahead, addresses as text, the count of every record |
//! | [`input`] | bytes: files, directories, globs, pipes, what gzip, zstd, lz4 and xz packed; capture filters |
//! | [`record`] | pcap and pcapng to records; all inputs merged into one order |
//! | [`decode`] | link layers, VLAN, MPLS, tunnels, mirror encapsulations, IP, UDP, TCP, SCTP, exported PDUs: a frame to a packet, a fragment, or a reason why not |
//! | [`proto`] | SIP, SDP, RTP, RTCP, STUN and TURN, DNS, BGP, TLS records and handshakes, certificates, WebSocket and SCTP chunks, and what is only recognised: bytes to typed facts, no state |
//! | [`flow`] | state of one flow: RTP streams, their passes and events, RTCP, relays, TCP in order, TLS opened with the secrets of a key log, SIP messages, sightings |
//! | [`engine`] | windows decoded in parallel, fragments joined, 64 shards of flows; the only threads |
//! | [`topology`] | the user's network, read from TOML text; the built-in Microsoft prefixes |
//! | [`call`] | transactions, dialogs, legs, offer and answer, media and reports bound, NATs and relays chained, quality, Direct Routing recognised |
//! | [`path`] | hops, a segment for each direction with its basis, asymmetry of each and of all flows together; expected paths; Local Media Optimization as a table; Location-Based Routing as a function, and what a leg shows of its inputs |
//! | [`trunk`] | what is known of each SBC over time, across its connections and calls |
//! | [`finding`], [`rules`] | outcomes of checks; one file a rule, pure functions |
//! | [`config`] | `callpath.toml`: which rules are judged here, how much each matters, what is accepted until when |
//! | [`report`] | plain data, one format a file |
//! | [`analysis`] | drives a run, judges ended calls, gathers results; its state can be saved and loaded |
//! | [`cli`] | the command line |
//!
//! # One order, one clock
//!
//! Records of all inputs are merged by (running maximum of the input's timestamps, input, number). A record's place there is its
//! [`record::Seq`], the running maximum its clock. Every 65 536 records shards get a tick; at ticks ten seconds of clock apart
//! everything is swept: idle flows close, legs that ended 40 s ago are judged. Timers look at Seq and clock only – never at
//! threads, windows or wall time – so the same records give the same bytes out, however they were fed.
//!
//! # Words
//!
//! | word | meaning |
//! | --- | --- |
//! | record | one captured frame: input and number, as Wireshark's `frame.number` |
//! | source | an input, or a chain of rotated inputs on the same interfaces |
//! | tap | a point of observation: source, interface, VLAN stack, mirror encapsulation |
//! | tunnel | a header around a packet that is a fact of its direction, and no part of the tap |
//! | sighting | one record seen at one tap; the same packet at two taps is two sightings of one packet |
//! | pass | the sightings of one flow direction at one (tap, TTL) |
//! | flow, stream | a bidirectional 5-tuple; one RTP source in one direction of it, with all its passes |
//! | leg, call | one SIP exchange by Call-ID; the legs and streams of one conversation |
//! | place, segment, hop | what an address belongs to; what a packet crossed; two adjacent addresses with a segment each way |
//! | finding, check | a violation with its records; a rule's outcome: violated, clean or *not checked* |
//!
//! # Invariants
//!
//! * Every record is in the ledger exactly once: under the innermost kind it contributed to, or under what kept it unread.
//! * Outcomes have three types: [`error::Error`] ends the run, [`error::Undecoded`] is counted, [`finding::Finding`] carries its records.
//! * Secrets live in memory that is wiped when it is let go; no report, error, log or saved state has them. A state that is loaded asks for
//!   key logs again.
//! * What outlives a packet is plain data that can be saved. Nothing holds a reference into an input but the text of messages, which may be
//!   a range of a mapped file, and is copied out when it is saved.
//! * Only `input`, the report's spool and `cli` do I/O; only [`engine::par`] starts threads.
//! * Nothing panics on any bytes; the two `unsafe` map files, in `input/mmap.rs`, and ask for memory ahead, in `prefetch.rs`.

pub mod error;

pub mod time;

pub mod hash;

pub mod prefetch;

pub mod address;

pub mod ledger;

pub mod input;

pub mod record;

pub mod decode;

pub mod proto;

pub mod flow;

pub mod engine;

pub mod topology;

pub mod call;

pub mod path;

pub mod trunk;

pub mod finding;

pub mod rules;

pub mod config;

pub mod report;

pub mod analysis;

pub mod cli;
