# Aliases: every target is the ./dev command of the same name.
COMMANDS := run test check fix watch bench build lock

help:
	@./dev help

$(COMMANDS):
	@./dev $@

.PHONY: help $(COMMANDS)
