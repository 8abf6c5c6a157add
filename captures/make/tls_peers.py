#!/usr/bin/env python3
"""Records SIP over TLS by other software than Python's ssl: Kamailio, rustls, GnuTLS, and OpenSSL's own tools.

    captures/make/tls_peers.py [FOLDER [CASE]...]       FOLDER is where the captures go; captures/tls/ when left out. All cases, or those named

Needs what tls.py needs, and kamailio with kamailio-tls-modules, sip-tester, gnutls-bin, cc with libssl-dev, cargo. Each case is
CASE.pcap with CASE.keys beside it, the secrets as the client logged them.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tls
from tls import HERE, MICROSOFT, PORT, SBC, SDP, SERVICE, answer, request, run, whole

BYE = {"tag": ";tag=b2"}
INVITE = request("INVITE", 2, SDP)
FLIGHT = [request("OPTIONS", 1), INVITE[:300], INVITE[300:], request("ACK", 2, **BYE), request("BYE", 3, **BYE)]
# A line that begins with it: both ends go on with new keys.
UPDATE = b"K\n"


def s_server(folder, *more):
    return ("openssl", "s_server", "-quiet", "-accept", f"{MICROSOFT}:{PORT}", "-cert", folder / "service-chain.pem", "-key",
            folder / "service.key", "-cert_chain", folder / "issuing.pem", *more)


def s_client(keys, *more):
    return ("openssl", "s_client", "-connect", f"{MICROSOFT}:{PORT}", "-servername", SERVICE, "-keylogfile", keys, *more)


def gnutls(folder, priority):
    return ("gnutls-cli", "--x509cafile", folder / "root.pem", "--priority", priority, "--port", str(PORT), "--logfile", folder / "log",
            "--sni-hostname", SERVICE, "--verify-hostname", SERVICE, MICROSOFT)


def rustls(folder, end, version):
    at = f"{MICROSOFT}:{PORT}"
    more = (SERVICE,) if end == "call" else (folder / "service-chain.pem", folder / "service.key")
    return (folder / "target/debug/rustls-pipe", end, at, version, folder / "root.pem", *more)


def cases(folder):
    """Name, the server, and the client of each connection with what it sends, one entry a record."""
    keys = lambda name: folder / f"{name}.keys"
    session, early = folder / "session", folder / "early"
    early.write_bytes(request("OPTIONS", 2))
    updates = [FLIGHT[0], UPDATE, *FLIGHT[1:4], UPDATE, FLIGHT[4]]
    return [
        ("rustls-tls12", rustls(folder, "serve", "1.2"), [(rustls(folder, "call", "1.2"), FLIGHT)]),
        ("rustls-tls13", rustls(folder, "serve", "1.3"), [(rustls(folder, "call", "1.3"), FLIGHT)]),
        ("gnutls-tls12-cbc", s_server(folder, "-tls1_2"), [(gnutls(folder, "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-256-CBC"), FLIGHT)]),
        ("gnutls-tls13", s_server(folder, "-tls1_3"), [(gnutls(folder, "NORMAL:-VERS-ALL:+VERS-TLS1.3"), FLIGHT)]),
        ("tls13-key-update", s_server(folder, "-tls1_3"), [(s_client(keys("tls13-key-update"), "-tls1_3"), updates)]),
        ("tls13-early-data", s_server(folder, "-tls1_3", "-early_data"), [
            (s_client(keys("tls13-early-data"), "-tls1_3", "-sess_out", session), FLIGHT[:1]),
            (s_client(keys("tls13-early-data"), "-tls1_3", "-sess_in", session, "-early_data", early), FLIGHT[1:]),
        ]),
    ]


def inside(where, command, **more):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL} | more
    process = subprocess.Popen(("ip", "netns", "exec", where) + tuple(map(str, command)), **pipes)
    if process.stdout:
        os.set_blocking(process.stdout.fileno(), False)
    return process


def talk(case, folder):
    name, server, connections = case
    secrets = os.environ | {"SSLKEYLOGFILE": str(folder / f"{name}.keys")}
    server = inside("callpath-ms", server)
    time.sleep(0.7)
    for command, flight in connections:
        client = inside("callpath-sbc", command, env=secrets)
        time.sleep(0.7)
        rest = b""
        for record in flight:
            os.write(client.stdin.fileno(), record)
            rest = exchange(server, rest, 0.25)
        client.stdin.close()
        try:
            client.wait(2)
        except subprocess.TimeoutExpired:
            client.terminate()
            client.wait()
    server.stdin.close()
    server.terminate()
    server.wait()


def exchange(server, buffered, seconds):
    """Answers whole messages that the server wrote within so long; what is left of one."""
    until = time.time() + seconds
    while time.time() < until:
        buffered += server.stdout.read() or b""
        while (end := whole(buffered)) > 0:
            for record in answer(buffered[:end]):
                os.write(server.stdin.fileno(), record)
                time.sleep(0.02)
            buffered = buffered[end:]
        time.sleep(0.01)
    return buffered


KAMAILIO = """
children=1
tcp_children=1
enable_tls=yes
auto_aliases=no
log_stderror=yes
server_header="Server: kamailio"
listen=udp:{own}:5060
listen=tls:{own}:5061
loadmodule "tls.so"
loadmodule "tm.so"
loadmodule "pv.so"
modparam("tls", "tls_method", "{method}")
modparam("tls", "certificate", "{folder}/{who}-chain.pem")
modparam("tls", "private_key", "{folder}/{who}.key")
modparam("tls", "ca_list", "{folder}/root.pem")
modparam("tls", "verify_certificate", 1)
modparam("tls", "require_certificate", 1)
request_route {{
    {relay};
}}
"""


def kamailio(name, method, folder):
    """SIPp calls SIPp over UDP through two Kamailio, which have TLS between them; each shows its certificate."""
    ends = [("callpath-sbc", "sbc", SBC, f't_relay_to_tls("{MICROSOFT}", "5061")'),
            ("callpath-ms", "service", MICROSOFT, f't_relay_to_udp("{MICROSOFT}", "5070")')]
    running = []
    for where, who, own, relay in ends:
        config = folder / f"{name}-{who}.cfg"
        config.write_text(KAMAILIO.format(own=own, method=method, folder=folder, who=who, relay=relay))
        run_dir = folder / f"{name}-{who}"
        run_dir.mkdir()
        secrets = {"SSLKEYLOGFILE": str(folder / f"{name}.keys"), "LD_PRELOAD": str(folder / "keylog-shim.so")} if who == "sbc" else {}
        log = (folder / f"{name}-{who}.log").open("wb")
        command = ("kamailio", "-DD", "-E", "-m", "16", "-M", "4", "-f", config, "-Y", run_dir, "-P", run_dir / "pid")
        running.append(inside(where, command, env=os.environ | secrets, stdin=subprocess.DEVNULL, stdout=None, stderr=log))
    time.sleep(2)
    sipp = lambda where, own, *more: inside(
        where, ("sipp", "-i", own, "-p", "5070", "-m", "1", "-nostdin", "-timeout", "15", *more), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, cwd=folder)
    answerer = sipp("callpath-ms", MICROSOFT, "-sn", "uas")
    time.sleep(0.5)
    caller = sipp("callpath-sbc", SBC, "-sn", "uac", "-d", "500", "-s", "+15557654321", "-cid_str", "%u-%p@198.51.100.4", f"{SBC}:5060")
    failed = False
    for end in (caller, answerer):
        try:
            failed |= end.wait(20) != 0
        except subprocess.TimeoutExpired:
            failed = True
            end.kill()
    time.sleep(0.5)
    for end in running:
        end.terminate()
        end.wait()
    if failed:
        sys.exit("\n".join([f"{name}: SIPp failed", *(log.read_text()[-2000:] for log in folder.glob("*.log"))]))


def record(name, folder, out, made):
    tap = inside("callpath-sbc", ("tcpdump", "-q", "-U", "--immediate-mode", "-i", "cp-sbc", "-w", out / f"{name}.pcap", "tcp"), stderr=subprocess.PIPE)
    tap.stderr.readline()
    try:
        made()
        time.sleep(0.3)
    finally:
        tap.terminate()
        tap.wait()
    lines = (folder / f"{name}.keys").read_text().splitlines(keepends=True)
    (out / f"{name}.keys").write_text("".join(line for line in lines if not line.startswith("#")))
    print(name, os.path.getsize(out / f"{name}.pcap"))


def main():
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "../tls"
    wanted = lambda name: name in (sys.argv[2:] or [name])
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        run("cc", "-shared", "-fPIC", "-o", folder / "keylog-shim.so", HERE / "keylog-shim.c", "-ldl", "-lssl")
        shutil.copytree(HERE / "rustls", folder / "rustls")
        run("cargo", "build", "--target-dir", folder / "target", cwd=folder / "rustls")
        tls.certificates(folder)
        tls.namespaces()
        for where in ("callpath-sbc", "callpath-ms"):
            run("ip", "-n", where, "link", "set", "lo", "up")
        for case in filter(lambda case: wanted(case[0]), cases(folder)):
            record(case[0], folder, out, lambda: talk(case, folder))
        for name, method in [("kamailio-tls12", "TLSv1.2"), ("kamailio-tls13", "TLSv1.2+")]:
            if wanted(name):
                record(name, folder, out, lambda: kamailio(name, method, folder))


if __name__ == "__main__":
    main()
