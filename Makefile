# gourdian: `make` prints what there is. The two that matter: make demo, make test.
SHELL := /bin/bash
.DEFAULT_GOAL := help

GO_TAGS     := nomsgpack
CAMERA_TAGS := nomsgpack,gocv_specific_modules,gocv_videoio
TEST_TAGS   := nomsgpack,gocv_specific_modules,gocv_videoio,workers
VERSION     := $(shell git describe --always --dirty --tags 2>/dev/null || echo unknown)
# Of the commit, not of the build: the same source gives the same program.
BUILT       := $(shell TZ=UTC0 git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null)
LDFLAGS     := -s -w -X main.version=$(VERSION) -X main.built=$(BUILT)

help: ## print this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  make demo ONCE=1      goes through the demo once and exits by its result"
	@echo "  make demo PHOTOS=DIR  your photos: a folder per class trains its own model first"
	@echo "  make demo VIDEO=FILE  your video"

setup: ## install what build and demo need (into .cache/)
	@scripts/setup.sh run

build: setup ## build all programs into bin/
	@scripts/build.sh "$(GO_TAGS)" "$(CAMERA_TAGS)" "$(LDFLAGS)"

demo: build ## a hub and three boards: train, look, label, cut a network, see every record arrive
	@bin/gourdianctl demo $(if $(filter-out 0,$(ONCE)),--once) $${PHOTOS:+--photos "$$PHOTOS"} $${VIDEO:+--video "$$VIDEO"}

arm64: ## install what building for arm64 needs, build all programs into dist/arm64/
	@scripts/setup.sh arm64
	@cross/build.sh arm64

packages: ## Debian packages into dist/: for this processor, and for arm64 once `make arm64` was run
	@scripts/setup.sh packages
	@cross/package/build.sh amd64 arm64

test-packages: ## install the amd64 packages into a clean Debian, use them, upgrade, remove (as root)
	@scripts/setup.sh test-packages
	@cross/package/test.sh "$(GO_TAGS)"

flags: # tags of Go programs, tags of the camera worker, linker flags: for scripts
	@printf '%s\n' '$(GO_TAGS)' '$(CAMERA_TAGS)' '$(LDFLAGS)'

test: ## install what the tests need, build, run all tests
	@scripts/setup.sh test
	@$(MAKE) --no-print-directory build
	@scripts/test.sh "$(TEST_TAGS)"

test-arm64: ## the arm64 programs under emulation, beside those of this machine
	@$(MAKE) --no-print-directory arm64
	@$(MAKE) --no-print-directory build
	@cross/arm64/test.sh "$(TEST_TAGS)"

test-pure: ## the tests that need no OpenCV, ONNX Runtime or browser
	CGO_ENABLED=0 go test -tags $(GO_TAGS) ./...

bench: build ## speed, as ratios side by side in one run
	@scripts/bench.sh

photos: build ## what training reaches on real photos: make photos DATA=DIR
	@go run ./scripts/photos --data '$(DATA)'

faults: build ## the fault loops with their full counts (minutes to hours)
	GOURDIAN_FAULT_ROUNDS=200 go test -tags $(TEST_TAGS) -count=1 -timeout 2h -run 'Kill|Fault|Power|DiskFull' ./agent/... ./internal/worker/ ./internal/e2e/

soak: build ## two boards watched for MINUTES=30, on photos and a video: does anything grow? (PHOTOS=DIR VIDEO=FILE)
	@MINUTES='$(or $(MINUTES),30)' PHOTOS='$(PHOTOS)' VIDEO='$(VIDEO)' scripts/soak.sh

pictures: ## screenshots of every page into .cache/screenshots/
	@scripts/setup.sh test
	@$(MAKE) --no-print-directory build
	@scripts/browser/run.sh

clean: ## remove what was built; downloads stay
	rm -rf bin dist

.PHONY: help setup build arm64 packages test-packages flags demo test test-arm64 test-pure bench photos faults soak pictures clean
