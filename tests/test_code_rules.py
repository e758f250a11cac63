"""The rules that each file of the package keeps. A rule's test lists all offenders."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

import pytest
from sources import PACKAGE, Source, sources

MAX_LINES, MAX_BODY, MAX_PARAMETERS = 300, 50, 8

Function = ast.FunctionDef | ast.AsyncFunctionDef
Rule = Callable[[Source], Iterator[tuple[ast.AST | int, str]]]
"""Gives the node or the line of each offence, and what is wrong."""


def functions(source: Source) -> Iterator[Function]:
    yield from (node for node in source.nodes if isinstance(node, Function))


def calls(source: Source) -> Iterator[tuple[str, ast.Call]]:
    """Each call with the name of what is called, as it is written: "torch.load"."""
    yield from ((ast.unparse(node.func), node) for node in source.nodes if isinstance(node, ast.Call))


def matches(source: Source, pattern: str) -> Iterator[tuple[int, str]]:
    """Lines in which a pattern is found."""
    for found in re.finditer(pattern, source.text, re.MULTILINE):
        yield source.text.count("\n", 0, found.start()) + 1, found[0].strip()


def files_are_short(source: Source):
    lines = len(source.text.splitlines())
    if lines > MAX_LINES:
        yield MAX_LINES + 1, f"{lines} lines"


def function_bodies_are_short(source: Source):
    for function in functions(source):
        body = function.body[1:] if ast.get_docstring(function) else function.body
        lines = (function.end_lineno or 0) - body[0].lineno + 1 if body else 0
        if lines > MAX_BODY:
            yield function, f"{function.name} has {lines} lines"


def signatures_are_short(source: Source):
    for function in functions(source):
        arguments = function.args
        names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        own = [n for n in names if n not in ("self", "cls")]
        if len(own) > MAX_PARAMETERS:
            yield function, f"{function.name} has {len(own)} parameters"


def public(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    """The module's, its classes' and its functions' definitions that others may use."""
    yield prefix or "module", node
    for child in getattr(node, "body", []):
        if isinstance(child, ast.ClassDef | Function) and not child.name.startswith("_"):
            inner = public(child, f"{prefix}{child.name}.") if isinstance(child, ast.ClassDef) else iter(())
            yield from inner
            if not isinstance(child, ast.ClassDef):
                yield f"{prefix}{child.name}", child


def everything_public_is_documented(source: Source):
    for name, node in public(source.tree):
        if not ast.get_docstring(node):
            yield node, f"{name} has no docstring"


def nothing_is_left_to_do(source: Source):
    yield from matches(source, r"\b(?:TODO|FIXME|XXX|HACK)\b")


def only_the_command_line_prints(source: Source):
    if source.path.relative_to(PACKAGE).parts[0] != "cli":
        yield from ((call, name) for name, call in calls(source) if name == "print")


def errors_are_not_swallowed(source: Source):
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield node, "a bare except"


def nothing_is_unpickled(source: Source):
    for module, node in source.imports():
        unpickler = module[0] == "pickle" and not ast.unparse(node).endswith("import UnpicklingError")
        if unpickler or module[0] in ("dill", "joblib", "shelve", "marshal"):
            yield node, f"imports {module[0]}"


def nothing_is_evaluated(source: Source):
    """What a file brings is never executed: torch.load reads weights only, YAML is loaded safely."""
    for name, call in calls(source):
        keywords = {k.arg: ast.unparse(k.value) for k in call.keywords}
        if (
            name in ("eval", "exec", "yaml.load", "yaml.unsafe_load")
            or (name == "torch.load" and keywords.get("weights_only") != "True")
            or (name in ("np.load", "numpy.load") and "allow_pickle" in keywords)
        ):
            yield call, ast.unparse(call)


def randomness_has_a_seed(source: Source):
    """No global generators: the same seed gives the same bytes."""
    yield from matches(source, r"\bnp\.random\.(?!default_rng|Generator)")
    yield from matches(source, r"default_rng\(\s*\)")
    yield from matches(source, r"\btorch\.manual_seed\(|^import random$")


RULES: tuple[Rule, ...] = (
    files_are_short,
    function_bodies_are_short,
    signatures_are_short,
    everything_public_is_documented,
    nothing_is_left_to_do,
    only_the_command_line_prints,
    errors_are_not_swallowed,
    nothing_is_unpickled,
    nothing_is_evaluated,
    randomness_has_a_seed,
)


def offences(rule: Rule, source: Source) -> list[str]:
    return [f"{source.at(where)}: {what}" for where, what in rule(source)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule(rule: Rule) -> None:
    offenders = [offence for source in sources() for offence in offences(rule, source)]
    assert not offenders, "\n" + "\n".join(offenders)


BAD: list[tuple[Rule, str, int]] = [
    (files_are_short, "\n" * 301, 301),
    (function_bodies_are_short, "\nasync def f():\n    '''Words.'''\n" + "    f()\n" * 51, 2),
    (signatures_are_short, "class C:\n    def f(self, a, b, /, c, d, e, *, f, g, h, i): ...", 2),
    (everything_public_is_documented, "1\n", 1),
    (everything_public_is_documented, "'''Words.'''\ndef f(): ...", 2),
    (everything_public_is_documented, "'''Words.'''\nclass C:\n    '''Words.'''\n    def f(self): ...", 4),
    (nothing_is_left_to_do, "a = 1\nb = 2  # TODO: more", 2),
    (only_the_command_line_prints, "\nprint(1)", 2),
    (errors_are_not_swallowed, "try:\n    f()\nexcept:\n    pass", 3),
    (nothing_is_unpickled, "\nimport pickle", 2),
    (nothing_is_unpickled, "from pickle import loads", 1),
    (nothing_is_unpickled, "def f():\n    from joblib import load", 2),
    (nothing_is_evaluated, "\neval('1')", 2),
    (nothing_is_evaluated, "yaml.load(text)", 1),
    (nothing_is_evaluated, "torch.load(path)", 1),
    (nothing_is_evaluated, "torch.load(path, weights_only=False)", 1),
    (nothing_is_evaluated, "np.load(path, allow_pickle=True)", 1),
    (randomness_has_a_seed, "\nnp.random.rand(3)", 2),
    (randomness_has_a_seed, "np.random.default_rng( )", 1),
    (randomness_has_a_seed, "torch.manual_seed(0)", 1),
    (randomness_has_a_seed, "import os\nimport random\n", 2),
]
"""A rule, a file that breaks it once, and the line."""


@pytest.mark.parametrize(("rule", "text", "line"), BAD, ids=lambda value: getattr(value, "__name__", ""))
def test_an_offender_is_found(rule: Rule, text: str, line: int) -> None:
    (offence,) = offences(rule, Source(PACKAGE / "losses" / "bad.py", text))
    assert offence.startswith(f"nst3d/losses/bad.py:{line}: ")


GOOD = '''"""Loads."""
from pickle import UnpicklingError

def load(path, a, b, c, d, e, f, g, *rest):
    """The weights."""
    try:
        return torch.load(path, weights_only=True), np.load(path), np.random.default_rng(0)
    except UnpicklingError:
        return _nothing(yaml.safe_load(path))

def _nothing(model):
    model.eval()
'''


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_what_is_right_is_no_offence(rule: Rule) -> None:
    assert not offences(rule, Source(PACKAGE / "losses" / "good.py", GOOD))


def test_every_rule_is_seen_to_fail() -> None:
    assert {rule for rule, *_ in BAD} == set(RULES)


def test_the_command_line_may_print() -> None:
    assert not offences(only_the_command_line_prints, Source(PACKAGE / "cli" / "main.py", "print(1)"))
