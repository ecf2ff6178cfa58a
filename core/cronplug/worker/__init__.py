"""The process that runs plugin code: `python -m cronplug.worker`.

With `--manifest` it describes the installed plugins and ends. Otherwise it is a worker: it gets function calls as
frames on a private socket, runs async functions side by side on one event loop and sync functions alone, and sends
their output, progress and verdicts back. Descriptors 1 and 2 belong to the functions and their children.
"""
