# The commands of the project. `make run` and `make test` set up what they need.

# A folder with full-size look-alikes of the City's files, where there is one: more tests run.
SHARED := $(wildcard ../shared/source-standin)
export CARGO_TERM_COLOR ?= always

# Seconds that each fuzz target is run for.
FUZZ_SECONDS ?= 600
FUZZ_TARGETS := zip csv_row repair date ward_fsa
CARGO_FUZZ := target/tools/bin/cargo-fuzz
# Without a sanitizer: there is no unsafe code to watch, and it needs no other toolchain than the one for all else.
FUZZ := RUSTC_BOOTSTRAP=1 PATH="$(CURDIR)/target/tools/bin:$$PATH" cargo fuzz
FUZZ_OPTIONS := --fuzz-dir tests/fuzz --target-dir target/fuzz --dev --sanitizer none

# The program, of the very build that the tests in Rust have made: without a test beside it, Cargo would leave out what
# only tests need of other crates, and compile nearly all of them again.
PROGRAM := cargo build --locked --bin toronto311 --test system

# Tests of the built program wait for it half of the time.
THREADS := --test-threads $(shell expr 2 \* `nproc`)

.PHONY: help run test assets lint unit api fuzz-api test-cloud browser screenshots lighthouse geography deploy-checks image-checks load \
	soak sigterm restore-drill deny sbom bench sim fuzz fuzz-short

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

run: assets ## Build and serve the map on port 8080
	cargo run --release --locked -- serve

test: assets lint unit api test-cloud browser geography deploy-checks image-checks load fuzz-short ## Everything that must pass

assets: static/node_modules/.package-lock.json ## The pinned front-end assets

%/node_modules/.package-lock.json: %/package-lock.json
	npm ci --prefix $* --ignore-scripts --no-audit --no-fund
	@touch $@

lint: assets ## Format, lints and documentation, warnings denied
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps

unit: assets ## Unit tests and the built program from outside
	@echo "full-size source beside the repository: $(if $(SHARED),$(SHARED): its tests run,none: its tests are ignored)"
	@command -v strace > /dev/null || { apt-get update -q && apt-get install -y -q strace; }
	cargo test --locked --lib --bins --test system -- $(THREADS) $(if $(SHARED),--include-ignored)

.PHONY: chromium java
chromium:
	@test -x "$${CHROMIUM:-/usr/bin/chromium}" || { apt-get update -q && apt-get install -y -q chromium fonts-dejavu-core; }

# What Spark and the checker of HTML run on.
java:
	@command -v java > /dev/null || { apt-get update -q && apt-get install -y -q openjdk-17-jre-headless; }

test-cloud: assets java target/cloud/venv-spark/.installed target/cloud/venv-bigquery/.installed ## Lake, warehouse and Spark of the cloud, on stand-ins
	cargo test --locked --test cloud -- $(THREADS) --include-ignored $(if $(SHARED),,--skip shared_) \
		$(if $(TORONTO311_TEST_LAKE),,--skip a_bucket_keeps)

target/cloud/venv-spark/.installed: tests/cloud/requirements-spark.txt
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --no-deps --requirement $<
	@touch $@

# local-bigquery needs Python 3.13, which need not be the one that comes first.
PYTHONS := python3.14 python3.13 python3 $$HOME/.pyenv/versions/3.1[3-9]*/bin/python3

# The extensions of its engine are in wheels, from which they are copied to where it looks for them.
target/cloud/venv-bigquery/.installed: tests/cloud/bigquery/requirements.txt
	@for python in $(PYTHONS); do \
		$$python -c 'import sys; sys.exit(sys.version_info < (3, 13))' 2> /dev/null && break; \
	done && $$python -m venv $(@D) || { echo "local-bigquery needs Python 3.13"; exit 1; }
	$(@D)/bin/pip install --quiet --no-deps --requirement $<
	mkdir -p target/cloud/home-bigquery
	HOME=$(CURDIR)/target/cloud/home-bigquery $(@D)/bin/python -c 'from duckdb_extensions import import_extension; \
		[import_extension(extension) for extension in ("icu", "ducklake", "spatial")]'
	@touch $@

api: assets target/api/venv/.installed ## The API against its description, 20,000 times, and the examples of its page
	$(PROGRAM)
	target/api/venv/bin/python tests/api/snippets.py
	target/api/venv/bin/python tests/api/fuzz.py --requests $${REQUESTS:-20000}

fuzz-api: ## The same 200,000 times
	$(MAKE) api REQUESTS=200000

target/api/venv/.installed: tests/api/requirements.txt
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --no-deps --requirement $<
	@touch $@

browser: assets java chromium tests/browser/node_modules/.package-lock.json ## The page in headless Chromium
	$(PROGRAM)
	node --test --test-reporter=spec tests/browser/*.test.mjs

screenshots: assets chromium tests/browser/node_modules/.package-lock.json ## Pictures of every page into target/screenshots, and those of the README
	$(PROGRAM)
	node tests/browser/screenshots.mjs

lighthouse: assets chromium tests/lighthouse/node_modules/.package-lock.json ## Scores of pages on a slow phone, of LAKE or the demo
	cargo build --release --locked
	node tests/lighthouse/lighthouse.mjs

geography: assets tests/geo/node_modules/.package-lock.json ## Boundaries against mapshaper and TopoJSON's own reader
	@echo "official boundaries beside the repository: $(if $(SHARED),mapshaper is compared,none: mapshaper is not compared)"
	$(PROGRAM)
	node --test --test-reporter=spec tests/geo/*.test.mjs

deploy-checks: target/terraform/provider-schema.json tests/terraform/node_modules/.package-lock.json ## Terraform and Dockerfile
	node --test --test-reporter=spec tests/terraform/*.test.mjs

load: assets ## 200 requests a second beside refreshes, and 2,000 slow clients: the short form of `make soak`
	@command -v slowhttptest > /dev/null || { apt-get update -q && apt-get install -y -q slowhttptest; }
	$(PROGRAM)
	node --test --test-concurrency=1 --test-reporter=spec tests/load/*.test.mjs

soak: assets ## The same for SOAK_SECONDS, two hours if not said, a refresh a minute
	$(PROGRAM)
	SOAK_SECONDS=$${SOAK_SECONDS:-7200} SOAK_REFRESH_SECONDS=60 node --test --test-reporter=spec tests/load/soak.test.mjs

sigterm: assets ## Told to stop under load, twenty times: no request is dropped
	ROUNDS=20 cargo test --locked --test system told_to_stop_under_load -- --nocapture

restore-drill: assets ## A lake that is emptied but for raw/ gives the same release again
	cargo test --locked --test system a_lake_with_nothing_but_the_files_as_they_came_is_built_again

# The program of this machine's debug profile, linked statically: what the Dockerfile's stage `build` leaves, but for the
# optimisation. Only the last step differs from what is built anyway.
image-checks: assets ## The image: built, started, asked, refreshed, stopped
	@command -v buildah > /dev/null || { apt-get update -q && apt-get install -y -q buildah; }
	cargo rustc --locked --example static -- -C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs
	mkdir -p target/image/build/image/lake target/image/build/image/tmp
	strip -o target/image/build/image/toronto311 target/debug/examples/static
	cp /etc/ssl/certs/ca-certificates.crt target/image/build/image/
	node --test --test-reporter=spec tests/image/*.test.mjs

target/terraform/provider-schema.json: tests/terraform/provider_schema.py target/terraform/venv/.installed
	target/terraform/venv/bin/python $< $@

target/terraform/venv/.installed: tests/terraform/requirements.txt
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet $(filter-out cdktn-%,$(shell cat $<))
	@# The bindings are read, not run: of what they need, nothing.
	$(@D)/bin/pip install --quiet --no-deps $(filter cdktn-%,$(shell cat $<))
	@touch $@

deny: target/tools/bin/cargo-deny ## Licences, sources and versions of all that the program is made of, by .deny.toml
	PATH="$(CURDIR)/target/tools/bin:$$PATH" cargo deny --locked check licenses bans sources

sbom: target/tools/bin/cargo-cyclonedx ## The list of it for others' tools (CycloneDX): target/toronto311.cdx.json
	PATH="$(CURDIR)/target/tools/bin:$$PATH" cargo cyclonedx --format json --target x86_64-unknown-linux-gnu
	mv toronto311.cdx.json target/

target/tools/bin/cargo-deny:
	cargo install cargo-deny --version 0.20.2 --locked --root target/tools

target/tools/bin/cargo-cyclonedx:
	cargo install cargo-cyclonedx --version 0.5.9 --locked --root target/tools

sim: assets ## Simulated failures of store, source, runners and clock: SIM_SEEDS courses
	SIM_SEEDS=$${SIM_SEEDS:-100000} cargo test --locked --release --test system simulation -- --nocapture

ALL_YEARS = $(or $(LAKE),target/bench/lakes/2010..2026)
bench: java chromium tests/browser/node_modules/.package-lock.json tests/lighthouse/node_modules/.package-lock.json
bench: assets target/bench/venv/.installed ## The batch and the server against what one would use instead, in one table
	@command -v wrk > /dev/null || { apt-get update -q && apt-get install -y -q wrk; }
	@# The package starts a server on port 80 where a system manager runs; it is only wanted as a program.
	@command -v nginx > /dev/null || { apt-get update -q && apt-get install -y -q nginx-light; }
	python3 tests/bench/batch.py > target/bench/batch.jsonl
	python3 tests/bench/serving.py $(LAKE) > target/bench/serving.jsonl
	python3 tests/bench/refresh.py > target/bench/refresh.jsonl
	python3 tests/bench/start.py > target/bench/start.jsonl
	@# On the lake of all years that was just started from; without the files for one, it becomes the demo.
	TORONTO311=target/dist/toronto311 LAKE=$(ALL_YEARS) node tests/browser/bench.mjs > target/bench/browser.jsonl
	TORONTO311=target/dist/toronto311 LAKE=$(ALL_YEARS) ROWS=1 node tests/lighthouse/lighthouse.mjs > target/bench/lighthouse.jsonl
	python3 tests/bench/views.py $(ALL_YEARS) > target/bench/views.jsonl
	python3 tests/bench/table.py target/bench/*.jsonl

target/bench/venv/.installed: tests/bench/requirements.txt
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --no-deps --requirement $<
	@touch $@

fuzz: $(CARGO_FUZZ) ## Search for input that breaks the data contract, FUZZ_SECONDS for each target
	$(FUZZ) build $(FUZZ_OPTIONS)
	@for target in $(FUZZ_TARGETS); do \
		mkdir -p tests/fuzz/corpus/$$target; \
		echo "fuzzing $$target for $(FUZZ_SECONDS) s"; \
		$(FUZZ) run $(FUZZ_OPTIONS) $$target tests/fuzz/corpus/$$target tests/fuzz/seeds/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -verbosity=0 -print_funcs=0 -print_final_stats=1 || exit 1; \
	done

fuzz-short: ## The same for fifteen seconds each
	$(MAKE) fuzz FUZZ_SECONDS=15

$(CARGO_FUZZ):
	cargo install cargo-fuzz --version 0.13.2 --locked --root target/tools
