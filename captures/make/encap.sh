#!/bin/sh
# Records a call of SIPp inside each encapsulation that the kernel, Open vSwitch or sngrep can make: those captures of ../encap
# that wrap.py does not.
#
#   captures/make/encap.sh [FOLDER]      FOLDER is where the captures go; captures/encap/ when left out
#
# Needs sipp, sngrep, tcpdump, iproute2, ethtool, util-linux and Open vSwitch; /dev/net/tun, and VXLAN in the kernel. Caller,
# answerer and collector stand in three network namespaces, joined by a switch in a fourth: nothing reaches the machine's network and
# nothing is left behind. Making namespaces and recording on them needs root. Two minutes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

for tool in sipp sngrep tcpdump ip ethtool unshare timeout ovs-vswitchd ovsdb-server ovs-vsctl ovs-ofctl; do
    command -v "$tool" >/dev/null || { echo "encap.sh: $tool is missing" >&2; exit 2; }
done

if [ "$(id -u)" != 0 ]; then
    echo "encap.sh: needs root; run: sudo $0 $*" >&2
    exit 2
fi

# The first process of the new PID namespace is this script's second run; both signs must agree before /run is covered.
if [ "${CALLPATH_INSIDE:-}" != yes ] || [ $$ != 1 ]; then
    mkdir -p "${1:-$here/../encap}"
    out=$(cd "${1:-$here/../encap}" && pwd)
    # Ending the first process of a PID namespace ends all others, so nothing can outlive this line.
    CALLPATH_INSIDE=yes exec timeout 300 unshare --net --mount --pid --fork --kill-child --mount-proc "$0" "$out"
fi

out=$1
mount -t tmpfs none /run
scratch=/run/encap
mkdir "$scratch"
cd "$scratch"

# The switch: a data path in user space with the caller on port 1, the answerer on 2 and, under the tunnels, a bridge of its own to
# the collector. Documentation addresses and MACs throughout (RFC 5737, RFC 3849, RFC 7042).
export OVS_RUNDIR=$scratch OVS_LOGDIR=$scratch OVS_DBDIR=$scratch
ovsdb-tool create conf.db /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server conf.db --remote=punix:db.sock --detach --pidfile --log-file 2>/dev/null
ovs-vsctl --db=unix:$scratch/db.sock --no-wait init
ovs-vswitchd unix:$scratch/db.sock --detach --pidfile --log-file 2>/dev/null
vsctl() { ovs-vsctl --db=unix:$scratch/db.sock "$@"; }
ofctl() { ovs-ofctl -O OpenFlow13 "$@"; }

# cable NAMESPACE NAME MAC: an Ethernet cable from the switch to a namespace.
cable() {
    ip netns add "$1"
    ip link add name "$2" type veth peer name "$1" address "$3"
    ip link set "$1" netns "$1"
    ip link set "$2" up
    ip -n "$1" link set lo up
    ip -n "$1" link set "$1" up
    ip netns exec "$1" ethtool -K "$1" tx off >/dev/null
    ip netns exec "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf."$1".accept_dad=0
}
cable caller port1 00:00:5e:00:53:01
cable answerer port2 00:00:5e:00:53:02
cable collector port3 00:00:5e:00:53:03
ip -n caller addr add 192.0.2.10/32 peer 198.51.100.20 dev caller
ip -n answerer addr add 198.51.100.20/32 peer 192.0.2.10 dev answerer
ip -n caller addr add 2001:db8:1::10/128 peer 2001:db8:2::20 dev caller nodad
ip -n answerer addr add 2001:db8:2::20/128 peer 2001:db8:1::10 dev answerer nodad
ip -n collector addr add 203.0.113.9/25 dev collector
ip -n collector addr add 2001:db8:3::9/64 dev collector nodad
vsctl add-br under -- set bridge under datapath_type=netdev other-config:hwaddr=00:00:5e:00:53:04 -- add-port under port3
vsctl add-br call -- set bridge call datapath_type=netdev \
    -- add-port call port1 -- set interface port1 ofport_request=1 -- add-port call port2 -- set interface port2 ofport_request=2
ip addr add 203.0.113.1/25 dev under
ip addr add 2001:db8:3::1/64 dev under nodad
ip link set under up
ovs-appctl -t ovs-vswitchd tnl/arp/set under 203.0.113.9 00:00:5e:00:53:03 >/dev/null
ovs-appctl -t ovs-vswitchd tnl/arp/set under 2001:db8:3::9 00:00:5e:00:53:03 >/dev/null

# Two seconds of the digital milliwatt (ITU-T G.711 table 5), and a call that is over after one.
i=0
while [ $i -lt 2000 ]; do
    printf '\064\041\041\064\264\241\241\264'
    i=$((i + 1))
done >tone.pcma
sed 's/milliseconds="3000"/milliseconds="1000"/' "$here/sipp-caller.xml" >caller.xml
sed 's/milliseconds="500"/milliseconds="100"/' "$here/sipp-answerer.xml" >answerer.xml
# An offer larger than any one frame's share of a tunnel: candidates until the INVITE has 1 460 bytes or a little more.
awk '{ print } /^a=sendrecv/ { for (i = 1; i <= 16; i++) printf "a=candidate:%d 1 UDP %d 192.0.2.10 %d typ host\n", i, 2130706431 - i, 30000 + 2 * i }' \
    caller.xml >caller-large.xml

# call [SCENARIO [CALLER ANSWERER]]: one call between the two.
call() {
    scenario=${1:-caller.xml} from=${2:-192.0.2.10} to=${3:-198.51.100.20}
    ip netns exec answerer sipp -t u1 -i "$to" -p 5060 -mi "$to" -sf answerer.xml -m 1 -nostdin -timeout 20 >answerer.log 2>&1 &
    answerer=$!
    sleep 1
    case $to in *:*) remote="[$to]:5060" ;; *) remote=$to:5060 ;; esac
    ip netns exec caller sipp -t u1 -i "$from" -p 5060 -mi "$from" -sf "$scenario" -m 1 -cid_str '%u@caller.example' -nostdin -timeout 20 "$remote" \
        >caller.log 2>&1 || { tail -n 30 caller.log >&2; exit 1; }
    wait "$answerer" || { tail -n 30 answerer.log >&2; exit 1; }
    sleep 1
}

# listen NAMESPACE NAME FILTER...: starts recording what the namespace's interface carries.
listen() {
    namespace=$1 name=$2
    shift 2
    ip netns exec "$namespace" tcpdump -Z root -i "$namespace" -s 0 -U -w "$name.pcap" "$@" 2>tcpdump.log &
    tcpdump=$!
    sleep 1
}

# heard: ends the recording.
heard() {
    kill -INT "$tcpdump" || { cat tcpdump.log >&2; exit 1; }
    wait "$tcpdump" || true
    cp "$name.pcap" "$out/"
    echo "wrote $out/$name.pcap"
}

# switched ACTIONS: what the switch does with UDP besides delivering it.
switched() {
    printf '%s\n' "udp,in_port=1,actions=output:2$1" "udp,in_port=2,actions=output:1$1" \
        "udp6,in_port=1,actions=output:2$1" "udp6,in_port=2,actions=output:1$1" \
        "priority=1,in_port=1,actions=output:2" "priority=1,in_port=2,actions=output:1" >flows
    ofctl del-flows "unix:$scratch/call.mgmt"
    ofctl add-flows "unix:$scratch/call.mgmt" flows
}

# mirror NAME ACTIONS PORT-SETTINGS...: a call, and a copy of it to the collector through a tunnel on port 3.
mirror() {
    name=$1 actions=$2
    shift 2
    vsctl add-port call mirror -- set interface mirror ofport_request=3 "$@"
    switched ",$actions"
    listen collector "$name" -Q in "$only"
    call
    heard
    vsctl del-port call mirror
}
far='options:remote_ip=203.0.113.9'
# What the collector's kernel and the switch say to each other is no part of a mirror.
only='not arp and not icmp and not icmp6 and not (ip6 and ip6[6] = 0)'

mirror gre-ip output:3 type=gre options:packet_type=legacy_l3 $far options:key=7 options:seq=true options:csum=true
mirror gre-teb output:3 type=gre $far
mirror gre-over-ipv6 output:3 type=gre options:remote_ip=2001:db8:3::9 options:local_ip=2001:db8:3::1 options:key=77
mirror erspan-2 output:3 type=erspan $far options:key=100 options:erspan_ver=1 options:erspan_idx=5
mirror erspan-3 output:3 type=erspan $far options:key=300 options:erspan_ver=2 options:erspan_dir=1 options:erspan_hwid=4
mirror gtp-u output:3 type=gtpu options:packet_type=legacy_l3 $far options:key=4660
ofctl add-tlv-map "unix:$scratch/call.mgmt" '{class=0x0102,type=0x80,len=4}->tun_metadata0,{class=0x0103,type=1,len=8}->tun_metadata1'
mirror geneve 'set_field:0x11223344->tun_metadata0,set_field:0x0102030405060708->tun_metadata1,output:3' type=geneve $far options:key=6001

# A tunnel in a tunnel: what the bridge under the call sends goes on through VXLAN, on a bridge of its own.
vsctl del-port under port3 -- add-br deep -- set bridge deep datapath_type=netdev other-config:hwaddr=00:00:5e:00:53:05 -- add-port deep port3 \
    -- add-port under across -- set interface across type=vxlan options:remote_ip=203.0.113.209 options:key=99
ip addr add 203.0.113.201/25 dev deep
ip link set deep up
ovs-appctl -t ovs-vswitchd tnl/arp/set deep 203.0.113.209 00:00:5e:00:53:03 >/dev/null
mirror gre-in-vxlan output:3 type=gre $far options:key=8

# Tags and labels need no tunnel: port 3 is the collector's cable itself.
vsctl del-br deep -- add-port call port3 -- set interface port3 ofport_request=3
# tagged NAME ACTIONS
tagged() {
    switched ",$2"
    listen collector "$1" -Q in "$only"
    call
    heard
}
tagged qinq 'push_vlan:0x8100,set_field:4196->vlan_vid,push_vlan:0x88a8,set_field:4596->vlan_vid,output:3'
tagged mpls 'push_mpls:0x8847,set_field:1001->mpls_label,push_mpls:0x8847,set_field:2002->mpls_label,output:3'

# HEP: sngrep beside the caller sends what it hears of SIP to the collector; the media go past in clear.
switched ''
ofctl add-flow "unix:$scratch/call.mgmt" 'priority=40000,in_port=1,dl_dst=00:00:5e:00:53:03,actions=output:3'
ip -n caller route add 203.0.113.9 dev caller
ip -n caller neigh add 203.0.113.9 lladdr 00:00:5e:00:53:03 dev caller nud permanent
# hep VERSION NAME [SCENARIO CALLER ANSWERER]
hep() {
    printf 'set eep.send on\nset eep.send.version %s\nset eep.send.id 2001\nset eep.send.pass callpath\n' "$1" >sngreprc
    name=$2
    shift 2
    listen caller "$name" 'udp and not port 5060'
    ip netns exec caller sngrep -f sngreprc -N -q -d caller -H udp:203.0.113.9:9060 udp port 5060 >sngrep.log 2>&1 </dev/null &
    sngrep=$!
    sleep 1
    call "$@"
    # It hands on what it heard when its buffer is read again.
    sleep 3
    heard
    kill "$sngrep"
    wait "$sngrep" || true
}
hep 2 hep-2
hep 3 hep-3
hep 3 hep-3-ipv6 caller.xml 2001:db8:1::10 2001:db8:2::20

# VXLAN by the kernel: the call's own cable becomes the underlay.
for side in caller answerer; do
    ip -n $side addr flush dev $side
done
ip -n caller addr add 203.0.113.10/24 dev caller
ip -n answerer addr add 203.0.113.20/24 dev answerer
# overlay PORT: the two in one VXLAN, with an MTU that leaves its headers no room in the underlay's.
overlay() {
    ip -n caller link add over address 00:00:5e:00:53:11 mtu 1500 type vxlan id 4242 remote 203.0.113.20 dstport "$1" dev caller
    ip -n answerer link add over address 00:00:5e:00:53:12 mtu 1500 type vxlan id 4242 remote 203.0.113.10 dstport "$1" dev answerer
    ip -n caller addr add 192.0.2.10/32 peer 198.51.100.20 dev over
    ip -n answerer addr add 198.51.100.20/32 peer 192.0.2.10 dev over
    for side in caller answerer; do
        ip netns exec $side ethtool -K over tx off >/dev/null
        ip -n $side link set over up
    done
    sleep 1
}
# vxlan NAME PORT SCENARIO
vxlan() {
    overlay "$2"
    listen caller "$1" "ip and not icmp"
    call "$3"
    heard
    for side in caller answerer; do ip -n $side link del over; done
}
vxlan vxlan-4789 4789 caller.xml
vxlan vxlan-8472 8472 caller.xml
vxlan vxlan-fragments 4789 caller-large.xml
