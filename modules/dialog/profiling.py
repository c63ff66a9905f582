"""Functions and management commands on profiles."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.dialog.record import Dialog
from opensips_py.errors import ConfigError
from opensips_py.mi.tree import Node, rendered
from opensips_py.module import (
    Format,
    Kind,
    MIError,
    Route,
    Run,
    VariableSpec,
    Writable,
    mi,
    param,
    script,
)
from opensips_py.module.caches import CacheError
from opensips_py.modules.dialog import listing
from opensips_py.modules.dialog.management import one_of, window
from opensips_py.modules.dialog.profiles import Profile, profiles_of
from opensips_py.modules.dialog.table import Dialogs

if TYPE_CHECKING:
    import logging

ANYWHERE = Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH
NOT_FOUND, BAD = 404, 400


@dataclass(frozen=True, slots=True)
class Argument:
    """A text with variables in it, and the variable that it is if it is nothing else."""

    format: Format
    spec: VariableSpec | None


@dataclass(frozen=True)
class EitherKind(Kind):
    """A value, or a variable to assign: 2.1 tells them apart by how many arguments there are."""

    name = "string|var"
    script = True

    def compile(self, value: str, language: Any) -> Argument:
        """Both of what a text may mean."""
        return Argument(language.format(value), language.variable(value) if value.startswith("$") else None)


Either = Annotated[Any, EitherKind()]


def size_tree(data: dict[str, Any]) -> list[Node]:
    """The size of a profile as 2.1 writes it."""
    profile = data["Profile"]
    return [Node("Profile", None, {"name": profile["name"], "value": profile["value"], "count": profile["count"],
                                   "shared": profile["shared"]})]


def values_tree(data: list[dict[str, Any]]) -> list[Node]:
    """The values of a profile as 2.1 writes them."""
    return [Node("value", each["value"], {"count": each["count"]}, listed=True) for each in data]


def profiles_tree(data: dict[str, Any]) -> list[Node]:
    """All profiles as 2.1 writes them."""
    return [Node(each["name"], each["has value"]) for each in data["Profiles"]]


class Profiling:
    """Dialogs enter profiles and leave them, and are counted there."""

    dialogs: Dialogs
    log: logging.Logger
    current: Callable[[Run], Dialog | None]
    entry: Callable[[Dialog, bool], dict[str, Any]]
    is_shared: Callable[[Profile], bool]
    shared_size: Callable[[Profile, str | None], int]
    end_by_hand: Callable[..., bool]
    named: Callable[[str], Dialog | None]
    profiles_with_value: str = param("", "Names of the profiles whose members have a value, separated by semicolons.")
    profiles_no_value: str = param("", "Names of the profiles whose members have none, separated by semicolons.")

    def read_profiles(self) -> None:
        """Read the parameters."""
        self.profiles: dict[str, Profile] = {}
        for text, has_value, parameter in ((self.profiles_no_value, False, "profiles_no_value"),
                                           (self.profiles_with_value, True, "profiles_with_value")):
            for profile in profiles_of(text, has_value, parameter):
                if profile.name in self.profiles:
                    raise ConfigError(f"profile {profile.name} is there already", "dialog", parameter)
                self.profiles[profile.name] = profile

    def profile(self, name: str) -> Profile | None:
        """The profile *name*; an unknown one is logged."""
        found = self.profiles.get(name.partition("/")[0])
        if found is None:
            self.log.error("there is no profile %s", name)
        return found

    def enter(self, dialog: Dialog, profile: Profile, value: str | None) -> None:
        """Put a dialog into a profile; it may be in it several times, with the same value even."""
        member = profile.name, value if profile.has_value else None
        if dialog.profiles is None:
            dialog.profiles = []
        if not dialog.is_over:
            dialog.profiles.append(member)
            self.dialogs.recount(dialog, [(member, 1)])

    def leave(self, dialog: Dialog, profile: Profile, value: str | None) -> bool:
        """Take a dialog out of a profile once, or without *value* wholly; false where it is not in it."""
        gone = [each for each in dialog.profiles or () if each[0] == profile.name
                and (value is None or not profile.has_value or each[1] == value)]
        if value is not None or not profile.has_value:
            del gone[1:]
        if not gone or dialog.profiles is None or dialog.is_over:
            return False
        for each in gone:
            dialog.profiles.remove(each)
        self.dialogs.recount(dialog, [(each, -1) for each in gone])
        return True

    def put_in(self, dialog: Dialog | None, name: str, value: str | None, clear: bool) -> bool:
        """set_dlg_profile for a dialog."""
        profile = self.profile(name)
        if dialog is None or profile is None:
            return False
        if profile.has_value and value is None:
            self.log.error("profile %s needs a value", name)
            return False
        if clear:
            self.leave(dialog, profile, None)
        self.enter(dialog, profile, value)
        return True

    # --- functions --------------------------------------------------------------------------------------------------

    @script(ANYWHERE, dialect="2.1", name="set_dlg_profile")
    def set_profile_21(self, run: Run, profile: str, value: str | None = None) -> bool:
        """Put the dialog into *profile*, with *value* if members of it have one."""
        return self.put_in(self.current(run), profile, value, False)

    @script(ANYWHERE, dialect="4.0", name="set_dlg_profile")
    def set_profile(self, run: Run, profile: str, value: str | None = None, clear_values: int = 0) -> bool:
        """Put the dialog into *profile*, with *value* if members of it have one; with *clear_values* other values that
        it has there go."""
        return self.put_in(self.current(run), profile, value, bool(clear_values))

    @script(ANYWHERE, name="unset_dlg_profile")
    def unset_profile(self, run: Run, profile: str, value: str | None = None) -> bool:
        """Take the dialog out of *profile* once, or without *value* with all values that it has there; false where it
        is not in it."""
        dialog, found = self.current(run), self.profile(profile)
        return dialog is not None and found is not None and self.leave(dialog, found, value)

    @script(ANYWHERE | Route.LOCAL)
    def is_in_profile(self, run: Run, profile: str, value: str | None = None) -> bool:
        """Whether the dialog is in *profile*, with *value* if one is given."""
        dialog, found = self.current(run), self.profile(profile)
        if dialog is None or found is None:
            return False
        return any(each[0] == found.name and (value is None or not found.has_value or each[1] == value)
                   for each in dialog.profiles or ())

    def size_of(self, profile: Profile, value: str | None) -> int:
        """How many members a profile has; may wait for the store of shared ones."""
        asked = value if profile.has_value else None
        if self.is_shared(profile):
            return self.shared_size(profile, asked)
        return self.dialogs.sizes.size(profile.name, asked)

    @script(Route.ANY, dialect="2.1", name="get_profile_size", waits=True)
    def get_profile_size_21(self, run: Run, profile: str, value: Either = None, size: Either = None) -> bool:
        """Put how many dialogs are in *profile*, with *value* if one is given, on all workers, into the variable that
        is the last argument."""
        target = size or value
        if target is None or target.spec is None or target.spec.write is None:
            self.log.error("get_profile_size: the last argument is a variable to assign")
            return False
        asked = value.format(run) if value is not None and size is not None else None
        return self.get_profile_size(profile, asked, Writable(run, target.spec))

    @script(Route.ANY, dialect="4.0", waits=True)
    def get_profile_size(self, profile: str, value: str | None, size: Writable) -> bool:
        """Put into *size* how many dialogs are in *profile*, with *value* if one is given, on all workers."""
        found = self.profile(profile)
        if found is None:
            return False
        try:
            size.set(self.size_of(found, value))
        except (CacheError, ValueError) as error:
            self.log.error("the size of profile %s: %s", profile, error)
            return False
        return True

    # --- management -------------------------------------------------------------------------------------------------

    def known(self, name: str) -> Profile:
        """The profile that a command names."""
        found = self.profiles.get(name)
        if found is None:
            raise MIError(NOT_FOUND, "Profile not found")
        return found

    @mi("profile_get_size", v40="dialog:profile_get_size")
    @rendered(size_tree)
    def profile_size(self, profile: str, value: str | None = None) -> dict[str, Any]:
        """Tell how many dialogs are in *profile*, with *value* if one is given."""
        found = self.known(profile)
        try:
            size = self.size_of(found, value)
        except (CacheError, ValueError) as error:
            raise MIError(500, str(error)) from None
        return {"Profile": {"name": found.name, "value": value, "count": size,
                            "shared": "yes" if found.shared == "s" else "no",
                            "replicated": "yes" if found.shared == "b" else "no"}}

    @mi("profile_get_values", v40="dialog:profile_get_values")
    @rendered(values_tree)
    def profile_values(self, profile: str) -> list[dict[str, Any]]:
        """List the values in *profile*, each with its number of dialogs; of one without values their number."""
        found = self.known(profile)
        if self.is_shared(found):
            raise MIError(BAD, "Unsupported command for shared profiles")
        sizes = self.dialogs.sizes
        if not found.has_value:
            return [{"value": None, "count": sizes.size(found.name, None)}]
        return [{"value": value, "count": count} for value, count in sizes.values(found.name)]

    @mi("list_all_profiles", v40="dialog:list_all_profiles")
    @rendered(profiles_tree)
    def list_profiles(self) -> dict[str, Any]:
        """List all profiles, and whether their members have values."""
        return {"Profiles": [{"name": each.name, "has value": each.has_value} for each in self.profiles.values()]}

    def members(self, name: str, value: str | None) -> list[Dialog]:
        """The dialogs of this worker in a profile."""
        found = self.known(name)
        return [dialog for dialog in self.dialogs if not dialog.is_over and any(
            each[0] == found.name and (value is None or not found.has_value or each[1] == value)
            for each in dialog.profiles or ())]

    @mi("profile_list_dlgs", v40="dialog:profile_list_dlgs", scope="each", merge=window)
    @rendered(listing.tree)
    def profile_dialogs(self, profile: str, value: str | None = None) -> dict[str, Any]:
        """List the dialogs in *profile*, with *value* if one is given."""
        return {"window": (0, None), "count": 0, "single": False,
                "Dialogs": [self.entry(each, False) for each in self.members(profile, value)]}

    @mi(None, "profile_end_dlgs", v40="dialog:profile_end_dlgs", dialect="4.0", scope="each",
        merge=lambda answers: answers[0])
    def end_profile(self, profile: str, value: str | None = None) -> str:
        """End all dialogs in *profile*, with *value* if one is given."""
        for dialog in self.members(profile, value):
            self.end_by_hand(dialog)
        return "OK"

    @mi(None, "dlg_set_profile", v40="dialog:set_profile", dialect="4.0", scope="each", merge=one_of)
    def set_by_hand(self, dlg_id: str, profile: str, value: str | None = None, clear_values: int = 0) -> str | None:
        """Put a dialog, named by its identifier or Call-ID, into *profile*."""
        self.known(profile)
        dialog = self.named(dlg_id)
        if dialog is None:
            return None
        return "OK" if self.put_in(dialog, profile, value, bool(clear_values)) else "Failed to set profile"

    @mi(None, "dlg_unset_profile", v40="dialog:unset_profile", dialect="4.0", scope="each", merge=one_of)
    def unset_by_hand(self, dlg_id: str, profile: str, value: str | None = None) -> str | None:
        """Take a dialog, named by its identifier or Call-ID, out of *profile*."""
        found = self.known(profile)
        dialog = self.named(dlg_id)
        if dialog is None:
            return None
        return "OK" if self.leave(dialog, found, value) else "Failed to unset profile"
