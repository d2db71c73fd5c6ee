"""Options before and behind KERNEL, and the guest's words."""

import click
import pytest

from kseg.cli.guest_command import GuestCommand
from tests.cli.command import kseg
from tests.cli.command_tree import ALL, command


@click.command(cls=GuestCommand)
@click.option("--stats")
@click.option("--config", "-c")
@click.option("--wait", "-w", is_flag=True)
@click.option("--report/--no-report", default=True)
@click.argument("kernel", required=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def example(**_values: object) -> None:
    pass


def parsed(*words: str) -> dict[str, object]:
    """What differs from the default."""
    context = example.make_context("example", list(words))
    return {
        name: value
        for name, value in context.params.items()
        if value not in (None, (), False) and (name, value) != ("report", True)
    }


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["--stats", "f", "k", "a"], {"stats": "f", "kernel": "k", "arguments": ("a",)}),
        (["k", "--stats", "f", "a"], {"stats": "f", "kernel": "k", "arguments": ("a",)}),
        (["k", "a", "--stats", "f"], {"stats": "f", "kernel": "k", "arguments": ("a",)}),
        (["k", "a", "--stats=f", "b"], {"stats": "f", "kernel": "k", "arguments": ("a", "b")}),
        (["k", "--wait", "a"], {"wait": True, "kernel": "k", "arguments": ("a",)}),
        (["k", "a", "--stats", "--wait"], {"stats": "--wait", "kernel": "k", "arguments": ("a",)}),
        # Short ones: kseg's up to the guest's first word.
        (["k", "-c", "f", "a"], {"config": "f", "kernel": "k", "arguments": ("a",)}),
        (["k", "-wcf", "a"], {"config": "f", "wait": True, "kernel": "k", "arguments": ("a",)}),
        (["-wc", "f", "k"], {"config": "f", "wait": True, "kernel": "k"}),
        # Those that kseg has not are the guest's behind KERNEL.
        (["k", "-1"], {"kernel": "k", "arguments": ("-1",)}),
        (["k", "a", "-lx", "-"], {"kernel": "k", "arguments": ("a", "-lx", "-")}),
        (["k", "a --stats f"], {"kernel": "k", "arguments": ("a --stats f",)}),
        # Behind -- all is the guest's; a second one too.
        (["k", "--", "--stats", "f"], {"kernel": "k", "arguments": ("--stats", "f")}),
        (["k", "a", "--", "-c", "--", "b"], {"kernel": "k", "arguments": ("a", "-c", "--", "b")}),
        (["--wait", "--", "k", "--wait"], {"wait": True, "kernel": "k", "arguments": ("--wait",)}),
    ],
)  # fmt: skip
def test_whose_a_word_is(words: list[str], values: dict[str, object]) -> None:
    assert parsed(*words) == values


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["k", "a", "--stat", "f"], "No such option: --stat. Did you mean '--stats'?"),
        (["k", "--fast"], "stands behind --"),
        (["k", "a", "-c", "f"], "is that kseg's option -c, or the guest's?"),
        (
            ["k", "a", "-c", "f"],
            "Put kseg's before 'a' or call it --config, or -- before the guest's",
        ),
        (["k", "a", "-wc"], "-w"),
        (["k", "a", "--stats"], "Option '--stats' requires an argument"),
        (["--fast", "k"], "No such option"),
        (["-x", "k"], "No such option"),
    ],
)
def test_what_is_unclear_is_refused(words: list[str], says: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        parsed(*words)
    assert says in caught.value.format_message()


def test_all_commands_with_a_guest_do_it_the_same_way() -> None:
    with_guest = {
        path for path in ALL if any(param.name == "arguments" for param in command(path).params)
    }
    alike = {path for path in with_guest if isinstance(command(path), GuestCommand)}
    assert with_guest - alike == {("sys161",)}, "which keeps System/161's rule"


def test_the_guest_gets_its_words_and_kseg_its_options() -> None:
    result = kseg("run", "cms", "echo", "-n", "--ram", "8M", "--", "--ram")
    assert "cms 1.0 (8192 kB" in result.stdout
    assert "\n-n --ram\n" in result.stdout


def test_everything_behind_a_kernel_is_the_guests_as_in_system161() -> None:
    result = kseg("sys161", "kernel", "--report", "-X")
    assert "No such option" not in result.stderr
