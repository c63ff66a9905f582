"""save: process a REGISTER (RFC 3261, 10.3)."""
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.db import DatabaseError
from opensips_py.errors import MalformedMessage
from opensips_py.module import ReturnCode, Route, TableOf, script
from opensips_py.module.run import Run
from opensips_py.modules.registrar import contacts
from opensips_py.modules.registrar.flags import PATH_OFF, PATH_STRICT, SaveFlags, SaveFlagsKind
from opensips_py.modules.registrar.parameters import Parameters
from opensips_py.modules.registrar.registration import Refused, Registration
from opensips_py.sip import HeaderId
from opensips_py.sip._scan import Request
from opensips_py.sip._uri import NameAddr, Uri
from opensips_py.state._bindings import MEMORY_ONLY, Binding, made
from opensips_py.state.matching import same

if TYPE_CHECKING:
    from opensips_py.modules.usrloc.table import Table

Table_ = Annotated[str, TableOf("usrloc")]
Flags = Annotated[SaveFlags, SaveFlagsKind()]
Seconds = int
NONE = SaveFlags()
USER_AGENT, PATH = int(HeaderId.USER_AGENT), int(HeaderId.PATH)
SCHEMES = ("sip", "sips", "tel")  # of an address-of-record
PHRASES = {400: "Bad Request", 420: "Bad Extension", 503: "Service Unavailable"}  # the reason has a header of its own


class Saved(ReturnCode):
    """The contacts were saved; they were not, and the answer has been sent, unless the script answers itself."""

    SAVED, FAILED = 1, -2


SAVED, FAILED = Saved.SAVED, Saved.FAILED  # to look them up in their class is slow


class Saving(Parameters):
    """The function save."""

    saver: Saver

    @script(Route.REQUEST | Route.ONREPLY)
    def save(self, run: Run, domain: Table_, flags: Flags = NONE, aor: str = "", ownership_tag: str = "") -> Saved:
        """Add, refresh or remove the contacts that a REGISTER names, and answer it with all that there are.

        In an onreply route: keep the contacts of the request as long as the main registrar's answer says. Where
        usrloc works with a database, that is waited for.
        """
        return self.saver.save(run, domain, flags, aor, ownership_tag)

    def aor(self, uri: Uri) -> str:
        """The address-of-record that *uri* means, or Refused."""
        return self.saver.aor(uri)


class Saver:
    """What save is made of, by the parameters of one instance: one compiled class that takes them once. For no other
    request does a registrar do as much."""

    def __init__(self, registrar: Any) -> None:
        usrloc = registrar.usrloc
        self.log, self.usrloc, self.signaling = registrar.log, usrloc, registrar.signaling
        self.accepted_regs, self.rejected_regs = registrar.accepted_regs, registrar.rejected_regs
        self.matching_mode, self.cseq_delay = usrloc.matching_mode, usrloc.cseq_delay
        self.nat_flags, self.use_domain = 1 << usrloc.nat_bflag if usrloc.nat_bflag >= 0 else 0, usrloc.use_domain
        self.allow_duplicate = registrar.allow_dup_cseq and registrar.dialect != "2.1"
        self.default_expires, self.min_expires = registrar.default_expires, registrar.min_expires
        self.max_expires, self.deviation = registrar.max_expires, registrar.expires_max_deviation
        self.default_q, self.max_contacts = registrar.default_q, registrar.max_contacts
        self.tcp_persistent_flag, self.retry_after = registrar.tcp_persistent_flag, registrar.retry_after
        self.realm_prefix, self.case_sensitive = registrar.realm_prefix.lower(), registrar.case_sensitive
        self.max_username_len, self.max_domain_len = registrar.max_username_len, registrar.max_domain_len
        self.max_aor_len, self.max_contact_len = registrar.max_aor_len, registrar.max_contact_len
        self.received_avp, self.attr_avp = registrar.received_avp, registrar.attr_avp
        self.mcontact_avp, self.sock_hdr_name = registrar.mcontact_avp, registrar.sock_hdr_name
        self.received_param = registrar.received_param
        self.gruu_secret, self.makes_gruus = registrar.gruu_secret, not registrar.disable_gruu

    def save(self, run: Run, domain: str, flags: SaveFlags, aor: str, tag: str) -> Saved:
        """Process a REGISTER, or the answer of the main registrar."""
        request: Request = run.request
        answers = run.message is request and not flags.no_reply
        try:
            headers = self.process(run, request, domain, flags, aor, tag)
        except Refused as refused:
            return self.refuse(run, refused, answers)
        except MalformedMessage as error:
            return self.refuse(run, Refused(error.status or 400, error.reason), answers)
        except (DatabaseError, OSError) as error:
            self.log.error("save in %s: %s", domain, error)
            return self.refuse(run, Refused(500, "Server Internal Error"), answers)
        self.accepted_regs.add()
        if answers:
            self.signaling.answer(run, 200, "OK", headers)
        return SAVED

    def refuse(self, run: Run, refused: Refused, answers: bool) -> Saved:
        """Answer a REGISTER that fails."""
        self.rejected_regs.add()
        if not answers:
            return FAILED
        headers = refused.headers
        if self.retry_after and refused.status >= 500:
            headers += b"Retry-After: %d\r\n" % self.retry_after
        phrase = PHRASES.get(refused.status, refused.reason)
        if phrase != refused.reason:
            headers += f"P-Registrar-Error: {refused.reason}\r\n".encode("utf-8", "surrogateescape")
        self.signaling.answer(run, refused.status, phrase, headers)
        return FAILED

    def process(self, run: Run, request: Request, domain: str, flags: SaveFlags, aor_text: str, tag: str) -> bytes:
        """Change the bindings as the request asks; returns the headers of the answer."""
        uri = Uri.parse(aor_text) if aor_text else request.to.parsed_uri
        aor = self.aor(uri)
        table = self.usrloc.table(domain)
        if table.changes_wait:
            run.park()
        named = request.contacts
        path, echoed = self.path(request, flags)
        now = int(table.clock())
        change = None
        if not named:  # RFC 3261, 10.3 step 6: without Contact it asks what there is
            bindings = table.find(aor)
        else:
            change = self.registration(run, request, named, flags, path, tag, table, now)
            result = self.usrloc.register(table, aor, change)
            if type(result) is not list:
                assert isinstance(result, Refused)
                listed = contacts.answer_header(table.find(aor), now, self, aor, None)
                raise Refused(result.status, result.reason, listed)
            bindings = result
            if self.tcp_persistent_flag >= 0:
                self.keep_connection(request, change.new, now)
        if flags.only_request:
            bindings = contacts.among(bindings, named)
        globally = uri if self.makes_gruus and contacts.supports(request, "gruu") else None
        headers = contacts.answer_header(bindings, now, self, aor, globally) + echoed
        return headers + b"Require: outbound\r\n" if change is not None and change.flows else headers

    def registration(self, run: Run, request: Request, named: list[NameAddr], flags: SaveFlags, path: str, tag: str,
                     table: Table, now: Seconds) -> Registration:
        """What the request asks for, complete, so that the write transaction has nothing left to work out."""
        most = self.max_contacts if flags.max_contacts is None else flags.max_contacts
        mode = self.matching_mode if flags.matching is None else flags.matching
        change = Registration(request.call_id, request.cseq, [], mode, most, flags.force, self.cseq_delay,
                              self.allow_duplicate)
        header = request.expires
        if named[0].uri == "*":
            if len(named) > 1 or header != 0:
                raise Refused(400, "* used in contact and expires is not zero")
            change.everything = True
            return change
        if len(named) > 1 and "*" in [each.uri for each in named]:
            raise Refused(400, "Contact * Stands Alone")
        default = self.default_expires if header is None else header
        least = self.min_expires if flags.min_expires is None else flags.min_expires
        longest = self.max_expires if flags.max_expires is None else flags.max_expires
        imposed = None if run.message is request else self.imposed(run, named)
        received, cflags = self.received(request, run, flags, path)
        listener = request.listener
        socket = "" if listener is None else listener.uri_text
        if flags.socket_header and self.sock_hdr_name:
            socket = request.header(self.sock_hdr_name) or socket
        attr = "" if self.attr_avp is None else text_of(self.attr_avp.read(run))
        own_flags = MEMORY_ONLY if flags.memory_only else 0
        user_agent = request.header(USER_AGENT) or ""
        common: Binding = made(change.call_id, change.cseq, received, path, user_agent, attr, socket, tag)
        common.q, common.flags, common.cflags, common.modified = self.default_q, own_flags, cflags, table.clock()
        for contact in named:
            uri = contact.uri
            contacts.check(contact)
            seconds = contacts.lasting(contact, default, least, longest, self.deviation)
            if imposed is not None:
                seconds = imposed.get(uri, seconds)
            if len(uri) > self.max_contact_len:
                raise Refused(400, "Contact Too Long")
            binding: Binding = common.copy()
            binding.contact, binding.expires, binding.id = uri, now + seconds, table.new_id()
            binding.methods = contacts.methods_of(request, contact)
            if contact.parameters:
                self.refine(binding, request, contact, change)
            change.new.append(binding)
            if seconds == 0:
                change.removed = change.removed or set()
                change.removed.add(binding)
        return change

    def refine(self, binding: Binding, request: Request, contact: NameAddr, change: Registration) -> None:
        """Add what the parameters of a contact say."""
        q = contact.q
        if q >= 0:
            binding.q = q
        elif contact.parameter("q") is not None:
            raise Refused(400, "Invalid q param in contact")
        binding.instance, binding.reg_id = contacts.flow_of(request, contact)
        if binding.reg_id:
            contacts.check_first_hop(request)
            change.flows += 1
            if change.flows > 1:
                raise Refused(400, "More Than One reg-id")  # RFC 5626, 6
            if not binding.path:
                binding.received = contacts.source_uri(request)

    def received(self, request: Request, run: Run, flags: SaveFlags, path: str) -> tuple[str, int]:
        """The URI of the address that the request came from, as script or Path say, and the branch flags."""
        received = "" if self.received_avp is None else text_of(self.received_avp.read(run))
        cflags = request.branch_flags
        if path and flags.path_received:
            outer = contacts.received_of(request.values(PATH))
            if outer:
                received = outer
                cflags |= self.nat_flags
        return received, cflags

    def path(self, request: Request, flags: SaveFlags) -> tuple[str, bytes]:
        """The Path values to keep, and the header to answer with (RFC 3327)."""
        if flags.path is None:
            return "", b""
        path = ",".join([each.value for each in request.headers(PATH)])
        if not path:
            return "", b""
        if flags.path == PATH_OFF:
            return path, b""
        header = f"Path: {path}\r\n".encode("utf-8", "surrogateescape")
        if contacts.supports(request, "path"):
            return path, header
        if flags.path == PATH_STRICT:
            raise Refused(420, "No support for found Path indicated", b"Unsupported: path\r\n" + header)
        return path, b""

    def imposed(self, run: Run, named: list[NameAddr]) -> dict[str, int]:
        """The seconds that the answer of the main registrar gives to each contact of the request."""
        changed = None if self.mcontact_avp is None else text_of(self.mcontact_avp.read(run))
        answered = run.message.contacts
        default = run.message.expires
        found: dict[str, int] = {}
        for contact in named:
            wanted = contact.uri if not changed else NameAddr.parse(changed).uri
            for each in answered:
                if same(each.uri, wanted):
                    seconds = each.expires if each.expires is not None else default
                    if seconds is not None:
                        found[contact.uri] = seconds
        return found

    def keep_connection(self, request: Request, new: list[Binding], now: Seconds) -> None:
        """Leave the connection of the request open as long as the longest contact lasts."""
        if request.connection is not None and request.flags >> self.tcp_persistent_flag & 1:
            request.connection.keep(max((each.expires for each in new), default=now) - now)

    def aor(self, uri: Uri) -> str:
        """The address-of-record that *uri* means, or Refused."""
        host = uri.host
        if uri.scheme not in SCHEMES and uri.scheme.lower() not in SCHEMES:  # RFC 3261, 10.3 step 5
            raise Refused(400, "Address Of Record Of An Unknown Scheme")
        if self.realm_prefix and host.lower().startswith(self.realm_prefix):
            uri = uri.replace(host=host[len(self.realm_prefix):])
        if len(uri.user) > self.max_username_len or len(host) > self.max_domain_len:
            raise Refused(400, "Address Of Record Too Long")
        aor: str = self.usrloc.aor_of(uri)
        if not aor or (not uri.user and not self.use_domain):
            raise Refused(400, "No User In Address Of Record")
        if len(aor) > self.max_aor_len:
            raise Refused(400, "Address Of Record Too Long")
        return aor if self.case_sensitive else aor.lower()


def first_value(path: str) -> str:
    """The first of the values of Path."""
    quoted = depth = False
    for position, character in enumerate(path):
        if character == '"':
            quoted = not quoted
        elif character in "<>" and not quoted:
            depth = character == "<"
        elif character == "," and not quoted and not depth:
            return path[:position]
    return path


def text_of(value: Any) -> str:
    """The value of a variable as text; NULL is empty."""
    return "" if value is None else str(value)


