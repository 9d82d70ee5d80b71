# Two targets set up everything they need: `make demo` and `make test`.
# Go and Node.js are all that has to be there before.

GO      ?= go
BIN     := bin/autochrome
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

.PHONY: all build man completions install test soak demo bench bench-scale bench-index soak-prune fuzz lint race cross reference reproducible chroma clean

all: build

build: ## the autochrome binary in bin/
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-X main.version=$(VERSION)" -o $(BIN) ./cmd/autochrome

man: build ## the manual pages in bin/man/man1/
	$(BIN) man $(dir $(BIN))man/man1

completions: build ## for bash, zsh, fish and PowerShell in bin/completions/
	@mkdir -p $(dir $(BIN))completions
	$(BIN) completion bash >$(dir $(BIN))completions/autochrome.bash
	$(BIN) completion zsh >$(dir $(BIN))completions/_autochrome
	$(BIN) completion fish >$(dir $(BIN))completions/autochrome.fish
	$(BIN) completion powershell >$(dir $(BIN))completions/autochrome.ps1

# PREFIX is where it shall run, DESTDIR a folder that stands for / until then.
PREFIX ?= /usr/local
SHARE   = $(DESTDIR)$(PREFIX)/share
install: build man completions ## binary, manual pages and completions below PREFIX
	install -d $(DESTDIR)$(PREFIX)/bin $(SHARE)/man/man1 $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions $(SHARE)/fish/vendor_completions.d
	install -m 755 $(BIN) $(DESTDIR)$(PREFIX)/bin/autochrome
	install -m 644 $(dir $(BIN))man/man1/*.1 $(SHARE)/man/man1
	install -m 644 $(dir $(BIN))completions/autochrome.bash $(SHARE)/bash-completion/completions/autochrome
	install -m 644 $(dir $(BIN))completions/_autochrome $(SHARE)/zsh/site-functions/_autochrome
	install -m 644 $(dir $(BIN))completions/autochrome.fish $(SHARE)/fish/vendor_completions.d/autochrome.fish

chroma: ## real Chroma servers and other programs for tests and demo, in .cache/
	@scripts/chroma-install.sh >/dev/null
	@scripts/chroma-client.sh >/dev/null
	@scripts/other-readers.sh >/dev/null

# Compiled as the program is, so that all dependencies are compiled but once.
test: export CGO_ENABLED := 0
test: export GOFLAGS := $(shell $(GO) env GOFLAGS) -trimpath
test: chroma ## all tests, against real Chroma servers
	$(GO) vet ./...
	$(GO) test -count=1 -timeout 30m ./...
	@GO=$(GO) scripts/fuzz.sh 1000x plain

soak: chroma ## the random tests at length
	AUTOCHROME_TEST_STEPS=2000 AUTOCHROME_TEST_KILLS=50 $(GO) test -count=1 -timeout 60m -v -run '^(TestModel|TestKills)$$' ./restore
	AUTOCHROME_TEST_STEPS=10000 $(GO) test -count=1 -timeout 60m -v -run '^TestModel$$' ./snapshot
	AUTOCHROME_TEST_WRITES=200 AUTOCHROME_TEST_KILLS=50 $(GO) test -count=1 -timeout 60m -v -run '^(TestWriters|TestGuardKilled|TestChromaKilled)$$' ./guard

race: chroma ## the same under the race detector
	$(GO) test -count=1 -race ./...

demo: build ## a migration goes wrong and is rolled back, on a real Chroma
	@scripts/chroma-install.sh newest >/dev/null
	@scripts/demo/demo.sh

# DATASET=folder measures with the full dataset instead of the grown sample.
BENCH = AUTOCHROME_DATASET=$(if $(DATASET),$(abspath $(DATASET))) $(GO) test -run '^$$' -benchtime 1x -timeout 60m ./bench

bench: chroma ## the figures of docs/benchmarks.md
	$(BENCH) -bench .

bench-scale: ## the memory of a snapshot of five million records
	AUTOCHROME_BENCH_SCALE=5000000 $(BENCH) -bench '^BenchmarkMemory$$/^8$$'

bench-index: ## the memory of the index of ten million chunks
	AUTOCHROME_BENCH_CHUNKS=10000000 $(GO) test -run '^$$' -benchtime 1x -bench '^BenchmarkMemory$$' ./index

soak-prune: ## processes that write, delete and prune, stopped and killed; long
	AUTOCHROME_TEST_LONG=1 $(GO) test -count=1 -timeout 60m -run 'Stopped|Processes' ./repo

FUZZTIME ?= 30s
fuzz: ## every fuzz target for FUZZTIME; make test does so for a moment each
	@GO=$(GO) scripts/fuzz.sh $(FUZZTIME)

lint: ## needs golangci-lint and shellcheck
	golangci-lint run
	shellcheck .ci/run $$(git ls-files '*.sh' '*.bash')

cross: ## compiles for every platform that is released, as they are released
	@for t in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64; do \
	  CGO_ENABLED=0 GOOS=$${t%/*} GOARCH=$${t#*/} $(GO) build -trimpath -o /dev/null ./cmd/autochrome || { echo "$$t does not compile" >&2; exit 1; }; \
	done

reference: ## docs/reference.md, from what --help is made of
	AUTOCHROME_WRITE_REFERENCE=1 $(GO) test -count=1 -run '^TestReference$$' ./cmd/autochrome

reproducible: ## two builds in two folders are the same bytes
	$(GO) test -count=1 -v -run '^TestReproducible$$' ./internal/packaging

clean:
	rm -rf bin .cache
