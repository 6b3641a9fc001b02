# `make demo` and `make test` are all that a newcomer needs: they set up what they use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PROMTOOL3 := $(wildcard bin/promtool3)
NODE := tests/dashboards/node
# The rules are tested with Prometheus 3 as well, once `make linters` has built its promtool.
ifneq ($(PROMTOOL3),)
export PROMTOOL3 := $(abspath $(PROMTOOL3))
endif

.DEFAULT_GOAL := help
.PHONY: help demo test lint linters format docs dashboards bench soak fuzz \
	prometheus node browser importable dist chart notes lock lowest locked audit sbom clean

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "Python's venv module is needed (Debian: apt-get install python3-venv)" >&2; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(INSTALLED) ## Run the exporter against a simulated QuantConnect, with Prometheus if installed
	@$(BIN)/python -m prometheus.demo $(DEMO)

# Python may be told to keep no bytecode; then each of the processes would compile the exporter.
# GOGC lets Prometheus and promtool collect garbage less often, for a fifth less CPU.
test: export PYTHONDONTWRITEBYTECODE :=
test: export GOGC := 400
test: $(INSTALLED) prometheus node browser ## Run every test
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n auto --dist loadfile
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

prometheus: ## Install Debian's Prometheus and Alertmanager, where that is possible
	@prometheus/install-debian

node: ## Install the parts of Grafana that read the dashboards in the tests, where npm is installed
	@if ! command -v npm >/dev/null; then echo "Not installed: npm. Grafana's code reads no dashboard"; \
		else $(MAKE) --no-print-directory $(NODE)/node_modules/.installed || \
		echo "npm ci failed. Grafana's code reads no dashboard"; fi

$(NODE)/node_modules/.installed: $(NODE)/package-lock.json
	cd $(NODE) && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
	@touch $@

lint: $(INSTALLED) ## Check style, types, and that what is generated is up to date
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m exporter.sources.reference | diff -u docs/metrics.md -
	$(BIN)/python grafana/build.py --check
	$(BIN)/python -m tests.faults | diff -u docs/faults.md -

browser: ## Install Debian's Chromium, for the test of the landing page, where that is possible
	@for each in chromium google-chrome chromium-browser; do \
		if command -v $$each >/dev/null; then exit 0; fi; done; \
	if command -v apt-get >/dev/null && [ "$$(id -u)" -eq 0 ]; then \
		apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	else echo "Not installed: chromium. No browser looks at the landing page"; fi

OPERATOR := github.com/prometheus-operator/prometheus-operator
linters: ## Build promtool of Prometheus 3, helm and actionlint, where Go is installed
	cd prometheus/tools && go build -o ../../bin/promtool3 \
		github.com/prometheus/prometheus/cmd/promtool
	cd deploy/tools && go build -o ../../bin/ \
		helm.sh/helm/v3/cmd/helm github.com/rhysd/actionlint/cmd/actionlint
	cd deploy/tools && go mod download $(OPERATOR) && install -D -m 0644 -t ../../bin/crds \
		"$$(go list -m -f '{{.Dir}}' $(OPERATOR))"/example/prometheus-operator-crd/*.yaml

dist: ## Build wheel and sdist into dist/, and check them as an index and a user would
	deploy/distribution

chart: ## Check the Helm chart and package it into dist/charts (needs `make linters`)
	bin/helm lint --strict --kube-version=1.37 deploy/helm/quantconnect-exporter
	bin/helm package --destination=dist/charts deploy/helm/quantconnect-exporter

notes: ## Print a release's notes from CHANGELOG.md: make --silent notes TAG=v0.1.0
	$(PYTHON) deploy/notes.py "$(TAG)"

format: $(INSTALLED) ## Put the code into its usual form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(INSTALLED) ## Write docs/metrics.md and docs/faults.md again
	$(BIN)/python -m exporter.sources.reference > docs/metrics.md
	$(BIN)/python -m tests.faults > docs/faults.md

dashboards: $(INSTALLED) ## Write the dashboards again
	$(BIN)/python grafana/build.py

importable: $(INSTALLED) ## Write the dashboards into dist/dashboards, for grafana.com and "Import"
	$(BIN)/python -m grafana.importable

bench: $(INSTALLED) ## Measure; writes docs/performance.md
	$(BIN)/python -m benchmarks

soak: $(INSTALLED) ## Let it run for an hour under random faults
	$(BIN)/python -m tests.soak --minutes 60

fuzz: $(INSTALLED) ## Throw nonsense at every parser for an hour
	$(BIN)/python -m tests.fuzz --minutes 60

lock: ## Pin the newest versions for the image
	deploy/dependencies lock

lowest: ## Run the fast tests with the oldest dependencies allowed
	deploy/dependencies lowest

locked: ## Run the fast tests with exactly what is pinned
	deploy/dependencies locked

audit: ## Look for known vulnerabilities in what is pinned
	deploy/dependencies audit

sbom: ## Print a bill of materials of what is pinned
	deploy/dependencies sbom

clean: ## Remove what was made
	rm -rf $(VENV) $(NODE)/node_modules bin .demo .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

help: ## Say what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | \
		awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'
