# SPDX-License-Identifier: GPL-2.0-or-later
# A thin face over meson; see CONTRIBUTING.md.
BUILD ?= build

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@meson setup $(BUILD) >/dev/null

# The main job on a virtual host, before your eyes.
demo:
	@echo "[1/3] installing what is missing"
	@scripts/install-deps build lab
	@echo "[2/3] building pciferry"
	@$(MAKE) --no-print-directory all BUILD=$(BUILD) >/dev/null
	@echo "[3/3] starting the virtual host"
	@lab/lab run demo

check: ; @scripts/check
check-full: ; @scripts/check --full

install: all
	@meson install -C $(BUILD) --no-rebuild

clean:
	@rm -rf $(BUILD)

.PHONY: all demo check check-full install clean
