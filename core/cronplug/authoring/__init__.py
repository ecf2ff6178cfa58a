"""For plugin authors: a new plugin from nothing, and a check of one that is there.

`scaffold` writes a complete package from the files in `template/`. `conformance` examines a plugin and gives a report
(`verdicts`): `targets` finds out what is meant, `probe` imports it in a subprocess with a deadline and tells what that
did, `described` judges what it says of itself, `trials` runs its functions in a real worker (`workers`). No code of the
plugin ever runs in the process that checks.
"""
