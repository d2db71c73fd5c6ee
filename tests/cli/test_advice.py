"""What is said about a command line that cannot be obeyed."""

import pytest

from tests.cli.command import forked


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("rum cms", "No such command 'rum'. Did you mean 'run'? (see: kseg --help)"),
        ("qqq", "No such command 'qqq'. (see: kseg --help)"),
        ("cms", "No such command 'cms'. To boot it: kseg run cms (see: kseg --help)"),
        ("disk", "Missing command: "),
        ("disk creat x", "No such command 'creat'. Did you mean 'create'? (see: kseg disk --help)"),
        ("snapshot", "Missing command: diff, info, verify. (see: kseg snapshot --help)"),
        ("run --moniter bare cms", "No such option: --moniter. Did you mean '--monitor'?"),
        ("run cms --moniter bare", "No such option: --moniter. Did you mean '--monitor'?"),
        ("replay --to 5 --enginee x y", "No such option: --enginee. Did you mean '--engine'?"),
        ("run cmss", "did you mean cms?"),
        ("host --guest a=cns", "did you mean cms?"),
        ("compare cmss halt", "did you mean cms?"),
        ("run ./kernle", "did you mean kernel?"),
        ("run cms --gdb", "Option '--gdb' requires an argument."),
    ],
)
def test_one_line_with_what_could_be_meant(arguments, says, tmp_path):
    (tmp_path / "kernel").touch()
    result = forked(*arguments.split(), cwd=tmp_path)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith("kseg: ")
    assert says in result.stderr
