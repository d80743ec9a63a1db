"""What a package's code says about its API, found in its syntax trees."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from provider_template.adopt.sources import Sources

ENTRY_POINTS = (
    *("completion", "acompletion", "streaming", "astreaming"),
    *("embedding", "aembedding", "image_generation", "aimage_generation", "image_edit", "aimage_edit"),
)
_HEADER = re.compile(
    r"authorization\Z|(?=.*-)[a-z0-9-]*(key|token|auth|secret|credential)[a-z0-9-]*\Z", re.IGNORECASE
)
_MODELS = re.compile(r"models\Z|model_?(ids|names|list|map|info|prices|costs?)\Z", re.IGNORECASE)
_QUERY_KEY = re.compile(r"(api_?)?key|(access_?)?token|appid", re.IGNORECASE)
_ENV_READERS = ("environ.get", "getenv", "get_secret", "get_secret_str", "environ.setdefault", "environ.pop")


@dataclass(frozen=True)
class Text:
    """A string constant."""

    value: str
    name: str
    """What it is assigned to, passed as, or the key or environment variable of: words with blanks in between."""
    where: str
    whole: bool = True
    """Whether nothing is put behind it, as in an f-string."""


@dataclass(frozen=True)
class Header:
    """A header that carries a credential."""

    name: str
    prefix: str
    where: str


@dataclass(frozen=True)
class Call:
    """A call of a function with a dotted name."""

    name: str
    node: ast.Call
    where: str


@dataclass(frozen=True)
class Function:
    """A function or method."""

    name: str
    owner: str
    """Its class, or nothing."""
    node: ast.FunctionDef | ast.AsyncFunctionDef
    where: str

    @property
    def shown(self) -> str:
        """Its name with that of its class."""
        return f"{self.owner}.{self.name}" if self.owner else self.name


@dataclass
class Code:
    """What was found, in the order of the files and their lines."""

    texts: list[Text] = field(default_factory=list)
    headers: list[Header] = field(default_factory=list)
    query_keys: list[Text] = field(default_factory=list)
    variables: list[Text] = field(default_factory=list)
    """Environment variables that are read; the value is the variable."""
    calls: list[Call] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    providers: list[Text] = field(default_factory=list)
    """Prefixes under which custom handlers are registered."""
    handlers: list[Text] = field(default_factory=list)
    """Classes that LiteLLM calls; the value is the class."""
    models: list[Text] = field(default_factory=list)
    """Ids in lists of models."""
    reads_choices: str = ""
    """Where OpenAI's `choices` are taken from an answer."""
    claims: list[Text] = field(default_factory=list)
    """Constant claims of JWTs that are signed."""
    form_secret: str = ""
    """Where a client secret is put into a form."""


def read_code(sources: Sources, paths: tuple[str, ...]) -> Code:
    """Reads Python files."""
    found = Code()
    for path in paths:
        tree = sources.python(path)
        if tree is not None:
            _Reader(path, found).read(tree)
    return found


def dotted(node: ast.AST) -> str:
    """Returns a name such as `litellm.CustomLLM`; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}".lstrip(".")
    return ""


def _constant(node: ast.AST | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


class _Reader:
    """Reads one file."""

    def __init__(self, path: str, found: Code) -> None:
        self._path = path
        self._found = found
        self._names: dict[int, str] = {}
        self._constants: dict[str, str] = {}

    def read(self, tree: ast.Module) -> None:
        for node in tree.body:
            for target, value in _assigned(node):
                text = _constant(value)
                if text is not None and "." not in target:
                    self._constants[target] = text
        documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        parts = {
            id(part)
            for node in ast.walk(tree)
            if isinstance(node, ast.JoinedStr)
            for part in node.values[:-1]
        }
        self._functions(tree, "")
        nodes: list[ast.AST] = list(ast.walk(tree))  # from the outside to the inside
        for one in nodes:
            self._name(one)
        for one in sorted(nodes, key=lambda node: getattr(node, "lineno", 0)):
            self._look(one)
            text = _constant(one)
            if text is not None and id(one) not in documentation:
                self._found.texts.append(
                    Text(text, self._names.get(id(one), ""), self._where(one), id(one) not in parts)
                )

    def _where(self, node: ast.AST) -> str:
        return f"{self._path}:{getattr(node, 'lineno', 1)}"

    def _value(self, node: ast.AST | None) -> str | None:
        """Returns a constant, or that of a name in this file."""
        return self._constants.get(node.id) if isinstance(node, ast.Name) else _constant(node)

    def _give(self, node: ast.AST | None, name: str) -> None:
        """Gives the constants inside of a node a name, after the names that they have."""
        for inner in ast.walk(node) if node is not None else ():
            if isinstance(inner, ast.Constant):
                self._names[id(inner)] = f"{self._names.get(id(inner), '')} {name}".strip()

    def _name(self, node: ast.AST) -> None:
        for target, value in _assigned(node):
            self._give(value, target.rpartition(".")[2])
        if isinstance(node, ast.keyword) and node.arg:
            self._give(node.value, node.arg)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if (name := _constant(key)) is not None:
                    self._give(value, name)
        elif isinstance(node, ast.arguments):
            positional = [*node.posonlyargs, *node.args]
            pairs = [*zip(reversed(positional), reversed(node.defaults), strict=False)]
            for argument, default in (*pairs, *zip(node.kwonlyargs, node.kw_defaults, strict=True)):
                self._give(default, argument.arg)
        elif isinstance(node, ast.Call) and len(node.args) > 1 and dotted(node.func).endswith(_ENV_READERS):
            self._give(node.args[1], self._value(node.args[0]) or "")

    def _look(self, node: ast.AST) -> None:
        where = self._where(node)
        if isinstance(node, ast.Call):
            self._found.calls.append(Call(dotted(node.func), node, where))
            self._look_at_call(node, where)
        elif isinstance(node, ast.Dict):
            self._look_at_dict(node, where)
        elif isinstance(node, ast.Subscript):
            key = self._value(node.slice)
            if dotted(node.value).endswith("environ") and key:
                self._found.variables.append(Text(key, "", where))
            if key == "choices" and isinstance(node.ctx, ast.Load) and not self._found.reads_choices:
                self._found.reads_choices = where
        elif isinstance(node, ast.ClassDef):
            self._look_at_class(node, where)
        for target, value in _assigned(node):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
                self._header(self._value(node.targets[0].slice), value, where)
            if _MODELS.search(target):
                self._models(value)

    def _look_at_call(self, node: ast.Call, where: str) -> None:
        name = dotted(node.func)
        first = self._value(node.args[0]) if node.args else None
        if name.endswith(_ENV_READERS) and first and re.fullmatch(r"[A-Z][A-Z0-9_]+", first):
            self._found.variables.append(Text(first, "", where))
        if isinstance(node.func, ast.Attribute) and node.func.attr == "get" and first == "choices":
            self._found.reads_choices = self._found.reads_choices or where
        if name.endswith("jwt.encode") and node.args:
            claims = node.args[0]
            for inner in ast.walk(claims):
                if isinstance(inner, ast.Dict):
                    self._claims(inner)
        for keyword in node.keywords:
            if keyword.arg == "params" and isinstance(keyword.value, ast.Dict):
                for key, value in zip(keyword.value.keys, keyword.value.values, strict=True):
                    text = _constant(key)
                    if text and _QUERY_KEY.fullmatch(text) and not isinstance(value, ast.Constant):
                        self._found.query_keys.append(Text(text, "", where))
        if name.endswith("register_model") and node.args and isinstance(node.args[0], ast.Dict):
            self._models(node.args[0])

    def _look_at_dict(self, node: ast.Dict, where: str) -> None:
        keys = {self._value(key): value for key, value in zip(node.keys, node.values, strict=True)}
        if "custom_handler" in keys and (prefix := self._value(keys.get("provider"))):
            self._found.providers.append(Text(prefix, "", where))
        for name, value in keys.items():
            self._header(name, value, self._where(value))
        if "client_secret" in keys and ("grant_type" in keys or "client_id" in keys):
            self._found.form_secret = self._found.form_secret or where
        if keys.keys() >= {"iss", "aud"} or keys.keys() >= {"iss", "exp"}:
            self._claims(node)

    def _look_at_class(self, node: ast.ClassDef, where: str) -> None:
        bases = {dotted(base).rpartition(".")[2] for base in node.bases}
        methods = {
            inner.name for inner in node.body if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        if "CustomLLM" in bases or len(methods & set(ENTRY_POINTS)) > 1:
            self._found.handlers.append(Text(node.name, "", where))
        if "BaseSettings" in bases:
            prefix = next(
                (
                    text
                    for inner in ast.walk(node)
                    for name, value in _named_values(inner)
                    if name == "env_prefix" and (text := _constant(value)) is not None
                ),
                "",
            )
            for inner in node.body:
                if (
                    isinstance(inner, ast.AnnAssign)
                    and isinstance(inner.target, ast.Name)
                    and inner.target.id != "model_config"
                ):
                    variable = f"{prefix}{inner.target.id}".upper()
                    self._found.variables.append(Text(variable, "", self._where(inner)))

    def _header(self, name: str | None, value: ast.AST | None, where: str) -> None:
        if name and value is not None and _HEADER.match(name) and (prefix := _prefix(value)) is not None:
            self._found.headers.append(Header(name, prefix, where))

    def _models(self, value: ast.AST | None) -> None:
        if isinstance(value, ast.Dict):
            items = value.keys
        elif isinstance(value, ast.List | ast.Tuple | ast.Set):
            items = [*value.elts]
        else:
            return
        for item in items:
            if text := _constant(item):
                self._found.models.append(Text(text, "", self._where(item) if item else ""))

    def _claims(self, node: ast.Dict) -> None:
        for key, value in zip(node.keys, node.values, strict=True):
            name, text = _constant(key), self._value(value)
            if (
                name
                and text
                and name not in ("iat", "exp", "nbf", "jti")
                and all(one.value != name for one in self._found.claims)
            ):
                self._found.claims.append(Text(name, text, self._where(node)))

    def _functions(self, tree: ast.Module | ast.ClassDef, owner: str) -> None:
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self._found.functions.append(Function(node.name, owner, node, self._where(node)))
            elif isinstance(node, ast.ClassDef):
                self._functions(node, node.name)


def _assigned(node: ast.AST) -> Iterator[tuple[str, ast.AST | None]]:
    """Yields what is assigned: the name, attribute or constant key, and the value."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        targets = [node.target]
    for target in targets:
        name = _constant(target.slice) if isinstance(target, ast.Subscript) else dotted(target)
        if name:
            yield name, getattr(node, "value", None)


def _named_values(node: ast.AST) -> Iterator[tuple[str, ast.AST | None]]:
    yield from _assigned(node)
    if isinstance(node, ast.keyword) and node.arg:
        yield node.arg, node.value


def _prefix(value: ast.AST) -> str | None:
    """Returns the word before a credential in a header's value; None if the value holds none."""
    if isinstance(value, ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.Await):
        if (
            isinstance(value, ast.Call)
            and isinstance(value.func, ast.Attribute)
            and value.func.attr == "format"
        ):
            return (_constant(value.func.value) or "").partition("{")[0].strip()
        return ""
    if isinstance(value, ast.JoinedStr):
        first = _constant(value.values[0]) if value.values else None
        return (first or "").strip()
    if isinstance(value, ast.BinOp) and (text := _constant(value.left)) is not None:
        return text.partition("%")[0].strip()
    return None
