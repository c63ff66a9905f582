"""Statistics for Prometheus."""
from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.errors import MIError
from opensips_py.mi import remote
from opensips_py.mi.http import TEXT, Request, Response
from opensips_py.module import (
    Between,
    ConfigError,
    Module,
    OneOf,
    Route,
    RouteName,
    Run,
    param,
    param_setter,
    script,
    uses,
)
from opensips_py.module.declare import Dialect
from opensips_py.modules.prometheus.families import (
    CONTENT_TYPE,
    LABEL,
    NAME,
    Families,
    joined,
    label,
    metric_name,
)
from opensips_py.modules.prometheus.routed import Metrics, block, braced
from opensips_py.modules.prometheus.rules import Rule
from opensips_py.restraint import Restraint
from opensips_py.sip import scan

if TYPE_CHECKING:
    from opensips_py.modules.httpd import Httpd

WITHOUT, IN_NAME, IN_LABEL = 0, 1, 2
OUTSIDE = "only the route that is script_route may do that"
Type = Annotated[str, OneOf("gauge", "counter")]
# What the script's route is run on: it may read headers, as any route of requests does, and nobody waits for a reply.
PROBE = (b"OPTIONS sip:prometheus@localhost SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKprometheus\r\n"
         b"Max-Forwards: 70\r\nFrom: <sip:prometheus@localhost>;tag=prometheus\r\nTo: <sip:prometheus@localhost>\r\n"
         b"Call-ID: prometheus\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")


class Prometheus(Module, name="prometheus", provides=("management",)):
    """Let Prometheus fetch statistics over HTTP, those of all workers as one: counters and gauges, each under a name of
    its own. What a name may not hold becomes an underscore. Of two statistics that come to the same name and labels
    only the first is shown, and the log says so; group_mode keeps them apart."""

    httpd: Httpd = uses("httpd")
    root: str = param("metrics", "First part of the path.")
    prefix: str = param("opensips", "What all names begin with.")
    group_prefix: str = param("", "What the names of groups begin with.")
    delimiter: str = param("_", "What stands between prefix, group and name.")
    group_label: str = param("group", "The label that holds the group, with group_mode 2.")
    group_mode: Annotated[int, Between(WITHOUT, IN_LABEL)] = param(
        WITHOUT, "Where the group of a statistic goes: 0 nowhere, 1 into the name, 2 into a label.")
    script_route: Annotated[str, RouteName(Route.REQUEST)] = param(
        "", "A route that adds metrics of its own each time Prometheus asks. It runs in one of the workers, on a "
            "request that nobody sent. Beside its functions, it may return (1, '[{\"header\": \"# TYPE x gauge\", "
            "\"values\": [{\"name\": \"x\", \"value\": 3}]}]').")

    def __init__(self, dialect: Dialect = "4.0") -> None:
        super().__init__(dialect)
        self.wanted: list[str] = []
        self.rules: list[Rule] = []

    @param_setter()
    def statistics(self, value: str) -> None:
        """The statistics to show, with spaces between them: single ones, groups as "group:", or "all". May be given
        many times; without it there are none."""
        self.wanted += value.split()

    @param_setter()
    def labels(self, value: str) -> None:
        """A rule "group: /expression/name:labels/flags" that makes name and labels of the names of a group, as in
        "group: /^(.*)_(.*)$/\\1:gateway=\\"\\2\\"/". May be given many times; the first that fits counts, and where
        none does, or the labels are not as Prometheus wants them, a statistic stays as it is."""
        self.rules.append(Rule(value))

    def load(self) -> None:
        """Check the parameters."""
        if not LABEL.fullmatch(self.group_label):
            raise ConfigError(f"{self.group_label} is no name of a label", self.name, "group_label")

    def start(self) -> None:
        """Answer below the root."""
        self.complaints = Restraint(self.log, lines=1, level=logging.WARNING)
        self.twice: set[str] = set()
        self.httpd.register(self.root, self.name, self.respond)

    def respond(self, request: Request) -> Response:
        """The answer to Prometheus."""
        if request.method not in ("GET", "HEAD"):
            return Response("GET the metrics here.", TEXT, 405, [("Allow", "GET, HEAD")])
        families = Families()
        more = ""
        try:
            if self.wanted:
                self.collect(families)
        except MIError as error:
            return Response(f"the workers do not answer: {error.message}", TEXT, 500)
        if self.script_route:
            more = self.ask_script(families)
        return Response(families.text() + more, CONTENT_TYPE)

    # Statistics

    def collect(self, families: Families) -> None:
        """Put the statistics that are wanted into *families*."""
        helps = {(each.group or module.name, name): each.help for module in self.registry.modules.values()
                 for each in module.declarations.statistics for name in (each.name, each.v40) if name}
        for group, name, kind, _, value in remote.joined(self.services.mi.each("statistics", self.wanted)):
            metric, labels = self.called(group, name)
            families.declare(metric, "counter" if kind == "counter" else "gauge", helps.get((group, name), ""))
            if not families.add(metric, labels, value) and metric not in self.twice:
                self.twice.add(metric)
                self.log.warning("%s:%s is left out, another statistic is called %s as well", group, name, metric)

    def called(self, group: str, name: str) -> tuple[str, str]:
        """Name and labels of a statistic."""
        found = next((made for rule in self.rules if rule.group == group and (made := rule(name)) is not None), None)
        name, labels = found or (name, "")
        whole = self.delimiter.join(filter(None, (self.group_prefix, group)))
        parts = [self.prefix, *([whole] if self.group_mode == IN_NAME else []), name]
        own = label(self.group_label, whole) if self.group_mode == IN_LABEL else ""
        return metric_name(self.delimiter.join(filter(None, parts))), joined(own, labels)

    # The script

    def ask_script(self, families: Families) -> str:
        """What the script has to say: metrics for *families*, and lines that it has written itself."""
        try:
            declared, more = self.services.mi.any("module", self.name, "scripted")
        except MIError as error:
            self.complaints.say("route %s: %s", self.script_route, error.message)
            return ""
        for name, kind, help, samples in declared:
            families.declare(name, kind, help)
            for labels, value in samples:
                if not families.add(name, labels, value):
                    self.complaints.say("route %s pushed %s{%s} more than once", self.script_route, name, labels)
        return str(more)

    def scripted(self) -> tuple[list[Any], str]:
        """Run the route, in a worker; the metrics that it pushed, and the lines that it returned."""
        generation = self.services.generation
        route = generation.route(Route.REQUEST, self.script_route)
        # Not as a request route: nothing may make a transaction of what nobody sent.
        run = Run(self.services, generation, Route.EVENT, scan(PROBE))
        metrics = Metrics()
        run.extra = {Prometheus: metrics}
        try:
            route(run)
        except Exception as error:
            self.log.exception("route %s failed", self.script_route)
            raise MIError(500, f"it failed: {error}") from error
        finally:
            run.finish()
        text = next((each for each in run.extra.get("return", ()) if isinstance(each, str)), "")
        try:
            return metrics.declared, block(text) if text else ""
        except ValueError as error:
            raise MIError(500, f"what it returned is not taken: {error}") from None

    @script(Route.REQUEST)
    def prometheus_declare_stat(self, run: Run, name: str, type_: Type = "gauge", help_: str = "") -> bool:
        """Declare the metric *name*, a gauge or a counter; *help* says what it counts. False outside of the route that
        is script_route, and where Prometheus would not take the name."""
        metrics = self.metrics(run)
        if metrics is None or not NAME.fullmatch(name):
            self.log.error("prometheus_declare_stat: %s", f"{name!r} is no name of a metric" if metrics else OUTSIDE)
            return False
        metrics.declare(name, type_, help_)
        return True

    @script(Route.REQUEST)
    def prometheus_push_stat(self, run: Run, value: int, label_name: str = "", label_value: str | None = None) -> bool:
        """Give the metric that was declared last a *value*: without labels, with one label and its value, or with a
        whole set of labels in braces as *label_name*. False where nothing was declared or the labels are malformed."""
        metrics = self.metrics(run)
        if metrics is None:
            return self.refused(OUTSIDE)
        if label_value is not None:
            labels = label(label_name, label_value) if LABEL.fullmatch(label_name) else None
        else:
            labels = braced(label_name) if label_name else ""
        if labels is None:
            return self.refused(f"{label_name!r} is no label")
        return metrics.push(value, labels) or self.refused("nothing is declared")

    def metrics(self, run: Run) -> Metrics | None:
        """Where *run* puts its metrics; None where it is not the run of script_route."""
        found: Metrics | None = (run.extra or {}).get(Prometheus)
        return found

    def refused(self, reason: str) -> bool:
        """Log why a push is refused."""
        self.log.error("prometheus_push_stat: %s", reason)
        return False
