# What is done to this repository, by name. `make` alone lists it.

MODULES  := $(patsubst %/go.mod,%,$(wildcard */go.mod */*/go.mod))
COMMANDS := $(wildcard services/*/cmd/*)
BUILD    := $(CURDIR)/build

# Tools are pinned and kept in build/tools; go.mod files know nothing of them.
GOLANGCI_VERSION := v2.15.0
GOLANGCI         := $(BUILD)/tools/golangci-lint-$(GOLANGCI_VERSION)

# A build depends on the sources alone, not on the state of the clone; git refuses to tell it to another user anyway.
export GOFLAGS := $(GOFLAGS) -buildvcs=false

# Where the race detector costs half of a test's time and has nothing of ours to find: compression, and what holds exchanges to openapi.yaml.
NO_RACE := $(foreach m,klauspost/compress santhosh-tekuri/jsonschema/v6 goccy/go-yaml,-gcflags=github.com/$(m)/...=-race=false)
# Packages that are tested at once: as many as the two cores that the tests are made for.
P ?= 2
# Where `make run` keeps its data. Empty: where slipway-standalone does by itself, ~/.local/share/slipway.
DATA ?=
# Further arguments of `make run`.
ARGS ?=
# How long `make chaos` kills and freezes for, and the seed that all choices follow from. Empty: one of chance.
DURATION ?= 5m
SEED ?=
# How many requests `make fuzz` sends; it takes SEED, too.
REQUESTS ?= 200000
# The part of `make bench` to run. Empty: all of it. Its figures are medians of so many rounds.
ONLY ?=
ROUNDS ?= 3
# Where the tools are kept that it compares Slipway with.
PEERS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/slipway/peers

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build every program into build/bin
	@mkdir -p $(BUILD)/bin
	CGO_ENABLED=0 go build -trimpath -o $(BUILD)/bin/ $(addprefix ./,$(COMMANDS))

.PHONY: demo
demo: build ## Watch Slipway deploy to five demo hosts; needs nothing, leaves nothing
	@$(BUILD)/bin/slipway-demo

.PHONY: run
run: build ## Run standalone to stay (DATA=directory, ARGS=further arguments)
	@$(BUILD)/bin/slipway-standalone $(if $(DATA),--data '$(DATA)') $(ARGS)

.PHONY: deps
deps: ## Install what the tests need (as root on Debian), or say what is missing
	@.ci/deps

.PHONY: test
test: deps ## Run all tests of all modules with the race detector; as root, since some mount file systems
	go test -race $(NO_RACE) -count=1 -timeout 40m -p $(P) work

.PHONY: test-unit
test-unit: ## Run the tests of libs/deploy, contract, config, lifecycle and seal: seconds, needs nothing
	go test -count=1 $(addprefix ./libs/,deploy contract config lifecycle seal)

.PHONY: chaos
chaos: deps ## Kill, freeze and restart all processes during 200 deployments, then judge (DURATION=5m, SEED=number)
	cd services/standalone/e2e && go test -v -count=1 -timeout 0 -run '^TestNothingIsLostDoubledOrBrokenInChaos$$' \
		-args -chaos.duration=$(DURATION) $(if $(SEED),-chaos.seed=$(SEED))

.PHONY: fuzz
fuzz: ## Send 200,000 malformed requests to a gateway (REQUESTS=number, SEED=number)
	cd services/gateway && go test -v -count=1 -timeout 0 -run '^TestMalformedRequests.*AndDoNoHarm$$' . \
		-args -malformed.requests=$(REQUESTS) $(if $(SEED),-malformed.seed=$(SEED))

.PHONY: lint
lint: $(GOLANGCI) ## Check style, boundaries and go.mod files
	go vet -tags bench work
	@set -e; for module in $(MODULES); do \
		echo "lint $$module"; \
		(cd $$module && GOWORK=off go mod tidy -diff && $(GOLANGCI) run ./...); \
	done

$(GOLANGCI):
	@mkdir -p $(@D)
	@echo "install golangci-lint $(GOLANGCI_VERSION); this takes some minutes, once"
	@GOBIN=$(@D) GOWORK=off go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv $(@D)/golangci-lint $@

.PHONY: vulncheck
vulncheck: ## Look for known vulnerabilities in what the programs call; needs vuln.go.dev, or GOVULNDB
	@.ci/vulncheck

.PHONY: states
states: ## Draw docs/states.md anew from the table of states
	go run ./libs/deploy/cmd/slipway-states

.PHONY: tables
tables: ## Draw the tables of docs/access.md and docs/errors.md anew from the code
	cd services/gateway && go test ./internal/api -run TestTheTablesOfTheDocs -write-docs

.PHONY: metrics
metrics: ## Draw the table of docs/observability.md anew from the metrics of the services
	cd services/standalone && go test . -run TestTheMetricsInTheDocs -write-docs

.PHONY: fmt
fmt: $(GOLANGCI) ## Format all Go files
	@set -e; for module in $(MODULES); do (cd $$module && $(GOLANGCI) fmt ./...); done

.PHONY: peers
peers: ## Install what the bench compares Slipway with (as root on Debian), or say what is missing
	@.ci/peers '$(PEERS)'

.PHONY: bench
bench: $(if $(filter-out ship%,$(ONLY)),,peers) ## Measure Slipway beside baselines (ONLY=name: a part) and write build/bench.jsonl
	@mkdir -p $(BUILD)/profiles
	@$(if $(ONLY),,rm -f $(BUILD)/bench.jsonl)
	cd services/standalone/bench && go test -tags bench -count=1 -timeout 60m -args -only='$(ONLY)' -rounds=$(ROUNDS) \
		-out=$(BUILD)/bench.jsonl -profiles=$(BUILD)/profiles -pyinfra='$(PEERS)/pyinfra/bin/pyinfra'
	cd services/history/bench && go test -tags bench -count=1 -timeout 60m -v -args -only='$(ONLY)' -out=$(BUILD)/bench.jsonl

.PHONY: tidy
tidy: ## Bring every go.mod up to date
	@set -e; for module in $(MODULES); do (cd $$module && GOWORK=off go mod tidy); done

.PHONY: clean
clean: ## Remove what was built
	rm -rf $(BUILD)
