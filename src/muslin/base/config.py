"""Configs are frozen dataclasses whose defaults are the documentation; overlays are strict and name the near miss.

`overlay(config, ["net.width=64"])` gives a changed copy. Knows numbers, text, yes/no, tuples and nested configs; not files.
"""

import json
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from muslin.base.errors import SettingError, nearest

C = typing.TypeVar("C")
_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def overlay(config: C, settings: Iterable[str]) -> C:
    """A copy of `config` with `name=value` settings applied, all at once; nested names are written with dots.

    Raises SettingError that names the nearest known setting, or the type that the value should have.
    """
    given: dict[str, str] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise SettingError(f"'{setting}': a setting is written name=value")
        given |= {name.strip(): value.strip()}
    return _with(config, {tuple(name.split(".")): value for name, value in given.items()}, names(config))


def _with(config: C, given: dict[tuple[str, ...], str], known: list[str], above: str = "") -> C:
    hints, changed = typing.get_type_hints(type(config)), dict[str, Any]()
    for (head, *rest), value in given.items():
        whole, inner = ".".join((above + head, *rest)), getattr(config, head, None)
        if head not in hints or (rest and not is_dataclass(inner)):
            raise SettingError(f"there is no setting '{whole}'{nearest(whole, known)}")
        if not rest:
            changed[head] = _cast(hints[head], value, whole)
        elif head not in changed:
            inside = {tuple(path[1:]): text for path, text in given.items() if path[0] == head and path[1:]}
            changed[head] = _with(typing.cast(Any, inner), inside, known, f"{above}{head}.")
    try:
        return typing.cast(C, replace(typing.cast(Any, config), **changed))
    except ValueError as failure:
        told = ", ".join(f"{above}{'.'.join(path)}={value}" for path, value in given.items())
        raise SettingError(f"{told}: {failure}") from failure


def as_dict(config: Any) -> dict[str, Any]:
    """Plain nested values as JSON has them (tuples become lists), so that what is read back compares equal."""
    plain: dict[str, Any] = {}
    for f in fields(config):
        plain[f.name] = _plain_value(getattr(config, f.name))
    return plain


def _plain_value(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain_value(part) for part in value]
    return as_dict(value) if is_dataclass(value) else value


def from_dict(kind: type[C], plain: Mapping[str, Any]) -> C:
    """The config of class `kind` that `as_dict` made plain. Raises SettingError on unknown names or wrong types."""
    hints = typing.get_type_hints(kind)
    given: dict[str, Any] = {}
    for name, value in plain.items():
        if name not in hints:
            raise SettingError(f"{kind.__name__} has no setting '{name}'{nearest(name, hints)}")
        given[name] = _cast(hints[name], value, name)
    try:
        return kind(**given)
    except TypeError as failure:
        raise SettingError(f"{kind.__name__}: {failure}") from failure


def names(config: Any, prefix: str = "") -> list[str]:
    """All settings of a config, nested ones with dots."""
    found: list[str] = []
    for f in fields(config):
        value = getattr(config, f.name)
        found += names(value, f"{prefix}{f.name}.") if is_dataclass(value) else [prefix + f.name]
    return found


def _cast(hint: Any, value: Any, name: str) -> Any:
    if is_dataclass(hint) and isinstance(value, Mapping):
        return from_dict(typing.cast(type[Any], hint), value)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None or value == "none":
            return None
        return _cast(next(kind for kind in inner if kind is not type(None)), value, name)
    if origin is typing.Literal:
        if value not in inner:
            raise SettingError(f"{name}={value}: not one of {', '.join(map(str, inner))}{nearest(str(value), map(str, inner))}")
        return value
    if origin is tuple:
        parts = value.split(",") if isinstance(value, str) else list(value)
        return tuple(_cast(inner[0], part, name) for part in parts if part != "")
    return _plain(hint, value, name)


def _plain(hint: Any, value: Any, name: str) -> Any:
    if is_dataclass(hint):
        raise SettingError(f"{name} is a group of settings; name one of them, as in {name}.{fields(hint)[0].name}=...")
    if hint is bool:
        if isinstance(value, str) and value.lower() in _WORDS:
            return _WORDS[value.lower()]
        if isinstance(value, bool):
            return value
    elif hint in (int, float, str) and not isinstance(value, bool):
        try:
            number = hint(value)
            if hint is int and not isinstance(value, (int, str)) and number != value:
                raise ValueError
            return number
        except (TypeError, ValueError):
            pass
    raise SettingError(f"{name}={value}: should be {'yes or no' if hint is bool else 'of type ' + hint.__name__}")


def to_json(config: Any) -> str:
    """One line of JSON, for a file's metadata."""
    return json.dumps(as_dict(config), ensure_ascii=False, sort_keys=True)
