"""Reads YAML as experiments want it: a key that stands twice is a mistake, and so is what YAML itself stumbles over."""

from __future__ import annotations

import re
from typing import Any

import yaml

from remalis_agents.configs.schema import ConfigError

MOST_NAME_BYTES = 150
"""Of an experiment's name: a date comes after it, and file systems take 255."""
_NAME = re.compile(r"\w[\w .+=@-]*(?<! )")


class _OnceLoader(yaml.SafeLoader):
    """PyYAML keeps the last of several values of a key in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            line, first = key.start_mark.line + 1, lines.get((key.tag, key.value))
            if first is not None:
                place = f"in line {line}" if first == line else f"in line {first} and in line {line}"
                raise yaml.YAMLError(f"the key {key.value!r} stands there twice, {place}.")
            lines[key.tag, key.value] = line
        return super().construct_mapping(node, deep)


def read_yaml(text: str) -> Any:
    """What a YAML (or JSON) text says.

    Raises:
        ConfigError: it is no YAML, or a key stands in a mapping twice; the message tells no file.
    """
    try:
        return yaml.load(text, _OnceLoader)
    except (yaml.YAMLError, ValueError) as error:  # such as a date in month 13
        raise ConfigError(" ".join(str(error).split())) from None
    except RecursionError:
        raise ConfigError("it is nested too deeply.") from None


def check_name(name: Any) -> str:
    """An experiment's name, as text.

    Raises:
        ConfigError: no folder can have it, or it would lie elsewhere.
    """
    text = str(name)
    if name is None or not _NAME.fullmatch(text) or len(text.encode()) > MOST_NAME_BYTES:
        shown = text if len(text) <= 40 else f"{text[:40]}..."
        raise ConfigError(
            f"An experiment's name becomes a folder: it begins with a letter or digit, goes on with letters, digits, "
            f"spaces and any of _ . + = @ -, and has at most {MOST_NAME_BYTES} bytes, but it is {shown!r}."
        )
    return text
