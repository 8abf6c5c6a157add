#!/bin/sh
# Records SIPp calling SIPp, with RTP in both directions: sipp-udp.pcap and sipp-tcp.pcap.
#
#   captures/make/sipp.sh [FOLDER]      FOLDER is where the captures go; captures/ when left out
#
# Needs sipp, tcpdump, iproute2 and util-linux. Caller and answerer stand in two network namespaces of their own,
# joined by one Ethernet cable, so nothing reaches the machine's network and nothing is left behind. Making namespaces
# and recording on them needs root. Two calls of three seconds per capture; a minute at most in all.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

for tool in sipp tcpdump ip unshare timeout; do
    command -v "$tool" >/dev/null || { echo "sipp.sh: $tool is missing" >&2; exit 2; }
done

if [ "$(id -u)" != 0 ]; then
    echo "sipp.sh: needs root; run: sudo $0 $*" >&2
    exit 2
fi

# The first process of the new PID namespace is this script's second run; both signs must agree before /run is covered.
if [ "${CALLPATH_INSIDE:-}" != yes ] || [ $$ != 1 ]; then
    mkdir -p "${1:-$here/..}"
    out=$(cd "${1:-$here/..}" && pwd)
    # Ending the first process of a PID namespace ends all others, so no SIPp can outlive this line.
    CALLPATH_INSIDE=yes exec timeout 60 unshare --net --mount --pid --fork --kill-child --mount-proc "$0" "$out"
fi

out=$1
mount -t tmpfs none /run
scratch=/run/sipp
mkdir "$scratch"
cd "$scratch"

# Documentation addresses (RFC 5737) and documentation MACs (RFC 7042): what leaks from a recording names nobody.
ip netns add caller
ip netns add answerer
ip link add name caller0 address 00:00:5e:00:53:01 type veth peer name answerer0 address 00:00:5e:00:53:02
ip link set caller0 netns caller
ip link set answerer0 netns answerer
ip -n caller addr add 192.0.2.10/32 peer 198.51.100.20 dev caller0
ip -n answerer addr add 198.51.100.20/32 peer 192.0.2.10 dev answerer0
for side in caller answerer; do
    ip -n "$side" link set lo up
    ip -n "$side" link set "${side}0" up
done

# The digital milliwatt: 1 kHz at 0 dBm0 is these eight A-law octets over and over (ITU-T G.711 table 5). Four seconds.
i=0
while [ $i -lt 4000 ]; do
    printf '\064\041\041\064\264\241\241\264'
    i=$((i + 1))
done >tone.pcma

# record NAME TRANSPORT: two calls, one after the other, into NAME.
record() {
    ip netns exec caller tcpdump -Z root -i caller0 -s 0 -U -w - 'udp or tcp' >"$1" 2>tcpdump.log &
    tcpdump=$!
    ip netns exec answerer sipp -t "$2" -i 198.51.100.20 -p 5060 -mi 198.51.100.20 \
        -sf "$here/sipp-answerer.xml" -m 2 -nostdin -timeout 20 >answerer.log 2>&1 &
    answerer=$!
    sleep 1
    ip netns exec caller sipp -t "$2" -i 192.0.2.10 -p 5060 -mi 192.0.2.10 \
        -sf "$here/sipp-caller.xml" -m 2 -l 1 -cid_str '%u@192.0.2.10' -nostdin -timeout 20 198.51.100.20:5060 >caller.log 2>&1 \
        || { tail -n 30 caller.log >&2; exit 1; }
    wait "$answerer" || { tail -n 30 answerer.log >&2; exit 1; }
    sleep 1
    kill -INT "$tcpdump" || { cat tcpdump.log >&2; exit 1; }
    wait "$tcpdump" || true
}

for transport in udp tcp; do
    record "sipp-$transport.pcap" "$(echo $transport | cut -c1)1"
    cp "sipp-$transport.pcap" "$out/"
    echo "wrote $out/sipp-$transport.pcap"
done
