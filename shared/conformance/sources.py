"""Floats in the source of what `read` and `synthesize` call, compiled kernels included.

Nothing is run. Functions are followed by the names that they use, within the codec's own package
and this one. `synthesize` may hold no float at all. `read` may count bits in floats, so there only
functions and types of floats, divisions, and floats that become integers are faults.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
from collections.abc import Iterable, Iterator
from typing import Any

from ..codec import Codec

_TYPES = frozenset(
    ["float", "complex", "float16", "float32", "float64", "longdouble", "complex64", "complex128"]
)
_FUNCTIONS = frozenset(
    [
        "sin",
        "cos",
        "tan",
        "asin",
        "acos",
        "atan",
        "atan2",
        "sinh",
        "cosh",
        "tanh",
        "arcsin",
        "arccos",
        "arctan",
        "arctan2",
        "exp",
        "exp2",
        "expm1",
        "log",
        "log2",
        "log10",
        "log1p",
        "sqrt",
        "cbrt",
        "hypot",
        "fsum",
        "interp",
        "linspace",
        "mean",
        "average",
        "std",
        "var",
        "fft",
        "divide",
        "true_divide",
        "pi",
        "tau",
    ]
)
_CONVERSIONS = frozenset(
    [
        "int",
        "round",
        "floor",
        "ceil",
        "trunc",
        "rint",
        "astype",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "intp",
        "floor_divide",
    ]
)
_COUNTS = ("bits", "cost", "price")
"""What a name holds that counts bits, beside the pixels."""


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def _is_float(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, float | complex)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a function without annotations, and without what only counts bits."""
    yield node
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        targets = [node.target]
    names = " ".join(_name(part) for target in targets for part in ast.walk(target))
    if any(count in names.lower() for count in _COUNTS):
        return
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _walk(child)


def _uses_floats(node: ast.AST) -> str:
    """Name a function or type of floats; a variable may bear the name of a function."""
    if isinstance(node, ast.Name) and node.id in _TYPES:
        return node.id
    if isinstance(node, ast.Attribute) and node.attr in _TYPES | _FUNCTIONS:
        return node.attr
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id if node.func.id in _FUNCTIONS else ""
    return ""


def _faults(tree: ast.AST, strict: bool) -> Iterator[str]:
    for node in _walk(tree):
        if name := _uses_floats(node):
            yield name
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield "a division that is no integer's"
        elif strict and _is_float(node):
            yield ast.unparse(node)
        elif isinstance(node, ast.Call) and _name(node.func) in _CONVERSIONS:
            inside = [part for part in ast.walk(node) if _is_float(part)]
            yield from (f"{ast.unparse(part)} made an integer" for part in inside)
        elif (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.FloorDiv)
            and any(_is_float(part) for part in ast.walk(node))
        ):
            yield "a float divided to an integer"


def _names(code: types.CodeType) -> set[str]:
    inner = (one for one in code.co_consts if isinstance(one, types.CodeType))
    return set(code.co_names).union(*(_names(one) for one in inner))


def _called(function: types.FunctionType) -> Iterator[Any]:
    """What a function may call, by its names: globals, parts of modules, methods, closures."""
    names = _names(function.__code__)
    for name in names:
        value = function.__globals__.get(name)
        if isinstance(value, types.ModuleType):
            yield from (getattr(value, part, None) for part in names)
        elif isinstance(value, type):
            used = names | {"__init__", "__post_init__", "__new__"}
            yield from (method for part, method in vars(value).items() if part in used)
        else:
            yield value
    for cell in function.__closure__ or ():
        yield cell.cell_contents


def _reached(starts: Iterable[Any], roots: set[str]) -> list[types.FunctionType]:
    seen: dict[types.FunctionType, None] = {}
    waiting = list(starts)
    while waiting:
        value = waiting.pop()
        value = getattr(value, "__func__", getattr(value, "fget", value))
        value = getattr(value, "py_func", value)  # of a compiled kernel
        if isinstance(value, types.FunctionType):
            value = inspect.unwrap(value)
            if value not in seen and (value.__module__ or "").split(".")[0] in roots:
                seen[value] = None
                waiting += _called(value)
    return list(seen)


def floats_of(codec: Codec) -> list[str]:
    """List the floats in the source of what `codec.read` and `codec.synthesize` call."""
    found = []
    roots = {__name__.split(".")[0], type(codec).__module__.split(".")[0]}
    for name, strict in (("synthesize", True), ("read", False)):
        for function in _reached([getattr(type(codec), name)], roots):
            try:
                tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
            except (OSError, TypeError, SyntaxError):  # no source is at hand
                continue
            where = f"{name} uses floats in {function.__module__}.{function.__qualname__}"
            found += [f"{where}: {fault}" for fault in dict.fromkeys(_faults(tree, strict))]
    return found
