# Everything a developer or CI does here. Needs Go, git and make; what else it
# needs it builds, pinned, into .tools/.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

include tools.mk

# Build metadata of git is of no use here and fails in a checkout of another user.
# Without paths in what is built, all checkouts of a machine share the build cache.
export GOFLAGS := $(GOFLAGS) -buildvcs=false -trimpath

SCHEMA    := example/schema.yaml
# Where the demo keeps its shop: a file that is thrown away, or s3://… or mem://.
DEMO_URL  ?=
# Time that each fuzz target runs under `make fuzz`.
FUZZTIME  ?= 30s
# Schedules of `make sim`, and the first seed.
CASES     ?= 4000
SEED      ?= 1
# Benchmarks that `make bench` runs, and how often.
BENCH     ?= .
COUNT     ?= 1
# The packages of the modules that need a foreign SDK, beside those of this one.
MODFILES  := $(wildcard plugins/*/go.mod plugins/*/*/go.mod)
MODULES   := $(patsubst %/go.mod,./%/...,$(MODFILES))
# Packages with goroutines, tested once more under the race detector.
RACE      := ./runtime/... ./behaviors/... ./example/... ./internal/sim ./plugins ./plugins/audit ./plugins/cache ./plugins/costs ./plugins/metrics \
	./plugins/replicator ./plugins/replicator/sqs ./plugins/replicator/postgres ./plugins/replicator/s3db ./plugins/replicator/webhook ./plugins/replicator/command ./plugins/replicator/bigquery

# What tests that need servers see. CI leaves no server out; elsewhere the tests of a
# server that cannot be installed are skipped, and make says so.
SERVERS   := PATH="$(TOOLS):$$PATH" S3DB_TEST_SERVER=versitygw S3DB_TEST_REQUIRE_SERVERS=$(if $(CI),1)

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Generate the example and run it on a file (or on DEMO_URL=s3://…)
	go run ./cmd/s3dbgen generate -f $(SCHEMA)
	@if [ -n "$(DEMO_URL)" ]; then \
		go run ./example -db '$(DEMO_URL)'; \
	else \
		dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
		go run ./example -db "file://$$dir/shop.db"; \
	fi

.PHONY: test
test: $(VERSITYGW) servers ## Run all tests, on memory, file and real servers (versitygw, PostgreSQL, fauxqs)
	$(SERVERS) go test ./... $(MODULES)
	@if [ "$$(go env CGO_ENABLED)" = 1 ]; then set -x; \
		$(SERVERS) go test -race -skip '^TestKill$$' $(RACE); \
	else \
		echo "no C compiler: the race detector's run is left out"; [ -z "$${CI:-}" ]; \
	fi
	@cat $(TOOLS)/../left-out

.PHONY: servers
servers: ## Install what tests need beside Go's tools: PostgreSQL and fauxqs, by npm or apt
	@internal/testserver/install.sh $(TOOLS)/..

.PHONY: canary
canary: $(VERSITYGW) servers ## Search what all tests print and send to S3 for the secrets that they use
	$(SERVERS) S3DB_TEST_CANARY=1 \
		go test -v -short -count 1 ./... $(MODULES) 2>&1 | go run ./internal/canary/scan

.PHONY: test-minio
test-minio: $(MINIO) servers ## Run the tests that need a server on MinIO (its first build takes minutes)
	$(SERVERS) S3DB_TEST_SERVER=minio \
		go test $$(grep -rl --include='*_test.go' 's3dbgen/internal/testserver"' . | xargs -n1 dirname | sort -u)

.PHONY: lint
lint: $(GOLANGCI_LINT) ## Check form: linters (of generated code too), go.mod, generated files
	go mod tidy -diff
	@for module in $(MODFILES); do (set -x; cd "$$(dirname "$$module")" && go mod tidy -diff); done
	$(GOLANGCI_LINT) run --allow-parallel-runners ./... $(MODULES)
	GOLDEN_LINTER=$(GOLANGCI_LINT) go test ./gen -run '^TestGeneratedCodePassesLinters$$'
	go run ./cmd/s3dbgen generate --check -f $(SCHEMA)

.PHONY: generate
generate: ## Write example/generated and all golden files anew
	go run ./cmd/s3dbgen generate -f $(SCHEMA)
	go generate ./example/plugins
	go run ./cmd/s3dbgen docs -f $(SCHEMA)
	go test $$(grep -rl --include='*_test.go' 'flag.Bool("update"' . | xargs -n1 dirname | sort -u) -update

.PHONY: bench
bench: $(VERSITYGW) servers ## Run the benchmarks: BENCH=regexp COUNT=n
	PATH="$(TOOLS):$$PATH" S3DB_TEST_SERVER=versitygw go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) -timeout 2h ./... $(MODULES)

.PHONY: performance
performance: $(VERSITYGW) ## Measure what docs/performance.md tells, and write its plots and tables
	PATH="$(TOOLS):$$PATH" S3DB_TEST_SERVER=versitygw S3DB_TEST_REQUIRE_SERVERS=1 \
		go test -run '^$$' -bench '^Benchmark(Many|Growth)$$' -benchtime 1x -count $(COUNT) -timeout 2h -p 1 ./runtime ./runtime/s3store \
		| tee /dev/stderr | go run ./internal/performance docs/performance.md

.PHONY: trial
trial: ## Do what README and docs/start.md tell a new user, from empty caches, and write the times into it
	@go run ./internal/trial -write

.PHONY: recording
recording: ## Run the demo and draw the recording that README shows
	go test ./example -run '^TestTour$$' -update
	go run ./internal/recording 'make demo' example/testdata/output.txt docs/demo.svg

.PHONY: bench-peers
bench-peers: $(SQLC) $(OAPI_CODEGEN) ## Compare the generator with sqlc and oapi-codegen, and write the table into docs/performance.md
	PATH="$(TOOLS):$$PATH" go test -run '^$$' -bench '^BenchmarkPeers$$' -benchtime 3x -count $(COUNT) -timeout 1h ./cmd/s3dbgen \
		| tee /dev/stderr | go run ./internal/performance docs/performance.md generators

.PHONY: soak
soak: ## Stream 1,000,000 documents in constant memory (needs 4 GB)
	STREAM_DOCUMENTS=1000000 go test ./runtime -run '^TestStreamMemory$$' -count 1 -timeout 1h -v

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME
	@for dir in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
		for target in $$(grep -h '^func Fuzz' "$$dir"/*_test.go | sed 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/' | sort); do \
			echo "== $$dir $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$dir"; \
		done; \
	done

.PHONY: sim
sim: ## Simulate crashes, races, lost and late requests: CASES=n schedules from SEED=s on
	@SIM=1 SIM_CASES=$(CASES) SIM_SEED=$(SEED) go test ./internal/sim -run '^TestSim$$' -count 1 -timeout 24h -v 2>&1 \
		| awk '/^sim: / { last = $$0; next } /^(===|PASS|ok)/ { next } { print; fflush() } END { print last }'

.PHONY: mutants
mutants: ## Switch off each safeguard of the write protocol; the tests must notice
	@go run ./internal/mutants

.PHONY: tools
tools: $(GOLANGCI_LINT) $(VERSITYGW) $(MINIO) ## Build the pinned tools into .tools/bin

.PHONY: clean
clean: ## Remove what the targets made, .tools included
	rm -rf .tools dist
