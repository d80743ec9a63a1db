"""What a package's code says about its API, found in its syntax trees."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from provider_template.adopt.commands import PROGRAMS, Assignments, Command, commands
from provider_template.adopt.imports import names_of
from provider_template.adopt.sources import Sources

ENTRY_POINTS = (
    *("completion", "acompletion", "streaming", "astreaming"),
    *("embedding", "aembedding", "image_generation", "aimage_generation", "image_edit", "aimage_edit"),
)
_HEADER = re.compile(r"authorization\Z|(?=.*-)[a-z0-9-]*(key|token|auth|secret|credential)[a-z0-9-]*\Z", re.IGNORECASE)
_MODELS = re.compile(r"models\Z|model_?(ids|names|list|map|info|prices|costs?)\Z", re.IGNORECASE)
_QUERY_KEY = re.compile(r"(api_?)?key|(access_?)?token|appid", re.IGNORECASE)
_ENV_READERS = ("environ.get", "getenv", "get_secret", "get_secret_str", "environ.setdefault", "environ.pop")
# Modules that send requests; `openai` and `anthropic` stand for the formats that infer.py reads off their calls.
_HTTP_CLIENTS = {"aiohttp", "anthropic", "http", "httpx", "openai", "pycurl", "requests", "urllib", "urllib3"}
_SENDING = re.compile(
    r"(\A|\.)(post|urlopen|build_request)\Z|\b(completions|responses|messages)\.(create|parse|stream)\Z"
)
# These are calls of other things, too.
_SENDING_BY_CLIENT = re.compile(r"\.(request|send|stream)\Z")
_LITELLMS = ("completion", "acompletion", "responses", "aresponses")
# Packages that providers of any kind use.
_BESIDE_THE_API = _HTTP_CLIENTS | {"litellm", "pydantic", "pydantic_settings", "typing_extensions", "yaml"}
_BESIDE_THE_API |= {"anyio", "backoff", "cryptography", "dotenv", "jwt", "orjson", "structlog", "tenacity"}
_BESIDE_THE_API |= {"attr", "attrs", "cachetools", "click", "fastapi", "filelock", "jinja2", "jsonschema", "loguru"}
_BESIDE_THE_API |= {"opentelemetry", "packaging", "platformdirs", "prometheus_client", "rich", "starlette", "tiktoken"}
_BESIDE_THE_API |= {"tokenizers", "tqdm", "typer", "uvicorn"}
_LIBRARIES = ("ctypes.CDLL", "cdll.LoadLibrary", "ffi.dlopen")


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
    prefix: str | None
    """The word before the credential; None if the value is made elsewhere."""
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
    requests: list[Text] = field(default_factory=list)
    """Where requests are sent over HTTP; the value is the call."""
    others: list[Text] = field(default_factory=list)
    """What may stand in the place of an HTTP API: programs that are started, libraries and packages that are used."""
    commands: list[Command] = field(default_factory=list)
    """The command lines of the programs that are started."""
    home_files: list[Text] = field(default_factory=list)
    """Files below the home folder, as ~/.name/file."""


def read_code(sources: Sources, paths: Collection[str], own: str = "") -> Code:
    """Reads Python files.

    Args:
        sources: The package's files.
        paths: Those to read.
        own: What code imports the package as.
    """
    found = Code()
    trees = {path: tree for path in paths if (tree := sources.python(path)) is not None}
    constants: dict[str, str] = {}
    for tree in trees.values():
        constants = {**_constants(tree), **constants}
    names = {own, "src", "tests", *(name.partition(".")[0] for path in paths for name in names_of(path, paths))}
    for path, tree in trees.items():
        _Reader(path, found, constants, names).read(tree)
    return found


def _constants(tree: ast.Module) -> dict[str, str]:
    """Returns the texts that are assigned to a module's names."""
    return {
        target: text
        for node in tree.body
        for target, value in _assigned(node)
        if "." not in target and (text := _constant(value)) is not None
    }


def _texts_of_parameters(tree: ast.Module) -> dict[str, str]:
    """Returns the texts that are defaults of parameters."""
    return {
        name: text
        for node in ast.walk(tree)
        if isinstance(node, ast.arguments)
        for name, default in _defaults(node)
        if (text := _constant(default)) is not None
    }


def _defaults(node: ast.arguments) -> Iterator[tuple[str, ast.expr | None]]:
    """Yields parameters with their defaults."""
    positional = [*node.posonlyargs, *node.args]
    pairs = [*zip(reversed(positional), reversed(node.defaults), strict=False)]
    for argument, default in (*pairs, *zip(node.kwonlyargs, node.kw_defaults, strict=True)):
        yield argument.arg, default


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

    def __init__(self, path: str, found: Code, constants: dict[str, str], own: Collection[str]) -> None:
        self._path = path
        self._found = found
        self._names: dict[int, str] = {}
        self._everywhere = constants
        self._constants: dict[str, str] = {}
        self._own = own
        self._sends = False
        """Whether the file imports something that sends requests."""
        self._delegates = {f"litellm.{name}" for name in _LITELLMS}
        """What LiteLLM's own calls are called in the file."""
        self._starters: set[str] = set()
        """What functions of `subprocess` are called in the file."""
        self._assignments = Assignments()
        self._paths: dict[str, str] = {}
        """Names that stand for paths."""

    def read(self, tree: ast.Module) -> None:
        self._constants = {**self._everywhere, **_texts_of_parameters(tree), **_constants(tree)}
        self._assignments = Assignments.of(tree, self._value)
        self._imports(tree)
        documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values[:-1]}
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
        """Returns a constant, or that of a name in this file or another one."""
        name = dotted(node).rpartition(".")[2] if isinstance(node, ast.Name | ast.Attribute) else ""
        return self._constants.get(name) if name else _constant(node)

    def _imports(self, tree: ast.Module) -> None:
        """Sees which packages a file uses when it runs."""
        for node in _without_types(tree):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            else:
                continue
            if modules == ["litellm"] and isinstance(node, ast.ImportFrom):
                self._delegates |= {one.asname or one.name for one in node.names if one.name in _LITELLMS}
            if modules == ["subprocess"] and isinstance(node, ast.ImportFrom):
                self._starters |= {one.asname or one.name for one in node.names if f"subprocess.{one.name}" in PROGRAMS}
            for module in modules:
                top = module.partition(".")[0]
                self._sends |= top in _HTTP_CLIENTS or module.startswith("litellm.llms.custom_httpx")
                known = top in _BESIDE_THE_API or top in sys.stdlib_module_names
                if top not in self._own and not known:
                    self._found.others.append(Text(top, "imports", self._where(node)))

    def _home_path(self, node: ast.AST | None) -> str:
        """Returns a path below the home folder, however it is put together, or nothing."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else ""
        if isinstance(node, ast.Name):
            return self._paths.get(node.id) or self._constants.get(node.id, "")
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Add):
            between = "/" if isinstance(node.op, ast.Div) else ""
            return f"{self._home_path(node.left)}{between}{self._home_path(node.right)}"
        if isinstance(node, ast.JoinedStr):
            return "".join(map(self._home_path, node.values))
        if isinstance(node, ast.FormattedValue):
            return self._home_path(node.value)
        if isinstance(node, ast.Subscript):
            return "~" if _constant(node.slice) == "HOME" else ""
        if isinstance(node, ast.Call):
            name = dotted(node.func).rpartition(".")[2]
            if name == "home" or (node.args and _constant(node.args[0]) == "HOME"):
                return "~"
            inner = [self._home_path(one) for one in node.args]
            if name in ("Path", "join", "joinpath", "expanduser", "getenv", "get") and inner:
                return inner[-1] if name in ("getenv", "get") else "/".join(inner)
            if isinstance(node.func, ast.Attribute):  # Path(...).expanduser()
                return self._home_path(node.func.value)
        return ""

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
            for argument, default in _defaults(node):
                self._give(default, argument)
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
        if isinstance(node, ast.BinOp | ast.Call | ast.Constant | ast.JoinedStr):
            self._look_at_path(node, where)
        for target, value in _assigned(node):
            if (path := self._home_path(value)).startswith("~/"):
                self._paths[target] = path
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
                self._header(self._value(node.targets[0].slice), value, where)
            if _MODELS.search(target):
                self._models(value)

    def _look_at_path(self, node: ast.AST, where: str) -> None:
        path = self._home_path(node)
        if re.match(r"~/[.]?\w", path) and all(one.value != path for one in self._found.home_files):
            self._found.home_files.append(Text(path, "", where))

    def _look_at_call(self, node: ast.Call, where: str) -> None:
        name = dotted(node.func)
        first = self._value(node.args[0]) if node.args else None
        if _SENDING.search(name) or name in self._delegates or (self._sends and _SENDING_BY_CLIENT.search(name)):
            self._found.requests.append(Text(name, "", where))
        elif name.endswith(PROGRAMS) or name in self._starters:
            self._found.others.append(Text(name, "starts a program with", where))
            self._found.commands += commands(node, where, self._assignments)
        elif name.endswith(_LIBRARIES):
            self._found.others.append(Text(name, "loads a library with", where))
        if name.endswith(_ENV_READERS) and first and re.fullmatch(r"[A-Z][A-Z0-9_]+", first):
            self._found.variables.append(Text(first, "", where))
        if isinstance(node.func, ast.Attribute) and node.func.attr == "get" and first == "choices":
            self._found.reads_choices = self._found.reads_choices or where
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

    def _look_at_class(self, node: ast.ClassDef, where: str) -> None:
        bases = {dotted(base).rpartition(".")[2] for base in node.bases}
        methods = {inner.name for inner in node.body if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)}
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
        if name and value is not None and _HEADER.match(name) and not isinstance(value, _NO_CREDENTIAL):
            prefix = _prefix(value)
            # Only an API's own header is known to hold the bare key.
            known = prefix is not None or name.lower() != "authorization"
            self._found.headers.append(Header(name, (prefix or "") if known else None, where))

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

    def _functions(self, tree: ast.Module | ast.ClassDef, owner: str) -> None:
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self._found.functions.append(Function(node.name, owner, node, self._where(node)))
            elif isinstance(node, ast.ClassDef):
                self._functions(node, node.name)


def _without_types(tree: ast.Module) -> Iterator[ast.AST]:
    """Walks through a module without what is there for type checkers alone."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop(0)
        yield node
        if isinstance(node, ast.If) and dotted(node.test).endswith("TYPE_CHECKING"):
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


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


# Values of headers that are written out.
_NO_CREDENTIAL = (ast.Constant, ast.Dict, ast.List, ast.Set, ast.Tuple, ast.Lambda)


def _prefix(value: ast.AST) -> str | None:
    """Returns the word before a credential in a header's value, as far as it is written there."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "format":
        return (_constant(value.func.value) or "").partition("{")[0].strip()
    if isinstance(value, ast.JoinedStr):
        first = _constant(value.values[0]) if value.values else None
        return (first or "").strip()
    if isinstance(value, ast.BinOp) and (text := _constant(value.left)) is not None:
        return text.partition("%")[0].strip()
    return None
