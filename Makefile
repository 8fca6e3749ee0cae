# Everything runs from here; `make` lists the targets. Needs python3 (3.11 or newer) and make.

SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A made-up production environment, for checks that only read the settings.
CHECK_ENV := ENVIRONMENT=production SECRET_KEY=check-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ \
	ENCRYPTION_KEYS=check:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \
	DATABASE_URL=postgresql://app:unused@localhost/unused REDIS_URL=redis://localhost/0 \
	PUBLIC_URL=https://strongroom.example ALLOWED_HOSTS=strongroom.example \
	TRUSTED_PROXY_COUNT=1 MAIL_TRANSPORT=smtp SMTP_URL=smtp://mail.strongroom.example
WORKERS ?= 2
SECONDS ?= 60
STEPS ?= 200000
# By the names of tests, files and folders, so that an attack written tomorrow is one of them.
ATTACKS := test_attack or hostile or fuzz or role_matrix or _races or guessing or tampering or \
	access_tokens or browser_sessions or outbound or test_trail
INSTANTS ?= 10

# Containers often forbid Python to keep what it compiled: then each of the suite's many hundred
# processes would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test check demo docs release-api role-matrix chaos soak bench bench-peers bench-check load pentest format fuzz clean

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/installed ## Make the virtual environment with what the service needs.

setup-dev: $(VENV)/installed-dev ## The same, with the tools for tests and checks.

$(VENV)/python-ok:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "strongroom: Python 3.11 or newer is needed; name it with PYTHON=/path/to/python3." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "strongroom: python3 cannot make a virtual environment; install its venv module (Debian: python3-venv)." >&2; exit 1; }
	@touch $@

$(VENV)/installed: $(VENV)/python-ok requirements.txt requirements-embedded.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes \
		-r requirements.txt -r requirements-embedded.txt
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes \
		-r requirements-dev.txt
	@touch $@

run: setup ## Start everything on this machine: PORT, DATABASE_URL and REDIS_URL are respected.
	@exec $(BIN)/python -m config.local run

demo: setup ## Load 28,205 real bank transactions and compare every balance with the bank's.
	@exec $(BIN)/python -m config.local exec -- $(BIN)/python manage.py demo_load

test: setup-dev ## Run the whole suite on throw-away PostgreSQL and Valkey.
	@$(BIN)/pytest -n $(WORKERS) --dist loadgroup --cov --cov-report=term:skip-covered --cov-report=json:var/coverage.json
	@$(BIN)/python -m tests.coverage_floors var/coverage.json

check: setup-dev ## Format, lint, types, import contracts, settings, migrations, OpenAPI, generated docs.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(CHECK_ENV) $(BIN)/mypy .
	$(BIN)/lint-imports
	$(CHECK_ENV) $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(CHECK_ENV) $(BIN)/python manage.py makemigrations --check --dry-run
	$(CHECK_ENV) $(BIN)/python manage.py docs_generate --check
	$(CHECK_ENV) $(BIN)/python manage.py openapi_compare

docs: setup-dev ## Write the generated documents again.
	$(CHECK_ENV) $(BIN)/python manage.py docs_generate

release-api: setup-dev ## Promise clients what the OpenAPI documents say today; refuses a break.
	$(CHECK_ENV) $(BIN)/python manage.py openapi_compare --release

role-matrix: setup-dev ## Write docs/role-matrix.md as the service answers now; read the diff.
	@WRITE_ROLE_MATRIX=1 $(BIN)/pytest -q -n 1 tests/test_role_matrix.py

chaos: setup-dev ## Kill workers, connections and PostgreSQL under load; SECONDS=60 each, SEED=n to repeat.
	@$(BIN)/python -m tests.chaos --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

soak: setup-dev ## Compare the ledger with plain integers for STEPS=200000 steps; recover to INSTANTS=10; SEED=n to repeat.
	@$(BIN)/pytest -n $(WORKERS) -rP --steps $(STEPS) $(if $(SEED),--seed $(SEED)) transactions/tests/test_money_machine.py
	@INSTANTS=$(INSTANTS) $(BIN)/pytest -n 1 tests/test_recovery.py -k any_instant

bench: setup-dev ## Measure the goals against the limit of this machine; writes benchmarks/RESULTS.md.
	@$(BIN)/python -m benchmarks

bench-peers: setup-dev ## Measure against what others use, installed from PyPI into var/peers.
	@$(BIN)/python -m benchmarks.peers

load: setup-dev ## Run the scenario mix of loadtests/ in k6 and Locust; fails past its thresholds.
	@$(BIN)/python -m loadtests

bench-check: setup-dev ## Compare ratios of one short run with generous floors.
	@$(BIN)/python -m benchmarks sessions posting --rounds 3 --seconds 1 --check

pentest: setup-dev ## Attack a running service in every way the suite knows; finds nothing or fails.
	@$(BIN)/pytest -n $(WORKERS) -q --no-header --tb=short -k "$(ATTACKS)" || \
		{ echo "Findings: each attack that is listed as failed above."; exit 1; }
	@echo "Findings: 0. We attacked ourselves; nobody outside has (docs/penetration-testing.md)."

format: setup-dev ## Bring the code into its format.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

fuzz: setup-dev ## Send the service what nobody thought of, for FUZZ_SECONDS (600), from FUZZ_SEED.
	@FUZZ_SECONDS=$(or $(FUZZ_SECONDS),600) $(BIN)/pytest -q -n 1 tests/fuzz

clean: ## Remove the virtual environment and caches; the data in var/ stays.
	rm -rf $(VENV) .schemathesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis staticfiles
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
