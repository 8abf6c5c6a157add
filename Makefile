# What a fresh clone needs, in one word each. Cargo does the work; these targets set the machine up first.

TARGET := $(or $(CARGO_TARGET_DIR),target)
DEMO := captures/er-out-internet-back

.PHONY: help setup demo test fidelity bench bench-scaling bench-hostile bench-peers bench-parts test-net

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what the build lacks (libpcap's headers)
	@scripts/setup.sh

demo: setup ## build, and analyse a call that leaves over ExpressRoute and comes back over the Internet
	cargo build --release
	@echo '$$ callpath analyze $(DEMO).pcapng -t $(DEMO).toml'
	@# 1 says that rules were broken, which is what the demo is about.
	@$(TARGET)/release/callpath analyze $(DEMO).pcapng -t $(DEMO).toml || [ $$? -eq 1 ]

test: setup ## run every test; what was skipped for lack of something is listed last
	@mkdir -p $(TARGET) && rm -f $(TARGET)/skipped
	@cargo test; code=$$?; \
	if [ -s $(TARGET)/skipped ]; then echo; echo 'skipped:'; sort -u $(TARGET)/skipped | sed 's/^/  /'; fi; \
	exit $$code

fidelity: setup ## print how far callpath and tshark agree on the shared captures (needs ../shared/captures)
	@rm -f $(TARGET)/fidelity && cargo test --quiet --test oracle score >$(TARGET)/fidelity.log 2>&1 || { cat $(TARGET)/fidelity.log; exit 1; }
	@cat $(TARGET)/fidelity 2>/dev/null || echo 'skipped: no ../shared/captures'

bench: setup ## time whole runs beside tcpdump and peers, with the goals (benches/README.md)
	cargo bench --bench run

bench-scaling: setup ## time and memory of captures 1, 2, 4 and 10 times as long
	cargo bench --bench run -- --table scaling

bench-hostile: setup ## time and memory of attacks, and of twice as much of each
	cargo bench --bench run -- --table hostile

bench-peers: setup ## time tshark, sngrep and sipnab beside callpath
	cargo bench --bench peers

bench-parts: setup ## time the SIP scanner, typed values, SDP and the opening of TLS records alone
	cargo bench --bench scan --bench extract --bench tls

test-net: setup ## record SIPp against SIPp as root and analyse the recording (needs sipp, tcpdump, iproute2)
	cargo test --test net -- --ignored
