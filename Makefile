# `make` lists what there is. Every target makes the environment that it needs.
.DEFAULT_GOAL := list
SHELL := /bin/bash

PORT ?= 8000
DATA ?= data
JOBS ?= 2
FACTOR ?= 1.0
PYTEST_ARGS ?=

run_environment := scripts/environment.sh run
dev_environment := scripts/environment.sh dev
pytest := .venv/bin/python -m pytest
bench := .venv/bin/python -m tests.bench

.PHONY: list
list: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## serve a sample catalogue on 127.0.0.1:8000; PORT=8080 and DATA=folder choose another place
	@$(run_environment)
	@.venv/bin/catalog sample --data '$(DATA)' --port '$(PORT)' --if-empty
	@exec .venv/bin/catalog serve --data '$(DATA)' --port '$(PORT)'

.PHONY: environment
environment: ## make .venv with everything that checks and tests need
	@$(dev_environment)

.PHONY: test
test: environment ## every test that needs no server; PYTEST_ARGS="-k word" chooses
	@$(pytest) -n $(JOBS) --dist worksteal -q -m "not service and not browser and not wheel" $(PYTEST_ARGS)

.PHONY: services
services: ## start the servers that tests need (PostgreSQL, Keycloak; Chromium and an OpenID provider at hand), installing what is missing
	@scripts/services/postgresql.sh start
	@scripts/services/keycloak.sh start
	@scripts/services/oidc.sh install
	@scripts/services/chromium.sh install
	@scripts/services/graphql.sh install

.PHONY: services-stop
services-stop: ## stop them
	@scripts/services/postgresql.sh stop
	@scripts/services/keycloak.sh stop

.PHONY: test-services
test-services: environment services ## the tests that need real servers or a browser
	@$(pytest) -q -m "service or browser" $(PYTEST_ARGS)

.PHONY: check
check: environment format-check lint types imports wheel ## format, lint, types, import rules, wheel

.PHONY: format
format: environment ## write the code in its one format
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix-only --quiet .

.PHONY: format-check
format-check: environment ## whether the code is in its one format
	@.venv/bin/ruff format --check .

.PHONY: lint
lint: environment ## ruff
	@.venv/bin/ruff check .

.PHONY: types
types: environment ## mypy, strictly
	@.venv/bin/mypy

.PHONY: imports
imports: environment ## which room may import which
	@.venv/bin/lint-imports

.PHONY: wheel
wheel: environment ## build the wheel and run what is in it, in an environment of its own
	@$(pytest) -q -m wheel tests/architecture $(PYTEST_ARGS)

.PHONY: coverage
coverage: environment ## the tests that need no server, and which lines they reach
	@$(pytest) -q -n $(JOBS) -m "not service and not browser and not wheel" --cov --cov-report=term-missing:skip-covered $(PYTEST_ARGS)

.PHONY: bench
bench: bench-gate bench-load bench-read bench-submit bench-sparql ## the quick measurements, a line each: name value unit

.PHONY: bench-data
bench-data: environment ## make the records that benches use, once, in .bench/
	@$(bench).data

.PHONY: bench-gate
bench-gate: bench-data ## records a second through the gate, and through its plain peers
	@$(bench).gate

.PHONY: bench-load
bench-load: bench-data ## records a second from a file until they are readable, and until graph and index have caught up
	@$(bench).load
	@$(bench).projected

.PHONY: bench-read
bench-read: bench-data ## requests a second by HTTP
	@$(bench).read

.PHONY: bench-submit
bench-submit: bench-data ## milliseconds from a submission by HTTP until search and SPARQL find it
	@$(bench).submit

.PHONY: bench-search
bench-search: environment ## milliseconds of searches and suggestions in a million documents; FACTOR=0.2 for fewer
	@$(bench).searching --factor $(FACTOR)

.PHONY: bench-sparql
bench-sparql: environment ## milliseconds of ten queries of rising weight, with 0, 1, 3 and 10 scopes
	@$(bench).sparql

.PHONY: bench-access
bench-access: environment ## lists, searches and nested reads by whoever may read in 50,000 or 500 of 100,000 scopes, against no filter
	@$(bench).access

.PHONY: bench-graphql
bench-graphql: environment ## GraphQL requests a second, beside PostGraphile and Strawberry on PostgreSQL, and by a reader with limits
	@$(bench).graphql

.PHONY: bench-lineage
bench-lineage: environment ## milliseconds of a lineage ten links deep, over a million links, on SQLite and on PostgreSQL
	@$(bench).lineage

.PHONY: bench-hub
bench-hub: environment ## a record that 100,000 others link to gets another title
	@$(bench).spreading hub

.PHONY: bench-close
bench-close: environment ## 100,000 public records become limited
	@$(bench).spreading close

.PHONY: bench-rebuild
bench-rebuild: environment ## records a second of building each projection anew, and of verifying it, at 200,000 records
	@$(bench).rebuilding 200k

.PHONY: bench-verify
bench-verify: bench-rebuild ## the same: both are measured on one catalogue

.PHONY: bench-access-timing
bench-access-timing: environment ## whether 1,000 hidden records can be told from what never was by the time of the answers
	@$(bench).access_timing

.PHONY: bench-large
bench-large: environment ## load, reads, rebuilding and verifying at up to 1 million records; takes long
	@$(bench).large
	@$(bench).rebuilding 1m

.PHONY: docs
docs: environment ## write the parts of docs/ that are made from the code
	@.venv/bin/python scripts/write_docs.py
	@.venv/bin/python -m scripts.write_sdl
	@.venv/bin/python -m scripts.write_client
	@.venv/bin/ruff format -q catalog/client/inputs.py

.PHONY: constraints
constraints: ## renew constraints.txt: the newest versions that pyproject.toml allows
	@scripts/constraints.sh

.PHONY: clean
clean: ## remove what was made here, but no data: environment, caches, builds
	@rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage* htmlcov
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
