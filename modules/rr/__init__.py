"""Stay on the path of a dialog (Record-Route), and follow the path that a request brings along (Route)."""
from __future__ import annotations

from typing import Annotated

from opensips_py.errors import MalformedMessage
from opensips_py.module import Module, OneOf, Pattern, Route, param, pvar, script
from opensips_py.module.run import Run
from opensips_py.modules.rr.following import Follower
from opensips_py.modules.rr.path import Path, path_of
from opensips_py.modules.rr.record import Preset, Record
from opensips_py.sip._scan import Request

ANYWHERE = Route.REQUEST | Route.FAILURE | Route.BRANCH


class RecordRoute(Module, name="rr"):
    """Record-Route and Route (RFC 3261, 16.4, 16.6 and 16.12): later requests of a dialog come this way again."""

    append_fromtag: bool = param(True, "Note the From tag in Record-Route, so that is_direction works.")
    enable_double_rr: bool = param(True, "Add two Record-Routes where a request leaves by another socket than it came.")
    add_username: bool = param(False, "Put the user of the Request-URI into Record-Route.")
    enable_socket_mismatch_warning: bool = param(
        True, "Warn when a preset Record-Route does not name the socket that the request leaves by.")
    ignore_user: str | None = param(
        None, "A Request-URI with this user is never taken for one of our Record-Routes, though its host is ours.")

    def load(self) -> None:
        """Remember the head of the header for each listener, as it is the same for all requests."""
        self.heads: dict[int, bytes] = {}

    def start(self) -> None:
        """Get ready to follow route sets."""
        self.follower = Follower(self)

    # --- Record-Route -----------------------------------------------------------------------------------------------

    @script(ANYWHERE)
    def record_route(self, run: Run, parameters: str = "") -> bool:
        """Add a Record-Route with *parameters* (";name=value"), so that later requests of the dialog come here too."""
        path = path_of(run.message)
        if not path.claim(run):
            self.log.error("this request is record-routed already")
            return False
        self.put(run.message, Record(self, run.message, path, parameters))
        return True

    @script(ANYWHERE)
    def record_route_preset(self, run: Run, address: str, second: str | None = None) -> bool:
        """Add a Record-Route with *address* (host:port) as it stands, and *second* for the incoming side."""
        path = path_of(run.message)
        if not path.claim(run):
            self.log.error("this request is record-routed already")
            return False
        self.put(run.message, Preset(self, run.message, path, address, second))
        return True

    @script(ANYWHERE)
    def add_rr_param(self, run: Run, param: str) -> bool:
        """Add *param* (";name=value") to the Record-Route, before or after record_route."""
        path_of(run.message).add(run, param)
        return True

    def put(self, request: Request, record: Record) -> None:
        """Insert the header above all others, thus above earlier Record-Routes (RFC 3261, 16.6 step 4)."""
        request.insert_header(record)

    # --- Route ------------------------------------------------------------------------------------------------------

    @script(Route.REQUEST)
    def loose_route(self, request: Request) -> bool:
        """Follow the Route headers; false where the request has none, or only one that brought it here by preload."""
        routes = request.routes
        if not routes:
            return False
        try:
            return self.follower.follow(request, routes)
        except MalformedMessage as error:
            self.log.info("a Route that cannot be followed: %s", error)
            return False

    @script(Route.REQUEST)
    def check_route_param(self, request: Request, re: Pattern) -> bool:
        """Whether the parameters of the Route that led here match *re*; after loose_route."""
        return (parameters := self.route_parameters(request)) is not None and re.matches(";" + parameters)

    @script(Route.REQUEST)
    def is_direction(self, request: Request, dir: Annotated[str, OneOf("upstream", "downstream")]) -> bool:
        """Whether the request goes *dir*: downstream, from caller to callee, or upstream; after loose_route."""
        return self.direction(request) == dir

    @pvar("rr_params")
    def rr_params(self, request: Request) -> str | None:
        """All parameters of the Route that led here; after loose_route."""
        return self.route_parameters(request)

    # --- for other modules ------------------------------------------------------------------------------------------

    def add_parameter(self, run: Run, text: str) -> None:
        """Add ";name=value" to the Record-Route of this request, if it gets one."""
        path_of(run.message).add(run, text)

    def hide(self, request: Request) -> None:
        """Have this request leave without a Record-Route of ours, whatever was or will be asked for."""
        path_of(request).hidden = True

    def add_to_branch(self, request: Request, index: int, text: str) -> None:
        """Add ";name=value" to the Record-Route of one branch; before it is built."""
        path_of(request).put(index, text)

    def route_parameters(self, request: Request) -> str | None:
        """Parameters of the Route that led here; None without one."""
        context = request.context
        path: Path | None = context.get("rr") if context else None
        return path.local if path is not None else None

    def route_parameter(self, request: Request, name: str) -> str | None:
        """One parameter of the Route that led here: '' for a flag, None where it is absent."""
        for each in (self.route_parameters(request) or "").split(";"):
            key, _, value = each.partition("=")
            if key == name:
                return value
        return None

    def direction(self, request: Request) -> str | None:
        """upstream or downstream; None before loose_route has followed a Route of ours."""
        if self.route_parameters(request) is None:
            return None
        tag = self.route_parameter(request, "ftag")
        return "downstream" if not tag or tag == request.from_tag else "upstream"
