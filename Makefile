# What people and CI run. "make" alone is "make check".
GO ?= go
LINT = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.PHONY: check build test lint demo bench fuzz golden

check: lint test demo

build:
	CGO_ENABLED=0 $(GO) build -trimpath -o dateline ./cmd/dateline

test:
	$(GO) test ./...

lint:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "run gofmt -w on these files"; exit 1; }
	$(GO) vet ./...
	$(GO) run $(LINT) run

demo:
	$(GO) run ./cmd/dateline demo --once

bench:
	$(GO) test -run='^$$' -bench=. -benchmem ./...

# Each fuzz target for half a minute.
fuzz:
	@for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    $(GO) test -run='^$$' -fuzz="^$$f$$" -fuzztime=30s $$pkg || exit 1; \
	  done; \
	done

# Golden files anew, after a change that is meant to alter them.
golden:
	$(GO) test ./publisher/news ./publisher/read ./feeds/render -update
