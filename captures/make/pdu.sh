#!/bin/sh
# Exports PDUs of captures that stand beside this one, as tshark 4.0.17 writes them: captures/make/pdu.sh [FOLDER]
# Layer 7 is what SIP was read from, layer 4 what UDP and TCP carried. Needs tshark; the bytes are the same each time.
set -eu

here=$(dirname "$0")/..
folder=${1:-$here/pdu}
mkdir -p "$folder"

# export_pdu NAME LAYER CAPTURE [OPTION...]; pcap names no machine.
export_pdu() {
    name=$1 layer=$2 capture=$3
    shift 3
    tshark -Q -r "$here/$capture" "$@" -F pcap -U "OSI layer $layer" -w "$folder/$name.pcap"
}

export_pdu sip-udp 7 sipp-udp.pcap
export_pdu sip-tcp 7 sipp-tcp.pcap
export_pdu sip-sctp 7 encap/sctp.pcap
export_pdu sip-tls12 7 tls/tls12-aes128-gcm.pcap -o "tls.keylog_file:$here/tls/tls12-aes128-gcm.keys"
export_pdu sip-tls13 7 tls/tls13-resumed.pcap -o "tls.keylog_file:$here/tls/tls13-resumed.keys"
export_pdu wire-udp 4 sipp-udp.pcap -c 60
export_pdu wire-tcp 4 sipp-tcp.pcap -c 60
export_pdu wire-tls12 4 tls/tls12-aes128-gcm.pcap
