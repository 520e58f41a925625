"""NamedTuple as typing has it, without typing: its import costs nine milliseconds, and a command that reads has
forty in all. Type checkers see the real one. Used for every record of the package.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from collections import namedtuple

    class _FromAnnotations(type):
        def __new__(mcs, name, bases, body):
            if not bases:
                return super().__new__(mcs, name, bases, body)
            fields = list(body.get("__annotations__", ()))
            defaults = [body.pop(field) for field in fields if field in body]
            base = namedtuple(name, fields, defaults=defaults)
            return type(name, (base,), {**body, "__slots__": ()})

    class NamedTuple(metaclass=_FromAnnotations):
        """A base whose subclasses become named tuples of their annotations."""


__all__ = ["NamedTuple"]
