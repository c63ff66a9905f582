"""The HTTP server with modules that answer below its paths, and a client."""
from __future__ import annotations

from types import SimpleNamespace

import gevent
import urllib3

from opensips_py.errors import MIError
from opensips_py.mi import CoreCommands
from opensips_py.mi.tree import tree_of
from opensips_py.module import life
from opensips_py.script.core import registry_with_core


class Commands:
    """In place of the dispatcher; *answers* are what commands give that a test wants to."""

    def __init__(self, registry):
        self.registry = registry
        self.answers = {}

    def find(self, name):
        if name not in self.registry.commands:
            raise MIError(-32601, "Method not found")
        return self.registry.commands[name]

    def call(self, name, params):
        self.find(name)
        if name in self.answers:
            return self.answers[name]
        if name == "pwd":
            raise MIError(404, "no directory")
        if name == "ps":
            return {"Processes": [{"ID": 0, "PID": 7}]}
        return {"given": params, "evil": "<script>"}

    def tree(self, name, data):
        return tree_of(data, self.find(name).call)


class Site:
    """Loaded modules that are started, and a client for them."""

    def __init__(self, dialect, modules, **parameters):
        self.registry = registry_with_core(dialect)
        self.registry.add_class(CoreCommands)
        for name in ("httpd", *modules):
            self.registry.add(name)
        for name, values in parameters.items():
            for parameter, value in values.items():
                self.registry.set_parameter(name, parameter, value)
        errors = life.finish(self.registry)
        if errors:
            raise errors[0]
        self.httpd = self.registry.modules["httpd"]
        if "port" not in parameters.get("httpd", {}):
            self.httpd.port = 0  # whichever is free
        self.started = []

    def start(self, previous=None):
        self.commands = Commands(self.registry)
        services = SimpleNamespace(mi=self.commands)
        for module in life.in_order(self.registry):
            if "management" not in module.declarations.provides:
                continue
            module.services = services
            for state in module.declarations.states:
                kept = getattr(previous.modules[module.name], state.attribute) if previous else state.factory()
                setattr(module, state.attribute, kept)
            module.start()
            self.started.append(module)
        return self

    def stop(self):
        for module in reversed(self.started):
            module.stop()

    @property
    def port(self):
        return self.httpd.shared.server.address[1]

    def ask(self, method, path, **options):
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        http = urllib3.PoolManager(cert_reqs="CERT_NONE", retries=False, timeout=5)
        scheme = "https" if self.httpd.tls_cert_file else "http"
        return gevent.get_hub().threadpool.apply(
            http.request, (method, f"{scheme}://127.0.0.1:{self.port}{path}"), options)


def sites():
    """What a fixture yields: starts a site, and in the end stops them all."""
    made = []

    def start(dialect, modules, **parameters):
        made.append(Site(dialect, modules, **parameters).start())
        return made[-1]
    yield start
    for each in made:
        each.stop()
