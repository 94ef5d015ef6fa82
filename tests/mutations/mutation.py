"""Deliberate breaks of the engine: one function does something else while one is applied."""

from __future__ import annotations

import inspect
import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from tests.mutations.checks import Check

VARIABLE = "LSMSQL_MUTATION"
"""Names the mutation that is applied, for processes that are started meanwhile."""


@dataclass(frozen=True)
class Mutation:
    """The engine with ``new`` in the place of ``old`` in the source of one function.

    ``breaks`` says in a sentence what goes wrong. ``check`` is part of the test suite, and fails
    then, for the right reason if what it says has the pattern ``symptom`` in it.
    """

    name: str
    breaks: str
    function: Callable[..., Any]
    old: str
    new: str
    check: Check
    symptom: str

    @property
    def code(self) -> CodeType:
        """What the function does now."""
        code: CodeType = _plain(self.function).__code__
        return code

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Break the engine in this process. Raises ValueError unless ``old`` is there, once."""
        function = _plain(self.function)
        original, before = function.__code__, os.environ.get(VARIABLE)
        function.__code__ = self._broken(function)
        os.environ[VARIABLE] = self.name
        try:
            yield
        finally:
            function.__code__ = original
            os.environ.pop(VARIABLE)
            if before is not None:
                os.environ[VARIABLE] = before

    def explains(self, failure: str | None) -> bool:
        """Whether what a check has said is what must come of it."""
        return failure is not None and re.search(self.symptom, failure) is not None

    def _broken(self, function: FunctionType) -> CodeType:
        """The code of the function in a module that is compiled with the change."""
        module = sys.modules[function.__module__]
        lines = inspect.getsource(module).splitlines(keepends=True)
        own, number = inspect.getsourcelines(function)
        first = number - 1
        before, after = "".join(lines[:first]), "".join(lines[first + len(own) :])
        source = before + self._changed("".join(own)) + after
        code = compile(source, inspect.getfile(function), "exec", dont_inherit=True)
        return _code_of(code, function.__qualname__)

    def _changed(self, source: str) -> str:
        if source.count(self.old) != 1:
            raise ValueError(f"{self.name}: {source.count(self.old)} times in it: {self.old}")
        start = source.index(self.old)
        line = source[source.rfind("\n", 0, start) + 1 :]
        indent = line[: len(line) - len(line.lstrip())]
        new = textwrap.indent(self.new, indent).removeprefix(indent)
        return source.replace(self.old, new)


def _plain(function: Callable[..., Any]) -> Any:
    """The function of a class method; other functions as they are."""
    return getattr(function, "__func__", function)


def _code_of(module: CodeType, name: str) -> CodeType:
    """The code of the function with that qualified name."""
    waiting = [module]
    while waiting:
        code = waiting.pop()
        if code.co_qualname == name:
            return code
        waiting += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    raise ValueError(f"there is no function {name}")
