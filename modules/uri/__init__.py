"""Ask about URIs and change them: parameters, telephone numbers, the user who authenticated."""
from opensips_py.errors import MalformedMessage
from opensips_py.module import Module, Route, script
from opensips_py.modules.uri.checking import Checking
from opensips_py.sip import Credentials, Request
from opensips_py.sip.uris import add_parameter, has_e164_user, has_parameter, turn_tel_into_sip

INITIAL = Route.REQUEST | Route.LOCAL
CREDENTIALS = ("Authorization", "Proxy-Authorization")


class UriModule(Checking, Module, name="uri"):
    """Checks and changes of URIs, and whether users may have them, by a table of URIs or of users. What asks an AAA
    server waits for the modules that reach one.

    has_totag and is_uri_user_e164 are of module sipmsgops in 4.0, so they are of this one in 2.1 alone; what asks a
    database is of module auth_db there.
    """

    @script(INITIAL)
    def is_user(self, request: Request, username: str) -> bool:
        """Whether the request carries digest credentials, and all of them are of *username* (its part before @).
        The credentials must have been checked before; several in one request that differ count as somebody else."""
        names = [name for header in CREDENTIALS for each in request.headers(header)
                 if (name := user_of(each.value)) is not None]
        return bool(names) and all(name == username for name in names)

    @script(INITIAL, dialect="2.1")
    def has_totag(self, request: Request) -> bool:
        """Whether To has a tag, so that the request belongs to a dialog."""
        return bool(request.to_tag)

    @script(INITIAL)
    def uri_param(self, request: Request, param: str, value: str = "") -> bool:
        """Whether the Request-URI has parameter *param*, with this *value*; without one, as a flag alone."""
        return has_parameter(request, param, value)

    @script(Route.REQUEST)
    def add_uri_param(self, request: Request, param: str) -> bool:
        """Add *param* (name=value) to the Request-URI, behind its other parameters."""
        return add_parameter(request, param)

    @script(Route.REQUEST)
    def tel2sip(self, request: Request) -> bool:
        """Turn a tel URI of the request into a SIP URI at the host of From (RFC 3261, 19.1.6); others stay."""
        return turn_tel_into_sip(request)

    @script(Route.REQUEST | Route.FAILURE | Route.LOCAL, dialect="2.1")
    def is_uri_user_e164(self, uri: str) -> bool:
        """Whether the user of *uri* is an E.164 number: + and 2 to 15 digits."""
        return has_e164_user(uri)


def user_of(credentials: str) -> str | None:
    """The user in a header value with digest credentials, without a domain; None where it has none."""
    try:
        return Credentials.parse(credentials).username.partition("@")[0]
    except MalformedMessage:
        return None
