"""Settings from defaults, `tonewright.toml`, the user's file and the environment; the later one wins."""

from __future__ import annotations

import dataclasses
import difflib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tomli

from tonewright.config.schema import Config, HostEntry
from tonewright.errors import ConfigError

FILE_NAME = "tonewright.toml"
ENV_PREFIX = "TONEWRIGHT_"

Layer = tuple[str, dict[str, Any]]  # where it comes from, and {section: {key: value}} or {setting: value}
TOP = ""  # the section of settings that stand above every [section]


def load(
    files: Iterable[Path], env: Mapping[str, str] = os.environ, below: Iterable[Layer] = ()
) -> tuple[Config, dict[str, str]]:
    """Merge the layers, `below` first; returns the configuration and {"section.key": where its value came from}.

    Raises `ConfigError` naming file and key for anything that does not parse, is unknown or has the wrong type.
    """
    layers = [*below, *((str(f), _read(f)) for f in files if f.is_file())]
    layers += _from_environment(env)
    origins: dict[str, str] = {}
    values: dict[str, dict[str, Any]] = {}
    for origin, layer in layers:
        for section, keys in layer.items():
            _merge(values, origins, origin, section, keys)
    sections: dict[str, Any] = values.pop(TOP, {})
    for section, keys in values.items():
        if section == "hosts":
            sections[section] = {name: HostEntry(**entry) for name, entry in keys.items()}
        else:
            sections[section] = type(getattr(Config(), section))(**keys)
    return Config(**sections), origins


def _merge(values: dict[str, dict[str, Any]], origins: dict[str, str], origin: str, section: str, keys: object) -> None:
    known = [f.name for f in dataclasses.fields(Config)]
    if section not in known:
        raise _unknown(origin, f"[{section}]", section, known)
    if not dataclasses.is_dataclass(getattr(Config(), section)) and section != "hosts":
        values.setdefault(TOP, {})[section] = _checked(origin, section, Config(), section, keys)
        origins[section] = origin
        return
    if not isinstance(keys, dict):
        raise ConfigError(f"{origin}: {section} is not a table", f"write it as [{section}]")
    for key, value in keys.items():
        name = f"{section}.{key}"
        if section == "hosts":
            values.setdefault(section, {})[key] = _host(origin, name, value)
        else:
            default = getattr(Config(), section)
            values.setdefault(section, {})[key] = _checked(origin, name, default, key, value)
        origins[name] = origin


def _host(origin: str, name: str, entry: object) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise ConfigError(f"{origin}: {name} is not a table", f"write it as [{name}]")
    return {k: _checked(origin, f"{name}.{k}", HostEntry(), k, v) for k, v in entry.items()}


def _checked(origin: str, name: str, default: object, key: str, value: object) -> object:
    """`value` as the type that the default has."""
    if not hasattr(default, key):
        raise _unknown(origin, name, key, [f.name for f in dataclasses.fields(default)])  # type: ignore[arg-type]
    wanted = getattr(default, key)
    if isinstance(value, str) and any(f.name == key and f.metadata.get("one") for f in dataclasses.fields(default)):  # type: ignore[arg-type]
        return (value,)
    if isinstance(wanted, tuple) and isinstance(value, list) and all(isinstance(v, str) for v in value):
        return tuple(value)
    if isinstance(wanted, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is type(wanted) and not isinstance(wanted, tuple):
        return value
    names = {
        tuple: "a list of strings",
        float: "a number",
        int: "a whole number",
        bool: "true or false",
        str: "a string",
    }
    raise ConfigError(f"{origin}: {name} is {value!r}", f"give it {names[type(wanted)]}")


def _unknown(origin: str, shown: str, word: str, known: list[str]) -> ConfigError:
    near = difflib.get_close_matches(word, known, 1)
    remedy = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
    return ConfigError(f"{origin}: {shown} is unknown", remedy)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomli.loads(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as e:
        raise ConfigError(f"{file} is not UTF-8 (byte {e.start})", "save it as UTF-8") from e
    except tomli.TOMLDecodeError as e:
        raise ConfigError(f"{file} is not valid TOML ({e})", "mend that line") from e


def _from_environment(env: Mapping[str, str]) -> list[Layer]:
    """`TONEWRIGHT_TRAINING_HOST=laptop` sets `training.host`; values are read as TOML, else as strings."""
    layers: list[Layer] = []
    if "TONEWRIGHT_QUEUE" in env:  # a password belongs here, not into a file that is committed
        layers.append(("$TONEWRIGHT_QUEUE", {"queue": env["TONEWRIGHT_QUEUE"]}))
    sections = sorted((f.name for f in dataclasses.fields(Config) if f.name != "hosts"), key=len, reverse=True)
    for variable, text in env.items():
        rest = variable.removeprefix(ENV_PREFIX).lower()
        section = next((s for s in sections if rest.startswith(s + "_")), None)
        if not variable.startswith(ENV_PREFIX) or section is None:
            continue
        try:
            value = tomli.loads(f"value = {text}")["value"]
        except tomli.TOMLDecodeError:
            value = text
        layers.append((f"${variable}", {section: {rest[len(section) + 1 :]: value}}))
    return layers
