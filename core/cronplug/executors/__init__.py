"""Where an attempt's code runs: worker processes, inline for trusted platform functions, HTTP requests.

`base` has the values that cross the border to the engine, `pool` the worker processes, `inline` the trusted ones,
`http` the outgoing requests, `observers` the plugins' observing hooks. Import from those modules: worker processes
import this package too and should pay only for what they use.
"""
