"""Events: what a module tells to subscribers."""
from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, dataclass_transform

from opensips_py.module.declare import EventDeclaration


@dataclass_transform(field_specifiers=())
class Event:
    """Base of all events; the class is named as the event, its annotated fields are the parameters, in order.

    A parameter whose name is no Python name (or differs from the field's) is given in *parameter_names*.
    """

    event_name: ClassVar[str] = ""
    parameter_names: ClassVar[dict[str, str]] = {}

    def __init_subclass__(cls, name: str = "", **names: str) -> None:
        super().__init_subclass__()
        cls.event_name = name or cls.__name__
        cls.parameter_names = names
        dataclasses.dataclass(cls)

    def values(self) -> dict[str, Any]:
        """Parameters by name, as subscribers see them; None is left out."""
        fields = ((each.name, getattr(self, each.name)) for each in dataclasses.fields(self))  # type: ignore[arg-type]
        return {self.parameter_names.get(name, name): value for name, value in fields if value is not None}

    @classmethod
    def declaration(cls) -> EventDeclaration:
        """This event as data."""
        parameters = tuple((cls.parameter_names.get(each.name, each.name), each.type)
                           for each in dataclasses.fields(cls))  # type: ignore[arg-type]
        return EventDeclaration(cls.event_name, parameters, (cls.__doc__ or "").strip())
