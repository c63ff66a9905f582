"""What is to be said of a configuration that loads: ways that end badly, what never happens, old names."""
from __future__ import annotations

from opensips_py.script import tree
from opensips_py.script.analysis import conditions, never, outdated, regexes, unused
from opensips_py.script.analysis.flow import Flow
from opensips_py.script.analysis.reads import Reads
from opensips_py.script.configuration import Configuration


def add_warnings(configuration: Configuration) -> None:
    """Add what analysis finds to the diagnostics; they then hold all there is to say but the notes on the dialect."""
    script, registry, diagnostics = configuration.script, configuration.registry, configuration.diagnostics
    routes = script.of(tree.Route)
    conditions.check(routes, registry, diagnostics)
    regexes.check(routes, registry, diagnostics)
    outdated.check(script, registry, diagnostics)
    if script.whole and not diagnostics.errors:  # else what is missing may be what could not be read
        unused.check(script, registry, diagnostics)
        never.check(routes, registry, diagnostics)
        Reads(script, registry, diagnostics).check()
        Flow(routes, registry.functions, diagnostics).check()
