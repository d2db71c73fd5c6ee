"""Commands with a guest's words behind them: `kseg run [OPTIONS] KERNEL [ARGUMENTS]...`.

Which words are kseg's and which the guest's is decided here, for all of them alike
(docs/decisions/options-and-guest-words.md).
"""

import click


class GuestCommand(click.Command):
    """Takes options before and behind KERNEL; behind the guest's first word only long ones."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put kseg's options before the words of the guest, and parse that."""
        options, words = self._divided(ctx, args)
        return super().parse_args(ctx, [*options, "--", *words])

    def _divided(self, ctx: click.Context, args: list[str]) -> tuple[list[str], list[str]]:
        """kseg's options with their values; KERNEL and the guest's words."""
        known = self._options(ctx)
        options: list[str] = []
        words: list[str] = []
        place = 0
        while place < len(args):
            word = args[place]
            place += 1
            if word == "--":
                return options, words + args[place:]
            if word == "-" or not word.startswith("-"):
                words.append(word)
                continue
            if word.startswith("--"):
                name, separator, _ = word.partition("=")
                if words and name not in known:
                    self._refuse(ctx, name)
                takes_next = known.get(name, False) and not separator
            else:
                name, takes_next = _last_of(word, known)
                if words and name not in known:
                    words.append(word)  # "-1", say, or an option of a program of the guest's.
                    continue
                if len(words) > 1 and not ctx.resilient_parsing:
                    raise click.UsageError(
                        f"{word}: is that kseg's option {name}, or the guest's? Put kseg's before"
                        f" {words[1]!r}{self._long(ctx, name)}, or -- before the guest's words",
                        ctx,
                    )
            if takes_next and place == len(args):
                if ctx.resilient_parsing:
                    continue  # Its value is what the user wants completed.
                raise click.BadOptionUsage(name, f"Option {name!r} requires an argument.", ctx)
            options += [word, *args[place : place + takes_next]]
            place += takes_next
        return options, words

    def _options(self, ctx: click.Context) -> dict[str, bool]:
        """The names of all options, and whether each takes a value."""
        return {
            name: not (param.is_flag or param.count)
            for param in self.get_params(ctx)
            if isinstance(param, click.Option)
            for name in (*param.opts, *param.secondary_opts)
        }

    def _long(self, ctx: click.Context, short: str) -> str:
        """What else may be written for a short option, as the end of a sentence."""
        for param in self.get_params(ctx):
            for name in (*param.opts, *param.secondary_opts):
                if short in param.opts and name.startswith("--"):
                    return f" or call it {name}"
        return ""

    def _refuse(self, ctx: click.Context, name: str) -> None:
        if ctx.resilient_parsing:
            return
        from kseg.cli.advice import nearest

        names = [each for each in self._options(ctx) if each.startswith("--")]
        raise click.UsageError(
            f"No such option: {name}.{nearest(name, names)} What is meant for the guest stands"
            " behind --",
            ctx,
        )


def _last_of(word: str, known: dict[str, bool]) -> tuple[str, bool]:
    """Of short options in one word, such as -cFILE or -ab: the first that takes a value or is
    unknown, else the last; and whether its value is the next word."""
    for place, letter in enumerate(word[1:], 2):
        name = f"-{letter}"
        if name not in known:
            return name, False
        if known[name]:
            return name, place == len(word)
    return f"-{word[-1]}", False
