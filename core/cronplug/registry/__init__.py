"""Which plugins are installed, and what they offer.

Plugin code is first imported in a throw-away subprocess that writes a manifest (`manifest`), watched with a deadline
(`discovery`), so that a hang, an exit or a crash at import is one plugin's record and nothing else. The core keeps
plain data (`Registry`). Code runs in worker processes, which load single entry points through `PluginHost`; the core
itself imports only trusted distributions that have inline functions.
"""

from cronplug.registry.host import PluginHost
from cronplug.registry.registry import Registry

__all__ = ["PluginHost", "Registry"]
