"""Random functions of typed Python that compile, and terminate."""

from random import Random

PARAMETERS = {"a": "u8", "b": "u32", "c": "u64", "d": "i32", "e": "i64"}
EDGES = [0, 1, 2, 3, 63, 64, 255, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, (1 << 63) - 1, 1 << 63,
         (1 << 64) - 1]  # fmt: skip


def arguments(rng: Random) -> list[int]:
    """Numbers for PARAMETERS."""
    found = []
    for type_ in PARAMETERS.values():
        bits = int(type_[1:])
        value = rng.choice([*EDGES, rng.getrandbits(64), rng.getrandbits(8)]) % (1 << bits)
        found.append(value - (1 << bits) if type_[0] == "i" and value >> bits - 1 else value)
    return found


class Writer:
    """Writes one function."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.names = list(PARAMETERS)
        self.variables: list[str] = []
        self.loops = 0

    def function(self, name: str, statements: int = 6) -> str:
        """Its text; the result is a u64."""
        parameters = ", ".join(f"{name}: {type_}" for name, type_ in PARAMETERS.items())
        lines = ["x: u64 = 0", "y: i64 = 0", "z: u32 = 0"]
        self.variables = ["x", "y", "z"]
        self.names += self.variables
        lines += self.block(statements, 2)
        lines.append(f"return u64(x ^ y ^ (z << 7) ^ {self.number(2)})")
        body = "\n    ".join(lines)
        return f"def {name}({parameters}) -> u64:\n    {body}\n"

    # Expressions.

    def number(self, depth: int) -> str:
        """Any number, whatever its range."""
        rng = self.rng
        if depth <= 0:
            return rng.choice([*self.names, str(rng.choice(EDGES)), str(-rng.choice(EDGES))])
        left, right = self.number(depth - 1), self.number(depth - 1)
        match rng.randrange(11):
            case 0 | 1 | 2:
                # What grows is cut now and then: a shift of it would be of thousands of bits.
                return f"{self.cast()}({left} {rng.choice('+-*')} {right})"
            case 3:
                return f"({left} {rng.choice('&|^')} {right})"
            case 4:
                return f"(u64({left}) {rng.choice(['<<', '>>'])} u64({right}) % 64)"
            case 5:
                return f"(i64({left}) >> (u64({right}) & 63))"
            case 6:
                divided = rng.choice([f"max(u32({right}), 1)", str(rng.choice(EDGES[1:]))])
                return f"(u64({left}) {rng.choice(['//', '%'])} {divided})"
            case 7:
                return f"(i64({left}) {rng.choice(['//', '%'])} {1 << rng.randrange(40)})"
            case 8:
                return f"({left} if {self.condition(depth - 1)} else {right})"
            case 9:
                return f"{rng.choice(['min', 'max'])}(i64({left}), i64({right}))"
            case _:
                return f"({rng.choice('~-')}{left})"

    def cast(self) -> str:
        return self.rng.choice(["", "", "u8", "u16", "u32", "u64", "i32", "i64"])

    def condition(self, depth: int) -> str:
        """A condition, whatever is in it."""
        rng = self.rng
        word = rng.choice(["u64", "i64"])
        left, right, third = (f"{word}({self.number(depth - 1)})" for _ in range(3))
        compare = [rng.choice(["==", "!=", "<", "<=", ">", ">="]) for _ in range(2)]
        if depth <= 0 or rng.random() < 0.5:
            return f"({left} {compare[0]} {right})"
        match rng.randrange(4):
            case 0:
                return f"({left} {compare[0]} {right} {compare[1]} {third})"
            case 1:
                return f"(not {self.condition(depth - 1)})"
            case 2:
                return rng.choice([f"bool({left})", f"bool({left} and {right})"])
            case _:
                how = rng.choice(["and", "or"])
                return f"({self.condition(depth - 1)} {how} {self.condition(depth - 1)})"

    # Statements.

    def block(self, count: int, depth: int) -> list[str]:
        """Lines of statements."""
        lines: list[str] = []
        for _ in range(self.rng.randint(1, count)):
            lines += self.statement(depth)
        return lines

    def statement(self, depth: int) -> list[str]:
        rng = self.rng
        name = rng.choice(self.variables)
        type_ = {"x": "u64", "y": "i64", "z": "u32"}[name]
        value = f"{type_}({self.number(2)})"
        match rng.randrange(8) if depth else 7:
            case 0 | 1:
                lines = [f"if {self.condition(2)}:", *self.inside(depth)]
                if rng.random() < 0.5:
                    lines += ["else:", *self.inside(depth)]
                return lines
            case 2:
                return self.loop(
                    f"for {{}} in range({rng.randint(-2, 3)}, {rng.randint(0, 5)}):", depth
                )
            case 3:
                return self.loop(f"for {{}} in each_bit(u64({self.number(1)}) & 0xFF):", depth)
            case 4:
                return self.loop("for {} in ROWS:", depth)
            case 5:
                self.loops += 1
                counter = f"n{self.loops}"
                test = rng.choice([self.condition(1), "True"])
                return [
                    f"{counter}: u8 = 0",
                    f"while {test}:",
                    f"    {counter} = u8({counter} + 1)",
                    f"    if {counter} > {rng.randint(1, 6)}:",
                    "        break",
                    *self.inside(depth, loop=True),
                ]  # fmt: skip
            case 6:
                return [f"x, z = u64({self.number(1)}), u32({self.number(1)})"]
            case _:
                return [f"{name} = {value}"]

    def loop(self, head: str, depth: int) -> list[str]:
        self.loops += 1
        name = f"i{self.loops}"
        self.names.append(name)
        lines = [head.format(name), *self.inside(depth, loop=True)]
        self.names.remove(name)
        return lines

    def inside(self, depth: int, loop: bool = False) -> list[str]:
        lines = self.block(2, depth - 1)
        if loop and self.rng.random() < 0.4:
            lines += [f"if {self.condition(1)}:", "    " + self.rng.choice(["break", "continue"])]
            lines += self.statement(0)
        return ["    " + line for line in lines]
