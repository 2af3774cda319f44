"""Types of a TypeScript declaration file, compared with JSON values.

Read are interfaces that extend others, aliases, unions, arrays, tuples, records and literals.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any, Final

DTYPES: Final = {
    "Float32Array": "float32", "Uint32Array": "uint32", "Int16Array": "int16", "Uint8Array": "uint8",
}  # fmt: skip
"""Data type that a frame's header names for each typed array of the browser."""
PRIMITIVES: Final[dict[str, tuple[type, ...]]] = {
    "number": (int, float), "string": (str,), "boolean": (bool,), "object": (dict,),
}  # fmt: skip
OPENING, CLOSING = "{[(<", "}])>"


def split_top(text: str, separators: str) -> list[str]:
    """Split at separators outside all brackets; empty parts are left out."""
    parts, depth, last = [], 0, 0
    for i, letter in enumerate(text):
        if letter in OPENING:
            depth += 1
        elif letter in CLOSING and text[i - 1 : i + 1] != "=>":
            depth -= 1
        elif letter in separators and not depth:
            parts.append(text[last:i])
            last = i + 1
    return [part.strip() for part in [*parts, text[last:]] if part.strip()]


class Declarations:
    """Interfaces and aliases of one file.

    ``seen`` has, by interface, the fields that a checked value had.
    """

    def __init__(self, text: str) -> None:
        text = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.DOTALL)
        self.aliases = {
            name: body.strip() for name, body in re.findall(r"export type (\w+) =(.*?);\n", text, flags=re.DOTALL)
        }
        self.bases: dict[str, list[str]] = {}
        self.own: dict[str, str] = {}
        for match in re.finditer(r"export interface (\w+)(?: extends ([^{]+))? \{", text):
            name, bases = match.groups()
            self.bases[name] = split_top(bases or "", ",")
            self.own[name] = _braced(text[match.end() - 1 :])
        self.seen: dict[str, set[str]] = defaultdict(set)

    def fields(self, name: str) -> dict[str, tuple[str, bool]]:
        """Return the type of each field of an interface, and whether the field is optional."""
        found: dict[str, tuple[str, bool]] = {}
        for base in self.bases[name]:
            found |= self.fields(base)
        return found | _fields(self.own[name])

    def mismatch(self, kind: str, value: Any, path: str = "") -> str | None:  # noqa: PLR0911 - one return for each form of type
        """Return where and why a JSON value is not of a type, or None."""
        if len(alternatives := split_top(kind, "|")) > 1:
            found = [self.mismatch(one, value, path) for one in alternatives]
            return None if None in found else "; ".join(problem for problem in found if problem)
        kind = kind.strip()
        if kind.endswith("[]"):
            return self._first_of(value, list, ((kind[:-2], one, f"{path}[]") for one in value or ()), path)
        if kind.startswith("{"):
            return self._object(_fields(kind[1:-1]), value, path, None)
        if kind.startswith("["):
            kinds = split_top(kind[1:-1], ",")
            if not isinstance(value, list) or len(value) != len(kinds):
                return f"{path} is no tuple {kind}: {value!r}"
            return self._first_of(value, list, ((k, v, path) for k, v in zip(kinds, value, strict=True)), path)
        if match := re.fullmatch(r"(\w+)<(.*)>", kind):
            return self._generic(match[1], match[2], value, path)
        if kind in self.own:
            return self._object(self.fields(kind), value, path, kind)
        if kind in self.aliases:
            return self.mismatch(self.aliases[kind], value, path)
        return None if _is_simple(kind, value, self) else f"{path} is not {kind}: {value!r}"

    def _first_of(self, value: Any, wanted: type, checks: Any, path: str) -> str | None:
        if not isinstance(value, wanted):
            return f"{path} is no {wanted.__name__}: {value!r}"
        return next((problem for check in checks if (problem := self.mismatch(*check))), None)

    def _generic(self, name: str, arguments: str, value: Any, path: str) -> str | None:
        if name == "Partial":
            fields = {field: (kind, True) for field, (kind, _) in self.fields(arguments).items()}
            return self._object(fields, value, path, None)
        if name != "Record" or not isinstance(value, dict):
            return f"{path} is no {name}: {value!r}"
        kind = split_top(arguments, ",")[1]
        return self._first_of(value, dict, ((kind, one, f"{path}.{key}") for key, one in value.items()), path)

    def _object(
        self, fields: dict[str, tuple[str, bool]], value: Any, path: str, interface: str | None
    ) -> str | None:
        if not isinstance(value, dict):
            return f"{path} is no object: {value!r}"
        required = {name for name, (_, optional) in fields.items() if not optional}
        if missing := required - set(value):
            return f"{path} lacks {sorted(missing)}"
        if unknown := set(value) - set(fields):
            return f"{path} has the undeclared {sorted(unknown)}"
        for name, one in value.items():
            if problem := self.mismatch(fields[name][0], one, f"{path}.{name}"):
                return problem
        if interface is not None:
            self.seen[interface] |= set(value)
        return None


def _is_simple(kind: str, value: Any, declared: Declarations) -> bool:
    if kind in DTYPES:
        return isinstance(value, list) and value[0].removesuffix(" planes") == DTYPES[kind]
    if kind in {"null", "undefined"}:
        return value is None
    if kind == "true":
        return value is True
    if kind.startswith('"'):
        return bool(value == kind.strip('"'))
    if kind.startswith("keyof "):
        return value in declared.fields(kind.removeprefix("keyof "))
    if kind not in PRIMITIVES:
        raise ValueError(f"The type {kind!r} is not understood.")
    return isinstance(value, PRIMITIVES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _braced(text: str) -> str:
    """Return what stands between the first brace and the one that closes it."""
    depth = 0
    for i, letter in enumerate(text):
        depth += (letter == "{") - (letter == "}")
        if not depth:
            return text[1:i]
    raise ValueError("A brace is not closed.")


def _fields(body: str) -> dict[str, tuple[str, bool]]:
    found: dict[str, tuple[str, bool]] = {}
    for part in split_top(body, ";"):
        name, kind = part.split(":", 1)
        found[name.strip().rstrip("?")] = (" ".join(kind.split()), name.strip().endswith("?"))
    return found
