"""One notation for everything a recipe is made of: ``R1(10, every=16)``, ``nonsaturating``, ``0.0002``, ``[8, 16]``.

A recipe is data. It is written to JSON and given on the command line in the notation below, which is a subset of
Python's own expressions, so what is printed can be pasted back. Nothing is ever evaluated: the text is read by
``ast.parse`` and only literals, and calls of names that the caller lists, are accepted.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, Union

__all__ = ["Recorded", "defaults", "fits", "from_plain", "kind_name", "kinds", "read", "write"]


LARGEST = 2**63  # of a number in the notation: no float overflows, and no integer fails to become one


class Recorded:
    """Remembers the arguments its constructor was called with, defaults included, in ``self.config``.

    The signature is the config: no class writes its options twice, and an object can be written to JSON and built
    again from it.
    """

    config: dict[str, Any]

    def __new__(cls, *args: Any, **kwargs: Any):
        self = super().__new__(cls)
        # copy.deepcopy builds an empty object and fills its __dict__: there is no call to remember then.
        bound = _signature(cls).bind_partial(*args, **kwargs)
        bound.apply_defaults()
        self.__dict__["config"] = {k: v for k, v in bound.arguments.items() if k != "args"}
        return self


def write(value: Any) -> str:
    """The notation of a recipe's value; ``read(write(value), names)`` builds an equal one.

    Errors: ``ValueError`` for a value that the notation cannot express (a closure, a tensor, ...).
    """
    if value is None or isinstance(value, (bool, int, str)):
        return repr(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} cannot be part of a recipe: numbers must be finite")
        return repr(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(write(v) for v in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k!r}: {write(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Recorded):
        return _call(type(value).__name__, value.config)
    if name := getattr(value, "constant_name", None):  # a named constant, such as an Objective
        return name
    if dataclasses.is_dataclass(value):
        return _call(type(value).__name__, {f.name: getattr(value, f.name) for f in dataclasses.fields(value)})
    raise ValueError(f"{value!r} cannot be part of a recipe: expected a literal, a named constant, a dataclass or a term")


def _call(name: str, arguments: Mapping[str, Any]) -> str:
    return f"{name}({', '.join(f'{k}={write(v)}' for k, v in arguments.items())})"


def read(text: str, names: Mapping[str, Any]) -> Any:
    """Reads the notation. ``names`` maps every accepted name to a class (called) or a constant (taken as it is).

    A tuple without brackets is accepted (``R1(10), Drift()``); sequences come back as tuples.
    Errors: ``ValueError`` that names what was not understood, with the known names.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"cannot read {text!r}: {getattr(error, 'msg', error)}") from None
    return _value(tree, names, text)


def _value(node: ast.expr, names: Mapping[str, Any], text: str) -> Any:
    if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, (bool, int, float, str))):
        if isinstance(node.value, (int, float)) and not abs(node.value) < LARGEST:
            raise ValueError(f"a number in {text[:80]!r} is too large")
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _value(node.operand, names, text)
        if isinstance(value, (int, float)):
            return -value
    if isinstance(node, (ast.Tuple, ast.List)):
        return tuple(_value(n, names, text) for n in node.elts)
    if isinstance(node, ast.Dict) and None not in node.keys:
        return {_value(k, names, text): _value(v, names, text) for k, v in zip(node.keys, node.values)}
    if isinstance(node, ast.Name):
        found = _lookup(node.id, names)
        if isinstance(found, type):
            raise ValueError(f"{node.id} needs its brackets: {node.id}{_signature(found)}")
        return found
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        found = _lookup(node.func.id, names)
        if not isinstance(found, type):
            raise ValueError(f"{node.func.id} is a constant: write it without brackets")
        args = [_value(a, names, text) for a in node.args]
        kwargs = {k.arg: _value(k.value, names, text) for k in node.keywords if k.arg}
        return _built(found, args, kwargs, ast.unparse(node))
    raise ValueError(f"cannot read {ast.unparse(node)!r} in {text!r}: expected numbers, text, lists or Name(argument=value)")


def _built(cls: type, args: list[Any], kwargs: dict[str, Any], text: str) -> Any:
    signature = _signature(cls)
    try:
        given = signature.bind(*args, **kwargs).arguments
    except TypeError as error:
        raise ValueError(f"{text}: {error}; expected {cls.__name__}{signature}") from None
    known = kinds(cls)
    for name, value in given.items():
        if not fits(value, known[name]):
            raise ValueError(f"{text}: {name} must be {kind_name(known[name])}, got {value!r}")
    return cls(*args, **kwargs)


def _signature(cls: type) -> inspect.Signature:
    """Of its constructor: what Python says of a class differs between versions where a base has ``__new__``."""
    signature = inspect.signature(cls.__init__)
    return signature.replace(parameters=list(signature.parameters.values())[1:], return_annotation=inspect.Signature.empty)


def kinds(cls: type) -> dict[str, Any]:
    """Parameter of the class's constructor -> its annotated type."""
    hints = typing.get_type_hints(cls.__init__)
    return {name: hints.get(name, Any) for name in _signature(cls).parameters}


def defaults(cls: type) -> dict[str, Any]:
    """Parameter of the class's constructor -> its default, where it has one."""
    return {p.name: p.default for p in _signature(cls).parameters.values() if p.default is not p.empty}


def fits(value: Any, kind: Any) -> bool:
    """Whether a value is of an annotated type: classes, unions, ``Literal``, tuples part by part. A whole number may stand
    for a float; True and False are no numbers."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return True
    if origin in (Union, types.UnionType):
        return any(fits(value, part) for part in parts)
    if origin is Literal:
        return value in parts
    if origin is tuple:
        each = parts[:1] * len(value) if parts[-1] is ... and isinstance(value, tuple) else parts
        return isinstance(value, tuple) and len(value) == len(each) and all(map(fits, value, each))
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else origin or kind)


def kind_name(kind: Any) -> str:
    """An annotated type in words, for messages."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(map(kind_name, parts))
    if origin is Literal:
        return f"one of {', '.join(map(str, parts))}"
    if origin is tuple:
        return f"a list of {kind_name(parts[0])}" if parts[-1] is ... else f"[{', '.join(map(kind_name, parts))}]"
    if kind is type(None):
        return "none"
    return getattr(origin or kind, "__name__", str(kind))


def from_plain(cls: type, data: Any) -> Any:
    """The object whose constructor's arguments a JSON object holds, checked type by type: its lists become tuples, and the
    objects in them the dataclasses that the annotations name.

    Errors: ``ValueError`` for what is no object, for an unknown key, a missing one, or a value of another type.
    """
    what = cls.__name__
    if not isinstance(data, Mapping):
        raise ValueError(f"{what} must be a JSON object, got {type(data).__name__}")
    known, parameters = kinds(cls), _signature(cls).parameters
    if unknown := sorted(set(data) - set(known)):
        raise ValueError(f"unknown key {unknown[0][:50]!r} in {what}; known: {', '.join(known)}")
    if missing := [name for name, p in parameters.items() if p.default is p.empty and name not in data]:
        raise ValueError(f"key {missing[0]!r} is missing in {what}")
    values = {name: _from_plain(value, known[name]) for name, value in data.items()}
    for name, value in values.items():
        if not fits(value, known[name]):
            raise ValueError(f"{name} must be {kind_name(known[name])}, got {str(value)[:50]!r}")
    return cls(**values)


def _from_plain(value: Any, kind: Any) -> Any:
    options = typing.get_args(kind) if typing.get_origin(kind) in (Union, types.UnionType) else (kind,)
    if isinstance(value, list):
        parts = next((typing.get_args(k) for k in options if typing.get_origin(k) is tuple), (Any, ...))
        each = parts[:1] * len(value) if parts[-1] is ... else (*parts, *[Any] * len(value))
        return tuple(_from_plain(v, k) for v, k in zip(value, each))
    if type(value) is int and float in options and int not in options and abs(value) <= 2**53:
        return float(value)  # scripts write 1.0 as 1, and a tensor of whole numbers is another
    wanted = next((k for k in options if dataclasses.is_dataclass(k)), None)
    return from_plain(wanted, value) if wanted is not None and isinstance(value, dict) else value


def _lookup(name: str, names: Mapping[str, Any]) -> Any:
    if name not in names:
        raise ValueError(f"unknown name {name!r}; known: {', '.join(sorted(names)) or 'none'}")
    return names[name]
