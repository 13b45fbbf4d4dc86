# The commands of this repository. `make help` lists them; `make check` is the one judge that CI asks too.

.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c

GO ?= go
BINARY := bin/gatehouse
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# Tools that are no part of the module live outside the tree, so that a clean checkout finds them again.
TOOLS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gatehouse/bin
GOLANGCI_VERSION := v2.15.0
GOLANGCI := $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION)
CADDY_VERSION := v2.11.9
CADDY := $(TOOLS)/caddy-$(CADDY_VERSION)
TRAEFIK_VERSION := v3.6.12
TRAEFIK := $(TOOLS)/traefik-$(TRAEFIK_VERSION)
CLIENT = $(GO) run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 -generate types,client -package client
OWN_GO = git ls-files '*.go' ':!*_templ.go'
# How long one test package may take before it is stopped with the stacks of all its goroutines.
TEST_TIMEOUT ?= 60m

export CGO_ENABLED = 0

.PHONY: help
help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: build
build: ## build the one static binary, bin/gatehouse
	$(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o $(BINARY) ./cmd/gatehouse

.PHONY: run
run: build ## serve http://127.0.0.1:8080 with SQLite under data/
	./$(BINARY) serve

.PHONY: demo
demo: build ## serve a believable company from a fresh database under data/demo/
	./$(BINARY) demo

# Which packages are tested.
PACKAGES ?= ./...

.PHONY: test
test: ## run every test there is
	$(GO) test -timeout $(TEST_TIMEOUT) $(PACKAGES)

# A quarter of an hour on two cores, and a step of its own in CI. What was done and lost is printed; FAULTS chooses tests by name, KILLS says how often the program is killed on each database (0: 12), and
# MUTATIONS how many spoiled questions are sent to the edge over each of its two HTTP servers.
FAULTS ?= .
KILLS ?= 0
MUTATIONS ?= 50000
FAULTS_TIMEOUT ?= 25m

.PHONY: faults
faults: ## do to the program what happens to programs, at length, and print what it lost
	$(GO) test ./internal/faults -count=1 -v -timeout $(FAULTS_TIMEOUT) -run '$(FAULTS)' -args -faults -rounds $(KILLS)
	[ '$(FAULTS)' != . ] || $(GO) test ./handlers/edge -count=1 -v -timeout $(FAULTS_TIMEOUT) -run TestMutatedRequests -args -edge.mutations $(MUTATIONS)

# CI runs Debian's nginx, Caddy and HAProxy with make check. Here are the newest Caddy and Traefik besides: building them takes minutes, once.
.PHONY: gateways
gateways: $(CADDY)/caddy $(TRAEFIK)/traefik ## run the gateways' files with every program that there is, built where no package has it
	PATH=$(CADDY):$(TRAEFIK):$$PATH $(GO) test ./handlers/edge ./internal/gatewayfile -run 'Behind|EnvoyFile|Files' -count=1

$(CADDY)/caddy:
	GOBIN=$(CADDY) $(GO) install github.com/caddyserver/caddy/v2/cmd/caddy@$(CADDY_VERSION)

# Its module replaces others, so it can't be installed by its name alone.
$(TRAEFIK)/traefik:
	mkdir -p $(TRAEFIK)
	cd "$$(cd $(TRAEFIK) && $(GO) mod download -json github.com/traefik/traefik/v3@$(TRAEFIK_VERSION) | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')" && \
		$(GO) build -trimpath -ldflags "-s -w -X github.com/traefik/traefik/v3/pkg/version.Version=$(TRAEFIK_VERSION)" -o $@ ./cmd/traefik

.PHONY: bench
bench: build ## print the ratios that are measured against fixed programs
	$(GO) run ./cmd/bench

.PHONY: shots
shots: build ## take screenshots of every page over the demo company into shots/
	$(GO) run ./internal/tools/shots

.PHONY: generate
generate: ## write the Go code of all templates, and the client from the API's document
	@# By area, as one who works on one area does: the names of files in the generated code depend on it.
	@for area in views/*/; do $(GO) tool templ generate -path "$$area"; done
	$(CLIENT) -o client/client.gen.go internal/openapi/portal.yaml

.PHONY: fmt
fmt: $(GOLANGCI) ## format all Go code and templates
	$(GOLANGCI) fmt
	$(GO) tool templ fmt views

.PHONY: check
check: check-tidy check-format check-generated check-vet lint test ## run all that CI runs

.PHONY: check-tidy
check-tidy:
	@echo "== go.mod is tidy"
	$(GO) mod tidy -diff

.PHONY: check-format
check-format:
	@echo "== code is formatted"
	@unformatted=$$($(OWN_GO) | xargs -r gofmt -l); \
	if [ -n "$$unformatted" ]; then echo "not formatted, run make fmt:"; echo "$$unformatted"; exit 1; fi

# gofumpt, which asks for more, is one of the linters.

# Generates into a copy and compares, so that a check never changes the tree.
.PHONY: check-generated
check-generated:
	@echo "== generated code is in step"
	@copy=$$(mktemp -d); trap 'rm -rf "$$copy"' EXIT; \
	cp -a views "$$copy/views"; cp go.mod go.sum "$$copy"; \
	find "$$copy/views" -name '*_templ.go' -delete; \
	for area in "$$copy"/views/*/; do $(GO) tool templ generate -path "$$area" >/dev/null; done; \
	diff -rq views "$$copy/views" || { echo "templates and their Go code differ: run make generate"; exit 1; }; \
	$(CLIENT) -o "$$copy/client.gen.go" internal/openapi/portal.yaml; \
	diff -q client/client.gen.go "$$copy/client.gen.go" || { echo "the client and the API's document differ: run make generate"; exit 1; }

.PHONY: check-vet
check-vet:
	@echo "== go vet"
	$(GO) vet ./...

.PHONY: lint
lint: $(GOLANGCI) ## run the linters
	@echo "== golangci-lint"
	$(GOLANGCI) run ./...

# Takes some minutes, once. GOBIN and a name with the version keep an older one from being taken for it.
$(GOLANGCI):
	@echo "== building golangci-lint $(GOLANGCI_VERSION) into $(TOOLS), once"
	@mkdir -p $(TOOLS)
	@bin=$$(mktemp -d); trap 'rm -rf "$$bin"' EXIT; \
	GOBIN=$$bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION); \
	mv "$$bin/golangci-lint" $(GOLANGCI)
