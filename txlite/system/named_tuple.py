"""NamedTuple as typing has it, but quick to import: fifteen records of collections.namedtuple take four milliseconds
and the import of typing nine, and a command that reads has forty in all. Type checkers see the real one. Used for
every record of the package.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from operator import itemgetter

    class _FromAnnotations(type):
        def __new__(mcs, name, bases, body):
            fields = tuple(body.get("__annotations__", ()))
            defaults = {field: body.pop(field) for field in fields if field in body}
            getters = {field: property(itemgetter(place)) for place, field in enumerate(fields)}
            own = {"__slots__": (), "_fields": fields, "_defaults": defaults, "_last": tuple(defaults.values())}
            return super().__new__(mcs, name, bases, {**body, **getters, **own})

    class NamedTuple(tuple, metaclass=_FromAnnotations):
        """A base whose subclasses are tuples with a name for each annotated place."""

        def __new__(cls, *values, **named):
            lacking = len(cls._fields) - len(values)
            if not named and 0 <= lacking <= len(cls._last):  # the usual cases, in a third of the time
                return tuple.__new__(cls, values + cls._last[len(cls._last) - lacking :])
            missing = cls._fields[len(values) :]
            values += tuple(named.pop(name) if name in named else cls._defaults[name] for name in missing)
            if named or len(values) != len(cls._fields):
                raise TypeError(f"{cls.__name__} has the fields {', '.join(cls._fields)}")
            return tuple.__new__(cls, values)

        @classmethod
        def _make(cls, values):
            made = tuple.__new__(cls, values)
            if len(made) != len(cls._fields):
                raise TypeError(f"{cls.__name__} has {len(cls._fields)} fields, not {len(made)}")
            return made

        def _replace(self, **changes):
            made = tuple.__new__(type(self), map(changes.pop, self._fields, self))
            if changes:
                raise TypeError(f"{type(self).__name__} has no field {', '.join(changes)}")
            return made

        def _asdict(self):
            return dict(zip(self._fields, self))

        def __getnewargs__(self):
            return tuple(self)

        def __repr__(self):
            fields = ", ".join(f"{name}={value!r}" for name, value in zip(self._fields, self))
            return f"{type(self).__name__}({fields})"


__all__ = ["NamedTuple"]
