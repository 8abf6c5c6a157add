#!/bin/sh
# Makes sure that callpath can be built here: cargo, a C compiler, and libpcap with its headers (feature `live`).
# Installs libpcap through the system's package manager if it is missing, and nothing else. Asks for no password: where root is
# needed and sudo wants one, it prints the command to run.
set -eu

say() { echo "setup: $*" >&2; }

have() { command -v "$1" >/dev/null 2>&1; }

# Whether a program that uses libpcap compiles and links: the one question that matters on every system.
have_libpcap() {
    echo '#include <pcap.h>
int main(void) { return pcap_lib_version() == 0; }' | cc -x c - -o /dev/null -lpcap >/dev/null 2>&1
}

# as_root COMMAND...: runs it as root, or tells the user to run `install`.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif have sudo && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        say "libpcap's headers are missing, and installing them needs root. Run this, then make again:"
        say "    sudo $install"
        exit 1
    fi
}

have cargo || { say "cargo is missing: install Rust from https://rustup.rs, then make again"; exit 1; }
have cc || { say "a C compiler is missing: install gcc or clang, then make again"; exit 1; }
have_libpcap && exit 0

if have apt-get; then
    install='apt-get install -y libpcap-dev'
    as_root apt-get update -qq
    as_root $install -qq
elif have dnf; then
    install='dnf install -y libpcap-devel'
    as_root $install -q
elif have apk; then
    install='apk add libpcap-dev'
    as_root $install -q
elif have brew; then
    brew install --quiet libpcap
fi

have_libpcap || {
    say "libpcap's headers are missing (libpcap-dev, libpcap-devel); install them with your package manager,"
    say "or build without capture filters: cargo build --no-default-features"
    exit 1
}
