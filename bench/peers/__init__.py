"""The peers. They run in an environment of their own (requirements/peers.txt), so nothing here imports cronplug."""
