"""Which stored binding a contact means."""
from __future__ import annotations

from collections.abc import Hashable, Iterable

from opensips_py.errors import MalformedMessage
from opensips_py.sip import Uri
from opensips_py.state._bindings import Binding

CONTACT_ONLY, CONTACT_AND_CALL_ID = 0, 1
Mode = int | str  # a text is the name of the URI parameter that alone decides


def find(bindings: list[Binding], new: Binding, mode: Mode = CONTACT_ONLY) -> Binding | None:
    """The one of *bindings* that *new* would refresh."""
    if not bindings:
        return None
    if new.reg_id:
        return flow(bindings, new)
    if isinstance(mode, str):
        return by_parameter(bindings, new.contact, mode)
    for each in bindings:
        if each.contact == new.contact and (mode == CONTACT_ONLY or each.call_id == new.call_id):
            return each
    return equivalent(bindings, new, mode)


class Known:
    """Bindings among which many are looked for: each is compared only with those that may be the same."""

    def __init__(self, bindings: Iterable[Binding]) -> None:
        self._alike: dict[Hashable, list[Binding]] = {}
        for each in bindings:
            self.add(each)

    def add(self, binding: Binding) -> None:
        """There is one more."""
        self._alike.setdefault(likeness(binding.contact), []).append(binding)

    def find(self, bindings: list[Binding], new: Binding, mode: Mode = CONTACT_ONLY) -> Binding | None:
        """As find() does; what is not among *bindings* any more does not count."""
        if new.reg_id or isinstance(mode, str):
            return find(bindings, new, mode)
        return find([each for each in self._alike.get(likeness(new.contact), ()) if each in bindings], new, mode)


def likeness(contact: str) -> Hashable:
    """What contacts have in common that are the same URI."""
    uri = parsed(contact)
    return (uri.scheme, uri.aor(), uri.port) if uri is not None and uri.is_sip else contact.lower()


def flow(bindings: list[Binding], new: Binding) -> Binding | None:
    """RFC 5626, 6: a flow is known by instance and reg-id, whatever its contact says."""
    return next((each for each in bindings if each.reg_id == new.reg_id and each.instance == new.instance), None)


def by_parameter(bindings: list[Binding], contact: str, name: str) -> Binding | None:
    """The binding whose URI has the same value of parameter *name*, else one that has none."""
    uri = parsed(contact)
    if uri is None:
        return None
    wanted, values = uri.parameter(name), [parameter(each.contact, name) for each in bindings]
    return next((bindings[values.index(value)] for value in (wanted, None) if value in values), None)


def equivalent(bindings: list[Binding], new: Binding, mode: int) -> Binding | None:
    """RFC 3261, 10.3 step 7: contacts are compared as URIs (19.1.4), not as texts."""
    uri = parsed(new.contact)
    if uri is None:
        return None
    for each in bindings:
        if mode == CONTACT_AND_CALL_ID and each.call_id != new.call_id:
            continue
        other = parsed(each.contact)
        if other is not None and uri.equals(other):
            return each
    return None


def same(contact: str, other: str) -> bool:
    """Whether two contacts are the same URI."""
    if contact == other:
        return True
    first, second = parsed(contact), parsed(other)
    return first is not None and second is not None and first.equals(second)


def parameter(contact: str, name: str) -> str | None:
    """The value of a parameter of a contact URI."""
    uri = parsed(contact)
    return None if uri is None else uri.parameter(name)


def parsed(contact: str) -> Uri | None:
    """A contact as a URI, if it is one."""
    try:
        return Uri.parse(contact)
    except MalformedMessage:
        return None
