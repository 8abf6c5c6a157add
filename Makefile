# What a fresh clone needs, in one word each. Cargo does the work; these targets set the machine up first.

TARGET := $(or $(CARGO_TARGET_DIR),target)
DEMO := captures/er-out-internet-back

.PHONY: help setup demo test fidelity bench test-net

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

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

bench: setup ## time whole runs beside tcpdump and tshark (benches/README.md)
	cargo bench --bench run

test-net: setup ## record SIPp against SIPp as root and analyse the recording (needs sipp, tcpdump, iproute2)
	cargo test --test net -- --ignored
