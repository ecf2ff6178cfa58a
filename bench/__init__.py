"""Measures cronplug against its peers and against the bare libraries below it, alternating in one run: `./dev bench`.

Absolute figures say more about the machine than about the programs; ratios of one run are what to look at.
Each measurement is a process of its own that prints one line of JSON, checks that all it was to do was done, and has a
time limit (`runs`). The peers (`peers`) run in an environment of their own, made from requirements/peers.txt; what is
put beside what, and which goals there are, is in `comparisons`; `results` writes bench/RESULTS.md.
"""
