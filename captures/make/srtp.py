#!/usr/bin/env python3
"""Writes two calls over UDP whose SDP has the keys of their SRTP, sealed by libsrtp.

    captures/make/srtp.py [FOLDER]      FOLDER is where srtp.pcap goes; captures/ when left out

Needs Python 3.10 and pylibsrtp (PyPI, libsrtp 2 inside). The same bytes each time.
"""

import base64
import random
import struct
import sys
from pathlib import Path

from pylibsrtp import Policy, Session

HERE = Path(__file__).resolve().parent
START = 1_768_471_200  # 2026-01-15T10:00:00Z
A, B = "192.0.2.10", "198.51.100.20"
MACS = {A: bytes.fromhex("02000000000a"), B: bytes.fromhex("020000000014")}
SUITES = {
    "AES_CM_128_HMAC_SHA1_80": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30),
    "AES_CM_128_HMAC_SHA1_32": (Policy.SRTP_PROFILE_AES128_CM_SHA1_32, 30),
    "AEAD_AES_128_GCM": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28),
}
NTP = START + 2_208_988_800  # seconds since 1900

dice = random.Random(3711)
packets = []


def send(ms, src, dst, payload):
    """A UDP datagram that passes the tap `ms` after the start."""
    (sa, sp), (da, dp) = src, dst
    udp = struct.pack("!HHHH", sp, dp, 8 + len(payload), 0) + payload
    ip = lambda a: bytes(int(part) for part in a.split("."))
    head = struct.pack("!BBHHHBBH", 0x45, 0xB8, 20 + len(udp), 0, 0x4000, 64, 17, 0) + ip(sa) + ip(da)
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    head = head[:10] + struct.pack("!H", 0xFFFF & ~(total + (total >> 16))) + head[12:]
    packets.append((round(ms * 1000), MACS[da] + MACS[sa] + b"\x08\x00" + head + udp))


class Key:
    """A master key with its salt, and what it seals."""

    def __init__(self, suite):
        profile, length = SUITES[suite]
        self.suite, self.secret = suite, dice.randbytes(length)
        self.session = Session(Policy(key=self.secret, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))

    def line(self, tag, extra=""):
        return f"a=crypto:{tag} {self.suite} inline:{base64.b64encode(self.secret).decode()}{extra}\r\n"


def sdp(address, port, version, lines, mux):
    return (
        f"v=0\r\no=- 7 {version} IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} RTP/SAVP 18\r\n"
        + "a=rtpmap:18 G729/8000\r\na=ptime:20\r\n" + ("a=rtcp-mux\r\n" if mux else "") + lines
    )


class Call:
    """Signalling of one call: `name` is its Call-ID."""

    def __init__(self, name):
        self.name = name

    def head(self, cseq, method, to_tag):
        tag = ";tag=b" if to_tag else ""
        return (
            f"Via: SIP/2.0/UDP {A}:5060;branch=z9hG4bK{self.name}{cseq}{method}\r\nMax-Forwards: 70\r\nFrom: <sip:+15551230001@{A}>;tag=a\r\n"
            f"To: <sip:+15551230002@{B}>{tag}\r\nCall-ID: {self.name}\r\nCSeq: {cseq} {method}\r\nContact: <sip:{{}}:5060>\r\n"
        )

    def message(self, ms, start, cseq, method, body="", to_tag=True):
        request = not start.startswith("SIP/2.0")
        src, dst = ((A, 5060), (B, 5060)) if request else ((B, 5060), (A, 5060))
        kind = "Content-Type: application/sdp\r\n" if body else ""
        content = f"{kind}Content-Length: {len(body)}\r\n\r\n{body}"
        head = self.head(cseq, method, to_tag).format(src[0])
        send(ms, src, dst, f"{start}\r\n{head}{content}".encode())

    def request(self, ms, method, cseq, body="", to_tag=True):
        self.message(ms, f"{method} sip:+15551230002@{B} SIP/2.0", cseq, method, body, to_tag)

    def agree(self, ms, cseq, offer, answer, to_tag):
        """INVITE to ACK in 300 ms."""
        self.request(ms, "INVITE", cseq, offer, to_tag)
        self.message(ms + 40, "SIP/2.0 100 Trying", cseq, "INVITE", "", to_tag)
        self.message(ms + 290, "SIP/2.0 200 OK", cseq, "INVITE", answer)
        self.request(ms + 300, "ACK", cseq)

    def end(self, ms, cseq):
        self.request(ms, "BYE", cseq)
        self.message(ms + 40, "SIP/2.0 200 OK", cseq, "BYE")


def media(ms, src, dst, key, ssrc, first, n, missing=()):
    """`n` packets of G.729 every 20 ms; those `missing` are sealed and do not reach the tap."""
    for i in range(n):
        sequence = first + i
        rtp = struct.pack("!BBHII", 0x80, 18, sequence & 0xFFFF, (sequence * 160) & 0xFFFFFFFF, ssrc) + dice.randbytes(20)
        sealed = key.session.protect(rtp)
        if i not in missing:
            send(ms + 20 * i, src, dst, sealed)


def ntp(ms):
    return NTP + ms // 1000, int(ms % 1000 * (1 << 32) / 1000)


def middle(ms):
    seconds, fraction = ntp(ms)
    return (seconds & 0xFFFF) << 16 | fraction >> 16


def report(ms, src, dst, key, ssrc, sent, about, fraction, lost, highest, jitter, asked, delay_ms):
    """A sender report with one block, and the sender's name; `asked` is the time of the report it answers, if it answers one."""
    block = struct.pack("!IIIIII", about, fraction << 24 | lost, highest, jitter, middle(asked) if asked else 0, delay_ms * 65536 // 1000)
    sender = struct.pack("!BBHIIIIII", 0x81, 200, 12, ssrc, *ntp(ms), sent * 160, sent, sent * 20)
    name = b"\x01\x08" + b"%08x" % ssrc + b"\0\0"
    names = struct.pack("!BBHI", 0x81, 202, (len(name) + 4) // 4, ssrc) + name
    assert len(names) % 4 == 0
    send(ms, src, dst, key.session.protect_rtcp(sender + block + names))


def first_call():
    """Sequence numbers turn over, RTCP has ports of its own, the answer takes one of two suites."""
    call, at = Call("srtp-1"), 0
    long, short, answer = (Key("AES_CM_128_HMAC_SHA1_80"), Key("AES_CM_128_HMAC_SHA1_32"), Key("AES_CM_128_HMAC_SHA1_80"))
    offer = sdp(A, 4000, 1, long.line(1, "|2^31") + short.line(2), False)
    call.agree(at, 1, offer, sdp(B, 6000, 1, answer.line(1), False), False)
    a, b, a1, b1 = (A, 4000), (B, 6000), (A, 4001), (B, 6001)
    # The callee's sound comes before its answer.
    media(250, b, a, answer, 0xB0000001, 1_000, 300, missing=(77, 78, 200))
    media(320, a, b, long, 0xA0000001, 65_400, 300)
    for n, (fraction, lost, jitter) in enumerate([(0, 0, 16), (26, 5, 64), (10, 7, 40), (0, 7, 24), (0, 7, 24)]):
        ms, sent = 1_000 + 1_000 * n, 34 + 50 * n
        # 4 ms from the tap to the caller and back.
        report(ms, a1, b1, long, 0xA0000001, sent, 0xB0000001, 0, 3 if n > 2 else 0, 1_000 + sent, 8, ms - 464 if n else None, 460)
        # 36 ms from the tap to the callee and back, of which it takes 500 ms for itself.
        report(ms + 536, b1, a1, answer, 0xB0000001, sent + 29, 0xA0000001, fraction, lost, 65_400 + sent, jitter, ms, 500)
    call.end(6_500, 2)


def second_call():
    """Keys are changed by a second offer and answer while the sources go on; RTCP shares the ports of RTP."""
    call, at = Call("srtp-2"), 60_000
    a, b, suite = (A, 4100), (B, 6100), "AEAD_AES_128_GCM"
    for turn in range(2):
        ours, theirs, ms = Key(suite), Key(suite), at + 3_000 * turn
        call.agree(ms, 1 + turn, sdp(A, 4100, 1 + turn, ours.line(1), True), sdp(B, 6100, 1 + turn, theirs.line(1), True), turn > 0)
        media(ms + 320, a, b, ours, 0xA0000002, 5_000 + 130 * turn, 130)
        media(ms + 325, b, a, theirs, 0xB0000002, 9_000 + 130 * turn, 130)
        report(ms + 1_000, a, b, ours, 0xA0000002, 34, 0xB0000002, 0, 0, 9_034, 4, None, 0)
        report(ms + 1_290, b, a, theirs, 0xB0000002, 48, 0xA0000002, 51, 2 + turn, 5_034, 80, ms + 1_000, 250)
    call.end(at + 6_500, 3)


first_call()
second_call()
folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent
out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)]
for us, frame in sorted(packets, key=lambda packet: packet[0]):
    out.append(struct.pack("<IIII", START + us // 1_000_000, us % 1_000_000, len(frame), len(frame)) + frame)
(folder / "srtp.pcap").write_bytes(b"".join(out))
