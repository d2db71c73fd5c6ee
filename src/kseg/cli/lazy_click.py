"""click's decorators, written down: click itself is imported by what needs it.

Importing click takes longer than booting a guest. So commands declare themselves with the names of
this module (``from kseg.cli import lazy_click as click``), which mean what click's mean. What is
`Declared` becomes a command of click's (`as_click`) where help, an error or a completion is wanted;
a command line that is plainly right is read without click (`kseg.cli.plain_line`). All other names
are click's own, and import it.
"""

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import click

Function = Callable[..., Any]
Decorator = Callable[[Function], Function]

_DECLARED = "declared_parameters"
"""The attribute of a function in which its parameters are gathered."""


class WrongValue(ValueError):
    """A parameter cannot have such a value; the text says why."""


class Type:
    """What a parameter's values are. The methods are those of `click.ParamType`."""

    name: str

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ARG002
        """What a text means; WrongValue for a wrong one."""
        return value

    def fail(self, message: str, param: Any = None, ctx: Any = None) -> NoReturn:  # noqa: ARG002
        raise WrongValue(message)

    def as_click(self) -> "click.ParamType":  # type: ignore[type-arg]
        """The same for click: still of this class, and one of click's."""
        import click

        kind = type(self)
        bases: tuple[type, ...] = (kind, click.ParamType)
        adapted = type(kind.__name__, bases, {"fail": click.ParamType.fail})
        made: click.ParamType = object.__new__(adapted)  # type: ignore[type-arg]
        made.__dict__.update(self.__dict__)
        return made


class IntRange(Type):
    """A whole number, of at least `min` and at most `max`."""

    def __init__(self, min: int | None = None, max: int | None = None) -> None:  # noqa: A002
        self._min, self._max = min, max

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if not isinstance(value, str):
            return value
        if not (value.isascii() and value.isdigit()):
            self.fail(value, param, ctx)
        number = int(value)
        if (self._min is not None and number < self._min) or (
            self._max is not None and number > self._max
        ):
            self.fail(value, param, ctx)
        return number

    def as_click(self) -> "click.ParamType":  # type: ignore[type-arg]
        import click

        return click.IntRange(self._min, self._max)


class Choice(Type):
    """One of some words."""

    def __init__(self, choices: Iterable[str]) -> None:
        self._choices = list(choices)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if value not in self._choices:
            self.fail(value, param, ctx)
        return value

    def as_click(self) -> "click.ParamType":  # type: ignore[type-arg]
        import click

        return click.Choice(self._choices)


class Parameter:
    """An option or an argument, as it is declared: `kind` is the decorator's name."""

    def __init__(self, kind: str, names: tuple[str, ...], attributes: dict[str, Any]) -> None:
        self.kind, self.names, self.attributes = kind, names, attributes

    def __call__(self, function: Function) -> Function:
        """Decorate a function."""
        gathered: list[Parameter] = function.__dict__.setdefault(_DECLARED, [])
        gathered.insert(0, self)
        return function

    def decorator(self) -> Decorator:
        """click's, which does the same for click."""
        import click

        attributes = dict(self.attributes)
        if isinstance(attributes.get("type"), Type):
            attributes["type"] = attributes["type"].as_click()
        decorator: Decorator = getattr(click, self.kind)(*self.names, **attributes)
        return decorator


def option(*names: str, **attributes: Any) -> Parameter:
    return Parameter("option", names, attributes)


def argument(*names: str, **attributes: Any) -> Parameter:
    return Parameter("argument", names, attributes)


class Declared:
    """A command, as it is declared: what it calls, and with which parameters, in order."""

    maker = "command"

    def __init__(
        self, function: Function, attributes: dict[str, Any], *, guest_words: bool = False
    ) -> None:
        self.function, self.guest_words = function, guest_words
        self.parameters: list[Parameter] = function.__dict__.get(_DECLARED, [])
        settings = attributes.get("context_settings", {})
        self.options_first: bool = settings.get("allow_interspersed_args") is False
        """Whether all behind the first word that is no option is the guest's."""
        self._attributes = attributes
        self._click: click.Command | None = None

    def call(self, values: dict[str, Any]) -> None:
        """Do it, without click. A wrong usage that shows only now is raised as click would, which
        says whose it is."""
        try:
            self.function(**values)
        except Exception as error:
            if "click" not in sys.modules:
                raise
            import click

            if isinstance(error, click.UsageError) and error.ctx is None:
                from kseg.cli.tree import kseg

                command = self.as_click()
                above = click.Context(kseg, info_name="kseg", **kseg.context_settings)
                error.ctx = click.Context(command, parent=above, info_name=command.name)
            raise

    def as_click(self) -> "click.Command":
        """The command that click knows; it is always the same one."""
        if self._click is None:
            import click

            function = self.function
            for parameter in reversed(self.parameters):
                function = parameter.decorator()(function)
            attributes = dict(self._attributes)
            if self.guest_words:
                from kseg.cli.guest_command import GuestCommand

                attributes["cls"] = GuestCommand
            made: click.Command = getattr(click, self.maker)(**attributes)(function)
            self._click = made
        return self._click


class DeclaredGroup(Declared):
    """A command that has commands."""

    maker = "group"

    def __init__(self, function: Function, attributes: dict[str, Any]) -> None:
        super().__init__(function, attributes)
        self._members: list[Declared] = []

    def add_command(self, member: Declared) -> None:
        self._members.append(member)

    def command(self, **attributes: Any) -> Callable[[Function], Declared]:
        def declare(function: Function) -> Declared:
            self.add_command(Declared(function, attributes))
            return self._members[-1]

        return declare

    def as_click(self) -> "click.Command":
        import click

        new = self._click is None
        made = super().as_click()
        assert isinstance(made, click.Group)
        if new:
            for member in self._members:
                made.add_command(member.as_click())
        return made


def command(**attributes: Any) -> Callable[[Function], Declared]:
    return lambda function: Declared(function, attributes)


def guest_command(**attributes: Any) -> Callable[[Function], Declared]:
    """A command with a guest's words behind its own: a `kseg.cli.guest_command.GuestCommand`."""
    return lambda function: Declared(function, attributes, guest_words=True)


def group(**attributes: Any) -> Callable[[Function], DeclaredGroup]:
    return lambda function: DeclaredGroup(function, attributes)


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)  # Python itself asks for such when it imports a module.
    import click

    return getattr(click, name)
