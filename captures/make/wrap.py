#!/usr/bin/env python3
"""Wraps the first call of ../sipp-udp.pcap in the encapsulations that encap.sh cannot record: no kernel module, no daemon.

    captures/make/wrap.py [FOLDER]      FOLDER is where the captures go; captures/encap/ when left out

Needs scapy, which writes the headers that it knows; the others are spelled out here, field by field, each with its standard.
Times, SIP and RTP are SIPp's: all seven messages of the call, and of its RTP the first 40 packets each way.
"""

import struct
import sys
import zlib
from pathlib import Path

from scapy.config import conf
from scapy.contrib.erspan import ERSPAN_I, ERSPAN_III, ERSPAN_PlatformSpecific
from scapy.contrib.gtp import GTP_U_Header
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import GRE, LLC, SNAP, Dot3, Ether
from scapy.layers.ppp import PPP, PPPoE
from scapy.layers.sctp import SCTP, SCTPChunkData
from scapy.packet import Raw
from scapy.utils import PcapReader, PcapWriter

HERE = Path(__file__).resolve().parent
PACKETS = 40
# Documentation addresses and MACs (RFC 5737, RFC 3849, RFC 7042).
NEAR, FAR = "203.0.113.1", "203.0.113.9"
NEAR6, FAR6 = "2001:db8:3::1", "2001:db8:3::9"
MACS = {"src": "00:00:5e:00:53:04", "dst": "00:00:5e:00:53:03"}
BACK = {"src": MACS["dst"], "dst": MACS["src"]}
ETHERNET, PPP_LINK = 1, 9
CALLER = "192.0.2.10"


def base():
    """The call's frames as (time, frame): every SIP message, and the first PACKETS of RTP each way."""
    seen, messages = {}, 0
    for packet in PcapReader(str(HERE / "../sipp-udp.pcap")):
        if UDP not in packet or packet[UDP].sport in (6001, 6003):
            continue
        sip = packet[UDP].dport == 5060
        messages += sip
        seen[packet[IP].src] = seen.get(packet[IP].src, 0) + (not sip)
        if sip or seen[packet[IP].src] <= PACKETS:
            yield packet.time, packet
        if messages == 7:
            return


def outwards(packet):
    """Whether the caller sent it."""
    return packet[IP].src == CALLER


def ether(packet, kind, payload):
    """An Ethernet frame the way that the packet goes."""
    return Ether(**(MACS if outwards(packet) else BACK), type=kind) / payload


def ip(packet, **fields):
    """An outer IPv4 header the way that the packet goes."""
    ends = (NEAR, FAR) if outwards(packet) else (FAR, NEAR)
    return IP(src=ends[0], dst=ends[1], id=0, **fields)


def ip6(packet, **fields):
    """An outer IPv6 header the way that the packet goes."""
    ends = (NEAR6, FAR6) if outwards(packet) else (FAR6, NEAR6)
    return IPv6(src=ends[0], dst=ends[1], **fields)


def mirrored(payload):
    """A copy on its way to a collector, which is one way whichever way the packet goes."""
    return Ether(**MACS, type=0x0800) / payload


def llc_snap(packet):
    """IEEE 802.2 and RFC 1042: length in place of the type, AA-AA-03, organisation 0, then the type."""
    ends = MACS if outwards(packet) else BACK
    return Dot3(**ends) / LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(OUI=0, code=0x0800) / packet[IP]


def pseudowire(packet):
    """RFC 4448: an Ethernet frame under two labels and a control word, which is 0 and a sequence number (RFC 4385)."""
    pseudowire.number += 1
    labels = MPLS(label=2002, s=0, ttl=255) / MPLS(label=1001, s=1, ttl=255)
    return ether(packet, 0x8847, labels / Raw(struct.pack("!HH", 0, pseudowire.number) + bytes(packet)))


pseudowire.number = 0


def ppp(packet):
    """RFC 1662 address and control, and protocol 0x0021 (RFC 1332)."""
    return Raw(b"\xff\x03" + bytes(PPP(proto=0x0021) / packet[IP]))


def pppoe(packet):
    """RFC 2516, session stage."""
    return ether(packet, 0x8864, PPPoE(sessionid=0x1234) / PPP(proto=0x0021) / packet[IP])


def erspan_1(packet):
    """ERSPAN without a header of its own: GRE without flags, type 0x88be, then the frame (draft-foschiano-erspan)."""
    return mirrored(IP(src=NEAR, dst=FAR, id=0, proto=47) / GRE(proto=0x88BE) / ERSPAN_I() / Ether(bytes(packet)))


def erspan_3_platform(packet):
    """ERSPAN III whose O bit announces the eight bytes of a platform's subheader (draft-foschiano-erspan)."""
    erspan_3_platform.number += 1
    gre = GRE(seqnum_present=1, seqence_number=erspan_3_platform.number, proto=0x22EB)
    header = ERSPAN_III(vlan=100, session_id=300, timestamp=erspan_3_platform.number * 200, d=0 if outwards(packet) else 1, p=1, gra=0, o=1)
    platform = ERSPAN_PlatformSpecific(platf_id=3, info1=0, info2=0x5F000000)
    return mirrored(IP(src=NEAR, dst=FAR, id=0, proto=47) / gre / header / platform / Ether(bytes(packet)))


erspan_3_platform.number = 0


def ip_in_ip(packet):
    """RFC 2003."""
    return ether(packet, 0x0800, ip(packet, proto=4) / packet[IP])


def in_ipv6(packet):
    """The call again with IPv6 addresses of its own."""
    ends = ("2001:db8:1::10", "2001:db8:2::20") if outwards(packet) else ("2001:db8:2::20", "2001:db8:1::10")
    udp = packet[UDP].copy()
    del udp.len, udp.chksum
    udp.payload = Raw(rewritten(bytes(udp.payload), b"IP4", b"IP6"))
    return IPv6(src=ends[0], dst=ends[1]) / udp


def rewritten(payload, old_family, new_family):
    """A payload of SIP with the addresses of IPv6, its Content-Length made right."""
    head, blank, body = payload.partition(b"\r\n\r\n")
    if not blank:
        return payload
    for old, new in ((b"192.0.2.10", b"2001:db8:1::10"), (b"198.51.100.20", b"2001:db8:2::20")):
        body = body.replace(old, new)
        head = head.replace(old + b":5060", b"[" + new + b"]:5060").replace(b"@" + old, b"@[" + new + b"]")
        head = head.replace(b"[" + b"[", b"[").replace(b"]" + b"]", b"]")
    body = body.replace(b"IN " + old_family, b"IN " + new_family)
    lines = [b"Content-Length: %d" % len(body) if line.lower().startswith(b"content-length") else line for line in head.split(b"\r\n")]
    return b"\r\n".join(lines) + blank + body


def six_in_four(packet):
    """RFC 4213: IPv6 in IPv4, protocol 41."""
    return ether(packet, 0x0800, ip(packet, proto=41) / in_ipv6(packet))


def ip_in_ip6(packet):
    """RFC 2473: IPv4 in IPv6, next header 4."""
    return ether(packet, 0x86DD, ip6(packet, nh=4) / packet[IP])


def gtp(packet, teid, inner, **fields):
    """3GPP TS 29.281: a G-PDU on UDP port 2152."""
    return UDP(sport=2152, dport=2152, chksum=0) / GTP_U_Header(teid=teid, gtp_type=255, **fields) / inner


def gtp_in_gtp(packet):
    """A G-PDU in a G-PDU, the outer one with a sequence number."""
    ends = ("10.255.1.1", "10.255.1.2") if outwards(packet) else ("10.255.1.2", "10.255.1.1")
    inner = IP(src=ends[0], dst=ends[1], id=0) / gtp(packet, 0x1111, packet[IP])
    return ether(packet, 0x0800, ip(packet) / gtp(packet, 0x2222, inner, S=1, seq=7))


def l2tp(packet):
    """RFC 2661: a data message with length and sequence numbers, then PPP with address and control."""
    l2tp.number += 1
    frame = b"\xff\x03\x00\x21" + bytes(packet[IP])
    tunnel, session = (11, 22) if outwards(packet) else (33, 44)
    header = struct.pack("!HHHHHH", 0x4802, 12 + len(frame), tunnel, session, l2tp.number, 0)
    return ether(packet, 0x0800, ip(packet) / UDP(sport=1701, dport=1701, chksum=0) / Raw(header + frame))


l2tp.number = 0


def sctp(packet):
    """RFC 4168: each SIP message is one user message of SCTP; the INVITE goes in two DATA chunks of two packets. RTP stays UDP."""
    if packet[UDP].dport != 5060:
        return [packet]
    text = bytes(packet[UDP].payload).replace(b"SIP/2.0/UDP", b"SIP/2.0/SCTP").replace(b"transport=UDP", b"transport=SCTP")
    parts = [text[:300], text[300:]] if text.startswith(b"INVITE") else [text]
    way = outwards(packet)
    frames = []
    for place, part in enumerate(parts):
        chunk = SCTPChunkData(
            beginning=int(place == 0), ending=int(place == len(parts) - 1), tsn=sctp.tsn[way], stream_id=0, stream_seq=sctp.message[way], data=part
        )
        sctp.tsn[way] += 1
        ends = packet[IP]
        outer = IP(src=ends.src, dst=ends.dst, id=0, proto=132) / SCTP(sport=5060, dport=5060, tag=0x1000 + way)
        frames.append(Ether(src=packet.src, dst=packet.dst, type=0x0800) / outer / chunk)
    sctp.message[way] += 1
    return frames


sctp.tsn, sctp.message = {True: 1000, False: 5000}, {True: 0, False: 0}


def chunk(kind, value):
    """A chunk of HEP3: vendor 0, its type, its length with these six bytes, its value."""
    return struct.pack("!HHH", 0, kind, 6 + len(value)) + value


def hep_3_compressed(packet):
    """HEP3 whose payload is deflated in chunk 0x0010, with a correlation id in 0x0011 (HEP/EEP, revision 11 and later)."""
    if packet[UDP].dport != 5060:
        return packet
    seconds = int(packet.time)
    text = bytes(packet[UDP].payload)
    call_id = text.split(b"Call-ID: ")[1].split(b"\r\n")[0]
    body = b"".join(
        [
            chunk(1, b"\x02"),
            chunk(2, b"\x11"),
            chunk(3, bytes(map(int, packet[IP].src.split(".")))),
            chunk(4, bytes(map(int, packet[IP].dst.split(".")))),
            chunk(7, struct.pack("!H", packet[UDP].sport)),
            chunk(8, struct.pack("!H", packet[UDP].dport)),
            chunk(9, struct.pack("!I", seconds)),
            chunk(10, struct.pack("!I", int((packet.time - seconds) * 1_000_000))),
            chunk(11, b"\x01"),
            chunk(12, struct.pack("!I", 2001)),
            chunk(17, call_id),
            chunk(16, zlib.compress(text)),
        ]
    )
    message = b"HEP3" + struct.pack("!H", 6 + len(body)) + body
    return mirrored(IP(src=NEAR, dst=FAR, id=0) / UDP(sport=40000, dport=9060, chksum=0) / Raw(message))


def hep_3_tcp(packet):
    """HEP3 over one TCP connection of the agent's: the INVITE in two segments, 100 and 180 in one. RTP stays clear."""
    if packet[UDP].dport != 5060:
        return [packet]
    stream = hep_3_tcp.waiting + hep_3(packet)
    text = bytes(packet[UDP].payload)
    hep_3_tcp.waiting = stream if text.startswith(b"SIP/2.0 100") else b""
    parts = [] if hep_3_tcp.waiting else [stream[:300], stream[300:]] if text.startswith(b"INVITE") else [stream]
    ends = IP(src=NEAR, dst=FAR, id=0)
    frames = [ends / TCP(sport=40000, dport=9060, seq=999, flags="S")] if text.startswith(b"INVITE") else []
    for part in parts:
        frames.append(ends / TCP(sport=40000, dport=9060, seq=hep_3_tcp.next, ack=1, flags="PA") / Raw(part))
        hep_3_tcp.next += len(part)
    return [Ether(**MACS, type=0x0800) / frame for frame in frames]


hep_3_tcp.waiting, hep_3_tcp.next = b"", 1000


def hep_3(packet):
    """HEP3 as every agent writes it: addresses, ports, the time of there, the agent's number, the message."""
    seconds = int(packet.time)
    ends = [chunk(kind, bytes(map(int, end.split(".")))) for kind, end in ((3, packet[IP].src), (4, packet[IP].dst))]
    ports = [chunk(kind, struct.pack("!H", port)) for kind, port in ((7, packet[UDP].sport), (8, packet[UDP].dport))]
    time = [chunk(9, struct.pack("!I", seconds)), chunk(10, struct.pack("!I", int((packet.time - seconds) * 1_000_000)))]
    agent = [chunk(11, b"\x01"), chunk(12, struct.pack("!I", 2001))]
    body = b"".join([chunk(1, b"\x02"), chunk(2, b"\x11"), *ends, *ports, *time, *agent, chunk(15, bytes(packet[UDP].payload))])
    return b"HEP3" + struct.pack("!H", 6 + len(body)) + body


def hep_1(packet):
    """HEP1: eight bytes of addresses' family, protocol and ports, then the two addresses, then the message."""
    if packet[UDP].dport != 5060:
        return packet
    header = struct.pack("!BBBBHH", 1, 16, 2, 17, packet[UDP].sport, packet[UDP].dport)
    ends = b"".join(bytes(map(int, end.split("."))) for end in (packet[IP].src, packet[IP].dst))
    return mirrored(IP(src=NEAR, dst=FAR, id=0) / UDP(sport=40000, dport=9060, chksum=0) / Raw(header + ends + bytes(packet[UDP].payload)))


CAPTURES = [
    ("llc-snap", ETHERNET, llc_snap),
    ("mpls-pseudowire", ETHERNET, pseudowire),
    ("ppp", PPP_LINK, ppp),
    ("pppoe", ETHERNET, pppoe),
    ("erspan-1", ETHERNET, erspan_1),
    ("erspan-3-platform", ETHERNET, erspan_3_platform),
    ("ip-in-ip", ETHERNET, ip_in_ip),
    ("ip-in-ipv6", ETHERNET, ip_in_ip6),
    ("6in4", ETHERNET, six_in_four),
    ("gtp-in-gtp", ETHERNET, gtp_in_gtp),
    ("l2tp", ETHERNET, l2tp),
    ("sctp", ETHERNET, sctp),
    ("hep-1", ETHERNET, hep_1),
    ("hep-3-compressed", ETHERNET, hep_3_compressed),
    ("hep-3-tcp", ETHERNET, hep_3_tcp),
]


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "../encap"
    folder.mkdir(parents=True, exist_ok=True)
    call = list(base())
    for name, link, wrap in CAPTURES:
        path = folder / f"{name}.pcap"
        with PcapWriter(str(path), linktype=link, sync=True) as out:
            out.write_header(None)
            for time, packet in call:
                wrapped = wrap(packet)
                for place, frame in enumerate(wrapped if isinstance(wrapped, list) else [wrapped]):
                    raw = bytes(frame)
                    at = int(time * 1_000_000) + place
                    out.write_packet(raw, sec=at // 1_000_000, usec=at % 1_000_000, caplen=len(raw), wirelen=len(raw))
        print(f"wrote {path}")


conf.verb = 0
main()
