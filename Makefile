# Every target makes its own set-up first (tools/setup.py; instant when nothing changed).
PYTHON ?= python3
VENV := .venv/bin
# A file or folder as one word of the shell: quoted, but for the ~/ that only the shell can replace.
path = $(subst '~/,~/','$(subst ','\'',$(1))')
ifdef MICROPYTHON
export override MICROPYTHON := $(patsubst ~/%,$(HOME)/%,$(MICROPYTHON))
endif

.DEFAULT_GOAL := help
.PHONY: help setup run test check soak fuzz flash sizes alloc measure bench deploy logs repl doctor format build dist clean

.DEFAULT:
	@echo "make $@: there is no such target; make help lists those there are" >&2; exit 2

#: test     JOBS=2 MICROPYTHON=/path/to/micropython, and variables of single tests: their files say them
#: soak     FIRST=seed ARGS=
#: flash    FIRMWARE=file, version or keep; VARIANT=SPIRAM; SECRETS=nvs or file; ERASE=1; BAUD=460800;
#: flash    BEFORE=no-reset; SITE=url; WAIT=60; VERBOSE=1: docs/flashing.md
#: measure  MQTT_USER= MQTT_PASSWORD= WIFI_SSID= WIFI_PASSWORD= ARGS=: docs/measure.md
#: bench    ROUNDS=5
#: build    .venv/bin/python -m tools.build --explain < traceback.txt: its short names, docs/build.md
#: dist     .venv/bin/python -m tools.dist.romfs: an image for a ROMFS partition, docs/firmware.md

help: ## list the targets
	@echo "make <target>:"
	@sed -n 's/^\([a-z]*\):.*## /  \1|/p' Makefile | while IFS='|' read -r t d; do printf '  %-8s %s\n' $$t "$$d"; done
	@echo; echo "and what may be added:"; sed -n 's/^#: /  /p' Makefile

setup: ## make .venv and tests/wasm/node_modules
	@$(PYTHON) tools/setup.py

run: setup ## a living node in the terminal; SECONDS=15 plays a demo and ends by itself
	@$(VENV)/python -m tools.run $(if $(SECONDS),--seconds $(SECONDS))

test: setup ## every test, two files at a time (JOBS=2); ARGS="-k name" passes options to pytest
	@$(VENV)/python -m pytest -n $(or $(JOBS),2) --dist loadfile --no-loadscope-reorder $(ARGS)

fuzz: setup ## search for input that breaks lib/; SECONDS=60 for each target, ARGS="client --keep"
	@$(VENV)/python -m tests.fuzz --seconds $(or $(SECONDS),60) $(ARGS)

soak: setup ## the client in simulated trouble; HOURS=n or SECONDS=n, SEED=n replays one
	@$(VENV)/python -m tests.sim $(if $(SEED),--seed $(SEED) --trace) $(if $(HOURS),--hours $(HOURS)) \
		$(if $(SECONDS),--seconds $(SECONDS)) $(if $(FIRST),--first $(FIRST)) $(ARGS)

check: setup ## lint, format, types of lib/, purity of the sources, sizes as docs/sizes.md has them
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/pyright --warnings
	@$(VENV)/python -m pytest -q tests/checks/test_purity.py
	@$(VENV)/python -m tools.sizes --check

flash: setup ## MicroPython onto a board; PORT=/dev/ttyUSB0; CONFIG=config.json: and the node
	@$(VENV)/python -m tools.flash $(if $(PORT),--port '$(PORT)') \
		$(if $(FIRMWARE),--firmware $(call path,$(FIRMWARE))) $(if $(CONFIG),--config $(call path,$(CONFIG))) \
		$(if $(VARIANT),--variant '$(VARIANT)') $(if $(SECRETS),--secrets '$(SECRETS)') \
		$(if $(ERASE),--erase) $(if $(BAUD),--baud '$(BAUD)') $(if $(BEFORE),--before '$(BEFORE)') \
		$(if $(SITE),--site '$(SITE)') $(if $(WAIT),--wait '$(WAIT)') $(if $(VERBOSE),--verbose) $(ARGS)

build: setup ## lib/ for a board in the fewest bytes, as build/lib; OUT=folder
	@$(VENV)/python -m tools.build $(if $(OUT),--out $(call path,$(OUT)))

dist: setup ## a release: compiled node, packages for mip, images, sums, as build/dist; OUT=folder
	@$(VENV)/python -m tools.dist $(if $(OUT),--out $(call path,$(OUT)))

sizes: setup ## bytes of .mpy, and of heap on a 32-bit MicroPython; ARGS=--write: docs/sizes.md
	@$(VENV)/python -m tools.sizes $(ARGS)

alloc: setup ## what allocates on MicroPython, and what to write instead; ARGS=FILE: large frames
	@$(VENV)/python -m tools.alloc $(ARGS)

measure: setup ## what a link carries; BROKER=host[:port] SECONDS=60, PORT=/dev/ttyUSB0 from a board
	@$(VENV)/python -m tools.measure $(if $(BROKER),'$(BROKER)') $(if $(PORT),--port '$(PORT)') \
		$(if $(SECONDS),--seconds '$(SECONDS)') $(ARGS)

deploy: setup ## put the node on a board; PORT=/dev/ttyUSB0 CONFIG=config.json WAIT=60
	@$(VENV)/python -m tools.deploy $(if $(PORT),--port '$(PORT)') $(if $(CONFIG),--config $(call path,$(CONFIG))) \
		$(if $(WAIT),--wait '$(WAIT)')

logs: setup ## follow the log of the node on a board; PORT=/dev/ttyUSB0
	@$(VENV)/python -m tools.deploy.logs $(if $(PORT),--port '$(PORT)')

repl: setup ## a prompt on a board; PORT=/dev/ttyUSB0
	@$(VENV)/python -m tools.deploy.repl $(if $(PORT),--port '$(PORT)')

doctor: setup ## what is wrong with board, cable, firmware, config, Wi-Fi, broker; PORT= CONFIG=
	@$(VENV)/python -m tools.doctor $(if $(PORT),--port '$(PORT)') $(if $(CONFIG),--config $(call path,$(CONFIG)))

bench: setup ## lib/mqtt beside other clients: docs/benchmarks.md; ARGS="--only instructions", UMQTT= MQTT_AS=
	@$(VENV)/python -m tools.bench $(if $(ROUNDS),--rounds '$(ROUNDS)') $(if $(UMQTT),--umqtt $(call path,$(UMQTT))) \
		$(if $(MQTT_AS),--mqtt-as $(call path,$(MQTT_AS))) $(ARGS)

format: setup ## put the sources in the one format
	@$(VENV)/ruff format .
	@$(VENV)/ruff check --fix .

clean: ## remove what the set-up and the tests made
	rm -rf .venv tests/wasm/node_modules .pytest_cache .ruff_cache .hypothesis build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
