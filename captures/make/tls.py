#!/usr/bin/env python3
"""Records SIP over TLS between OpenSSL and OpenSSL (Python's ssl) in two network namespaces, with the secrets that OpenSSL logs.

    captures/make/tls.py [FOLDER [CASE]...]     FOLDER is where the captures go; captures/tls/ when left out. All cases, or those named

Needs root, ip, tcpdump, openssl and Python 3.10. Each case is CASE.pcap with CASE.keys beside it; `dsb-after.pcapng` has its secrets
in a block behind the packets. Certificates are made anew, valid from the day before for ten years.
"""

import os
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SBC, MICROSOFT = "198.51.100.4", "52.114.75.24"
PORT = 5061
NO_ENCRYPT_THEN_MAC = 0x80000  # SSL_OP_NO_ENCRYPT_THEN_MAC, which Python has no name for
NAME, SERVICE = "sbc.contoso.com", "sip.pstnhub.microsoft.com"

# Name, version, suites (TLS 1.2 and before; TLS 1.3's are set apart), what else.
CASES = [
    ("tls12-aes128-gcm", "1.2", "ECDHE-RSA-AES128-GCM-SHA256", {}),
    ("tls12-aes256-gcm-mutual", "1.2", "ECDHE-RSA-AES256-GCM-SHA384", {"mutual": True}),
    ("tls12-aes256-cbc-sha384", "1.2", "ECDHE-RSA-AES256-SHA384", {"mutual": True}),
    ("tls12-aes128-cbc-sha1", "1.2", "ECDHE-RSA-AES128-SHA", {}),
    ("tls12-chacha20", "1.2", "ECDHE-RSA-CHACHA20-POLY1305", {}),
    ("tls12-resumed", "1.2", "ECDHE-RSA-AES128-GCM-SHA256", {"resume": True}),
    ("tls12-resumed-id", "1.2", "ECDHE-RSA-AES128-GCM-SHA256", {"resume": True, "no_ticket": True}),
    ("tls12-mac-then-encrypt", "1.2", "ECDHE-RSA-AES128-SHA256", {"mac_then_encrypt": True}),
    ("tls13-aes128-gcm", "1.3", "TLS_AES_128_GCM_SHA256", {"mutual": True}),
    ("tls13-aes256-gcm", "1.3", "TLS_AES_256_GCM_SHA384", {"mutual": True}),
    ("tls13-chacha20", "1.3", "TLS_CHACHA20_POLY1305_SHA256", {}),
    ("tls13-resumed", "1.3", "TLS_AES_256_GCM_SHA384", {"resume": True}),
    ("tls13-retry", "1.3", "TLS_AES_256_GCM_SHA384", {"curve": "secp384r1"}),
]

SDP = (
    "v=0\r\no=- 1 1 IN IP4 198.51.100.4\r\ns=-\r\nc=IN IP4 198.51.100.4\r\nt=0 0\r\nm=audio 40000 RTP/SAVP 8\r\n"
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\na=sendrecv\r\n"
)


def request(method, cseq, body="", tag=""):
    """A request of the SBC."""
    to = f"<sip:+15557654321@{SERVICE};user=phone>{tag}"
    return (
        f"{method} sip:+15557654321@{SERVICE}:5061;user=phone;transport=tls SIP/2.0\r\n"
        f"Via: SIP/2.0/TLS {SBC}:5061;branch=z9hG4bK{method}{cseq}\r\nMax-Forwards: 70\r\n"
        f"From: <sip:+15551234567@{NAME};user=phone>;tag=a1\r\nTo: {to}\r\nCall-ID: tls-call-1@{NAME}\r\n"
        f"CSeq: {cseq} {method}\r\nContact: <sip:+15551234567@{NAME}:5061;transport=tls>\r\n"
        + (f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}" if body else "Content-Length: 0\r\n\r\n")
    ).encode()


def response(status, method, cseq, body=""):
    """A response of the service."""
    return (
        f"SIP/2.0 {status}\r\nVia: SIP/2.0/TLS {SBC}:5061;branch=z9hG4bK{method}{cseq}\r\n"
        f"From: <sip:+15551234567@{NAME};user=phone>;tag=a1\r\nTo: <sip:+15557654321@{SERVICE};user=phone>;tag=b2\r\n"
        f"Call-ID: tls-call-1@{NAME}\r\nCSeq: {cseq} {method}\r\nContact: <sip:api-du-a-euno.pstnhub.microsoft.com:443;x-i=1>\r\n"
        + (f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}" if body else "Content-Length: 0\r\n\r\n")
    ).encode()


def answer(text):
    """What the service sends for what it got, one entry a record."""
    if text.startswith(b"INVITE"):
        ring = response("100 Trying", "INVITE", 2) + response("180 Ringing", "INVITE", 2)
        ok = response("200 OK", "INVITE", 2, SDP.replace(SBC, MICROSOFT))
        return [ring, ok[:400], ok[400:]]
    if text.startswith(b"OPTIONS"):
        return [response("200 OK", "OPTIONS", 1)]
    if text.startswith(b"BYE"):
        return [response("200 OK", "BYE", 3)]
    return []


def context(server, case, folder):
    name, version, suites, more = case
    it = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    only = ssl.TLSVersion.TLSv1_3 if version == "1.3" else ssl.TLSVersion.TLSv1_2
    it.minimum_version = it.maximum_version = only
    if version == "1.2":
        it.set_ciphers(suites + ":@SECLEVEL=0")
    it.load_verify_locations(folder / "root.pem")
    if server or more.get("mutual"):
        who = "service" if server else "sbc"
        it.load_cert_chain(folder / f"{who}-chain.pem", folder / f"{who}.key")
    if server:
        it.verify_mode = ssl.CERT_REQUIRED if more.get("mutual") else ssl.CERT_NONE
        if version == "1.3" and more.get("resume"):
            it.num_tickets = 2
        if more.get("no_ticket"):
            it.options |= ssl.OP_NO_TICKET
        if more.get("curve"):
            # The client's first key share is of another group, so it is asked for a second ClientHello.
            it.set_ecdh_curve(more["curve"])
    else:
        if more.get("mac_then_encrypt"):
            it.options |= NO_ENCRYPT_THEN_MAC
        it.keylog_filename = str(folder / f"{name}.keys")
    return it


def serve(case, folder):
    """Answers until told to stop."""
    it = context(True, case, folder)
    listener = socket.create_server((MICROSOFT, PORT), reuse_port=False)
    print("ready", flush=True)
    for _ in range(2 if case[3].get("resume") else 1):
        raw, _ = listener.accept()
        with it.wrap_socket(raw, server_side=True) as connection:
            buffered = b""
            while True:
                got = connection.recv(16_384)
                if not got:
                    break
                buffered += got
                while (end := whole(buffered)) > 0:
                    for record in answer(buffered[:end]):
                        connection.sendall(record)
                        time.sleep(0.01)
                    buffered = buffered[end:]
            connection.unwrap()


def whole(text):
    """Octets of the first message, 0 while it is not whole."""
    head, blank, body = text.partition(b"\r\n\r\n")
    if not blank:
        return 0
    length = int(next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")).split(b":")[1])
    return len(head) + 4 + length if len(body) >= length else 0


def call(case, folder):
    """OPTIONS and a call, on a connection each where one is resumed."""
    it, session = context(False, case, folder), None
    invite = request("INVITE", 2, SDP)
    flights = [[request("OPTIONS", 1)], [invite[:300], invite[300:], request("ACK", 2, tag=";tag=b2"), request("BYE", 3, tag=";tag=b2")]]
    if not case[3].get("resume"):
        flights = [flights[0] + flights[1]]
    for flight in flights:
        raw = socket.create_connection((MICROSOFT, PORT), source_address=(SBC, 0))
        with it.wrap_socket(raw, server_hostname=SERVICE, session=session) as connection:
            for record in flight:
                connection.sendall(record)
                time.sleep(0.1)
                connection.settimeout(0.2)
                try:
                    while connection.recv(16_384):
                        pass
                except TimeoutError:
                    pass
            session = connection.session
            connection.settimeout(2)
            connection.unwrap()


def run(*command, **more):
    return subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)


def certificates(folder):
    """A root, an intermediate authority, and the two ends."""
    def make(who, subject, issuer, extensions):
        (folder / f"{who}.ext").write_text(extensions)
        run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", subject, "-keyout", folder / f"{who}.key",
            "-out", folder / f"{who}.csr")
        by = ("-signkey", folder / f"{who}.key") if issuer is None else (
            "-CA", folder / f"{issuer}.pem", "-CAkey", folder / f"{issuer}.key", "-CAcreateserial")
        run("openssl", "x509", "-req", "-days", "3650", "-in", folder / f"{who}.csr", "-out", folder / f"{who}.pem", "-extfile",
            folder / f"{who}.ext", *by)
    authority = "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n"
    make("root", "/O=Example/CN=Example Root", None, authority)
    make("issuing", "/O=Example/CN=Example Issuing CA", "root", authority)
    both = "extendedKeyUsage=serverAuth,clientAuth\n"
    make("sbc", f"/O=Contoso/CN={NAME}", "issuing", f"subjectAltName=DNS:{NAME},DNS:*.sip.contoso.com\n{both}")
    make("service", f"/O=Microsoft/CN={SERVICE}", "issuing", f"subjectAltName=DNS:{SERVICE},DNS:sip2.pstnhub.microsoft.com\n{both}")
    for who in ("sbc", "service"):
        chain = (folder / f"{who}.pem").read_text() + (folder / "issuing.pem").read_text()
        (folder / f"{who}-chain.pem").write_text(chain)


def namespaces():
    for name in ("callpath-sbc", "callpath-ms"):
        subprocess.run(("ip", "netns", "del", name), check=False, stderr=subprocess.DEVNULL)
        run("ip", "netns", "add", name)
    run("ip", "link", "add", "cp-sbc", "netns", "callpath-sbc", "type", "veth", "peer", "name", "cp-ms", "netns", "callpath-ms")
    for name, link, address, other in (("callpath-sbc", "cp-sbc", SBC, MICROSOFT), ("callpath-ms", "cp-ms", MICROSOFT, SBC)):
        at = ("ip", "-n", name)
        mac = "00:00:5e:00:53:04" if address == SBC else "00:00:5e:00:53:24"
        run(*at, "link", "set", link, "address", mac)
        run(*at, "addr", "add", f"{address}/32", "dev", link)
        run(*at, "link", "set", link, "up")
        run(*at, "route", "add", f"{other}/32", "dev", link)
        run("ip", "netns", "exec", name, "sysctl", "-q", "net.ipv6.conf.all.disable_ipv6=1")


def record(case, folder, out):
    name = case[0]
    pcap = out / f"{name}.pcap"
    inside = lambda where, *command: subprocess.Popen(("ip", "netns", "exec", where) + command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    tap = inside("callpath-sbc", "tcpdump", "-q", "-U", "-i", "cp-sbc", "-w", str(pcap), "tcp")
    tap.stderr.readline()
    server = inside("callpath-ms", sys.executable, __file__, "serve", name, str(folder))
    server.stdout.readline()
    run("ip", "netns", "exec", "callpath-sbc", sys.executable, __file__, "call", name, str(folder))
    server.wait(20)
    time.sleep(0.3)
    tap.terminate()
    tap.wait()
    (out / f"{name}.keys").write_text((folder / f"{name}.keys").read_text())


def secrets_after(out):
    """tls13-aes128-gcm.pcap as pcapng, its secrets behind the packets."""
    run("editcap", "-F", "pcapng", out / "tls13-aes128-gcm.pcap", out / "dsb-after.pcapng")
    keys = (out / "tls13-aes128-gcm.keys").read_bytes()
    body = struct.pack("<II", 0x544C534B, len(keys)) + keys + bytes(-len(keys) % 4)
    length = struct.pack("<I", len(body) + 12)
    with open(out / "dsb-after.pcapng", "ab") as file:
        file.write(struct.pack("<I", 10) + length + body + length)


def main():
    if sys.argv[1:2] in (["serve"], ["call"]):
        case = next(case for case in CASES if case[0] == sys.argv[2])
        return (serve if sys.argv[1] == "serve" else call)(case, Path(sys.argv[3]))
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "../tls"
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        certificates(folder)
        namespaces()
        for case in CASES:
            if case[0] in (sys.argv[2:] or [case[0]]):
                record(case, folder, out)
                print(case[0], os.path.getsize(out / f"{case[0]}.pcap"))
    if not sys.argv[2:]:
        secrets_after(out)


if __name__ == "__main__":
    main()
