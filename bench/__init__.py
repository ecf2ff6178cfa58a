"""Measures cronplug against a peer, alternating in one run: `./dev bench`.

Absolute figures say more about the machine than about the programs; ratios of one run are what to look at.
Each measurement is a process of its own (`ours`, `apscheduler3`) that prints one line of JSON.
"""
