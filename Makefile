# Aliases: every target is the ./dev command of the same name.
COMMANDS := run test check fix watch bench soak build lock

help:
	@./dev help

$(COMMANDS):
	@./dev $@

.PHONY: help $(COMMANDS)
