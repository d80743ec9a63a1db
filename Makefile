# Needs CPython 3.11 or newer with pip, git and make; everything else goes into .venv.
PYTHON ?= python3
UV := $(CURDIR)/.venv/bin/uv
BIN := .venv/bin
# pytest runs on as many cores as there are, but each worker keeps a type checker's cache, so not on many.
JOBS ?= auto
PYTEST := $(BIN)/python -m pytest --numprocesses $(JOBS) --maxprocesses 4 --dist worksteal

.PHONY: help demo test test-matrix test-times test-tests test-auth test-routing test-database test-upgrades test-fork test-langchain client-table parameter-table check lint-template format docs files taken-names tags lock bench bench-fork bench-routing clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/'

demo: .venv/installed ## render a provider and talk to it through LiteLLM, all on loopback
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && trap 'exit 130' INT TERM && \
	echo "Rendering a provider package with the default answers: copier copy --defaults . <a temporary folder>" && \
	$(BIN)/copier copy --defaults --quiet --vcs-ref HEAD . "$$folder/litellm-acme-ai" && \
	echo "Running make demo in it (the first time, this installs LiteLLM into its own environment)" && \
	$(MAKE) --no-print-directory -C "$$folder/litellm-acme-ai" demo UV=$(UV)

test: .venv/installed ## the covering sample: every answer at least once in a full run, pairs of answers in a render
	$(PYTEST) -m 'not slow'

test-matrix: .venv/installed ## everything, with types and the rendered package's own suite for each row of the covering array
	$(PYTEST)

test-times: .venv/installed ## the same as test, and writes what each test file takes into testing/times.json
	$(PYTEST) -m 'not slow' --write-times

test-tests: .venv/installed ## plants the faults of testing/faults.toml, one by one, and looks whether the tests find them
	$(BIN)/python -m testing.faults

test-auth: .venv/installed ## every way to authenticate, many calls at once with a stale credential, as one table
	$(BIN)/python -m testing.auth_table

test-routing: .venv/installed ## every case of hybrid routing in a package that has it, with kills, reloads and large bodies, as a table
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && trap 'exit 130' INT TERM && \
	$(BIN)/copier copy --defaults --quiet --vcs-ref HEAD --data 'include=[cli, routing]' . "$$folder/litellm-acme-ai" && \
	$(MAKE) --no-print-directory -C "$$folder/litellm-acme-ai" test-routing UV=$(UV)

test-database: .venv/installed ## a real LiteLLM proxy with virtual keys on a Postgres of its own (Debian's package postgresql)
	$(BIN)/python -m pytest -q -m slow tests/database

test-upgrades: .venv/installed ## from every released version to the working tree, with edits in every file, as one table
	$(BIN)/python -m testing.upgrades
	$(BIN)/python -m pytest -q -m slow tests/tool/test_killed.py

test-fork: .venv/installed ## forks of a sample of LiteLLM's releases, wheels of three, DEV_FLOW.md pasted, the fork tool killed often
	$(PYTEST) tests/fork tests/test_fork_layout.py

test-langchain: .venv/installed .venv-langchain/installed ## LangChain's standard tests of chat models, through its ChatOpenAI and a proxy, over each format
	$(BIN)/python -m testing.langchain_judge

client-table: .venv/installed ## write docs/clients.md: what each client gets from each format, feature by feature
	$(BIN)/python -m testing.client_table

parameter-table: .venv/installed ## write docs/parameters.md: what of each parameter reaches the upstream, chats excepted
	$(BIN)/python -m testing.parameter_table

check: .venv/installed .venv-litellm/installed lint-template ## format, lint, types, the template's own rules, whether questions/taken.jinja is current
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	.venv-litellm/bin/python scripts/taken_names.py --check

lint-template: .venv/installed ## what an update of a package relies on: defaults, moves, owners, no need of trust
	$(BIN)/python -m pytest -q --no-summary tests/test_rules.py -k test_the_template_keeps

format: .venv/installed ## write the format and the mends that lint can make
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: .venv-docs/installed ## build the documentation's site into site/, a broken link is an error
	.venv-docs/bin/zensical build --strict --clean

files: .venv/installed ## write what follows from files.yml, and the pages that follow from the questions and a render
	$(BIN)/python -m scripts.template_files
	$(BIN)/python -m scripts.reference_pages

taken-names: .venv-litellm/installed ## write questions/taken.jinja from the LiteLLM of the lock
	.venv-litellm/bin/python scripts/taken_names.py

tags: ## the released tags, from releases.yml, in a clone that has none
	@sed -nE 's/^([^#: ]+): ([0-9a-f]{40})$$/\1 \2/p' releases.yml | while read -r tag commit; do \
	  git rev-parse --quiet --verify "refs/tags/$$tag" >&- || git tag --message "$$tag" "$$tag" "$$commit" || exit 1; \
	done

lock: .venv/installed ## write requirements/*.txt with the newest versions that fit
	for name in uv dev docs langchain litellm; do \
	  $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --custom-compile-command 'make lock' --output-file requirements/$$name.txt requirements/$$name.in || exit 1; \
	done
	$(BIN)/python -m scripts.uv_requirements

bench-fork: .venv/installed ## forks of LiteLLM over all releases that the history has, beside plain merge, rebase and rerere
	$(BIN)/python -m benchmarks.fork

bench-routing: .venv/installed ## hybrid routing beside nginx, bare aiohttp, two libraries and LiteLLM's own pass-through endpoint
	$(BIN)/python -m benchmarks.routing

bench: .venv/installed ## side-by-side measurements
	$(BIN)/python -m benchmarks

clean: ## remove what the targets made
	rm -rf site .cache .venv .venv-bench .venv-docs .venv-langchain .venv-litellm .venv-rendered .mypy_cache .pytest_cache .ruff_cache

.venv/bin/uv: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=<its path>")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

.venv/installed: .venv/bin/uv requirements/dev.txt
	$(UV) pip install --quiet --python .venv/bin/python --require-hashes -r requirements/dev.txt
	@touch $@

.venv-litellm/installed: .venv/bin/uv requirements/litellm.txt
	$(UV) venv --quiet --clear --python .venv/bin/python .venv-litellm
	$(UV) pip install --quiet --python .venv-litellm/bin/python --require-hashes -r requirements/litellm.txt
	@touch $@

.venv-docs/installed: .venv/bin/uv requirements/docs.txt
	$(UV) venv --quiet --clear --python .venv/bin/python .venv-docs
	$(UV) pip install --quiet --python .venv-docs/bin/python --require-hashes -r requirements/docs.txt
	@touch $@

.venv-langchain/installed: .venv/bin/uv requirements/langchain.txt
	$(UV) venv --quiet --clear --python .venv/bin/python .venv-langchain
	$(UV) pip install --quiet --python .venv-langchain/bin/python --require-hashes -r requirements/langchain.txt
	@touch $@
