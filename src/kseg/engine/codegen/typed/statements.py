"""Statements of typed Python: one function after the other becomes LLVM's text."""

import ast
import ctypes
import linecache
from collections.abc import Callable, Iterable, Mapping
from enum import EnumType
from functools import cache
from typing import Any

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.typed import values, words
from kseg.engine.codegen.typed.calls import Calls, abi, is_type
from kseg.engine.codegen.typed.expressions import Local, llvm_of
from kseg.engine.codegen.typed.values import TypedPythonError, Value, number
from kseg.engine.codegen.typed.words import Word


class Loop:
    """Where `continue` and `break` lead; whether there is a `break`."""

    def __init__(self, again: str, done: str) -> None:
        self.again, self.done, self.left = again, done, False


@cache
def _functions_in(file: str) -> Mapping[int, ast.FunctionDef]:
    """The functions of a file, by the line that they begin in."""
    tree = ast.parse("".join(linecache.getlines(file)))
    found = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return {min([node.lineno, *(d.lineno for d in node.decorator_list)]): node for node in found}


def _source(function: Any) -> tuple[str, ast.FunctionDef]:
    """The file of a function, and its syntax tree."""
    file = function.__code__.co_filename
    node = _functions_in(file).get(function.__code__.co_firstlineno)
    if node is None or node.name != function.__name__:
        raise TypedPythonError(f"there is no source of {function.__qualname__}")
    return file, node


class Function(Calls):
    """One function: `text` is its code, `called` what must be compiled as well."""

    def __init__(
        self,
        function: Any,
        symbol: Callable[[Any], str],
        constants: Mapping[str, Any],
        attributes: tuple[str, str],
    ) -> None:
        """`constants` go before the module's of the same name; `attributes` are LLVM's linkage, and
        what stands behind the parameters."""
        self.file, tree = _source(function)
        self.function = function
        self.changes = False
        self.symbol, self.called = symbol, []
        self.globals = {**function.__globals__, **constants}
        self.assigned = _assigned(tree)
        self.loops: list[Loop] = []
        self.ended = False
        """Does control not reach what follows?"""
        types, self.result = self.signature(tree, function)
        self.names = getattr(types.get("self"), "names", {})
        parameters = [(abi(type_), f"p.{name}") for name, type_ in types.items()]
        linkage, behind = attributes
        result = abi(self.result, True)
        self.b = FunctionBuilder(symbol(function), result, parameters, linkage)
        self.scopes = [{}]
        for name, type_ in types.items():
            value = self.received(f"%p.{name}", type_)
            if name in self.assigned:
                self._declare(tree, name, type_, value)
            else:
                self.scopes[-1][name] = value
        self.block(tree.body)
        if not self.ended:
            if self.result is not None:
                raise self.error(tree, f"{tree.name} may end without returning anything")
            self.b.do("ret void")
        self.text = self.b.text(behind)

    # Locals.

    def _declare(self, node: Any, name: str, type_: Any, value: Value) -> None:
        """A local that can be assigned to."""
        self._new(node, name)
        value = self._converted(node, value, type_)
        variable = self.b.variable(llvm_of(value.type), value.operand)
        word = values.held(type_) or Word("bool", 1, 0, 1)
        self.scopes[-1][name] = Local(variable, value.type, word)

    def _new(self, node: Any, name: str) -> None:
        """A name for what was not there before: in Python it would be the same variable."""
        if self.local(name) is not None:
            raise self.error(node, f"{name} is declared already")

    def _converted(self, node: Any, value: Value, type_: Any) -> Value:
        """A value as a local of a type has it."""
        word = values.held(type_)
        if word is None and value.type is type_:
            return value
        if word is None or value.type not in (int, bool):
            raise self.error(node, f"a {values.name_of(type_)} is wanted here")
        return self.fitting(node, self.as_number(node, value), word)

    def _assign(self, target: ast.expr, value: Value) -> None:
        if not isinstance(target, ast.Name):
            if self._set_property(target, value):
                return
            pointer, type_ = self.place(target)
            if type_ is ctypes.c_bool:
                self._store_truth(target, pointer, value)
                return
            word = self._stored(target, type_)
            value = self.fitting(target, self.as_number(target, value), word)
            self.store(pointer, word, value)
            return
        local = self.local(target.id)
        if isinstance(local, Local):
            if local.type is int:
                value = self.fitting(target, self.as_number(target, value), local.word)
            elif value.type is not local.type:
                raise self.error(target, f"{target.id} is of another type")
            local.variable.set(value.operand)
        elif local is not None:
            raise self.error(target, f"{target.id} is assigned more than once: declare it")
        else:
            self.scopes[-1][target.id] = value

    def _set_property(self, target: ast.expr, value: Value) -> bool:
        """Assign to a property; False where it is none."""
        if not isinstance(target, ast.Attribute):
            return False
        base = self.value(target.value)
        attribute = getattr(base.type, target.attr, None)
        if not isinstance(attribute, property) or attribute.fset is None:
            return False
        self.call_function(target, attribute.fset, [base, value])
        return True

    def _store_truth(self, node: ast.expr, pointer: Operand, value: Value) -> None:
        if value.type is not bool:
            if value.type is not int or not value.exact:
                raise self.error(node, "a truth value is wanted here")
            value = values.truth(self.b.emit(f"icmp ne i64 {value.operand}, 0"))
        self.changes = True
        self.b.do(f"store i8 {self.b.emit(f'zext i1 {value.operand} to i8')}, ptr {pointer}")

    def _stored(self, node: ast.expr, type_: Any) -> Word:
        word = values.stored(type_)
        if word is None:
            raise self.error(node, "only numbers are assigned")
        return word

    # Statements.

    def block(self, body: Iterable[ast.stmt]) -> None:
        """Compile statements; what they assign first is known among them only."""
        self.scopes.append({})
        for statement in body:
            if not self.ended:
                self._statement(statement)
        self.scopes.pop()

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Pass() | ast.Assert() | ast.Expr(ast.Constant()):
                pass  # What is asserted is CPython's to check.
            case ast.Expr(ast.Call() as call):
                self.call(call)
            case ast.AnnAssign(ast.Name(name), annotation, ast.expr() as given):
                type_ = self.static(annotation)
                if not is_type(type_):
                    raise self.error(node, f"{ast.unparse(annotation)} is no type of native code")
                self._declare(node, name, type_, self.value(given))
            case ast.Assign([ast.Tuple(targets)], ast.Tuple(given)) if len(targets) == len(given):
                for target, value in zip(
                    targets, [self.value(each) for each in given], strict=True
                ):
                    self._assign(target, value)
            case ast.Assign([target], given) if not isinstance(target, ast.Tuple):
                self._assign(target, self.value(given))
            case ast.AugAssign(target, kind, given):
                self._augment(target, kind, given)
            case ast.If():
                self._if(node)
            case ast.While(orelse=[]):
                self._while(node)
            case ast.For(orelse=[]):
                self._for(node)
            case ast.Raise():
                self._refuse(node)
            case ast.Return(given):
                self._return(node, given)
            case ast.Break() | ast.Continue():
                loop = self.loops[-1]
                loop.left |= isinstance(node, ast.Break)
                self.b.jump(loop.done if isinstance(node, ast.Break) else loop.again)
                self.ended = True
            case _:
                raise self.error(node, f"there is no such {type(node).__name__} here")

    def _augment(self, target: ast.expr, kind: ast.operator, given: ast.expr) -> None:
        if isinstance(target, ast.Name):
            before = self.number(ast.copy_location(ast.Name(target.id, ast.Load()), target))
            after = self.checked(target, values.arithmetic, kind, before, self.number(given))
            self._assign(target, after)
            return
        pointer, type_ = self.place(target)
        word, before = self._stored(target, type_), self.load(target, pointer, type_)
        after = self.checked(target, values.arithmetic, kind, before, self.number(given))
        self.store(pointer, word, after)

    def _if(self, node: ast.If) -> None:
        known = self.known(node.test)
        if known is not None:
            self.block(node.body if known else node.orelse)
            return
        yes, no, after = (self.b.label(hint) for hint in ("then", "else", "after"))
        self.branch(node.test, yes, no)
        ended = []
        for label, body in ((yes, node.body), (no, node.orelse)):
            self.b.place(label)
            self.ended = False
            self.block(body)
            ended.append(self.ended)
            if not self.ended:
                self.b.jump(after)
        self.ended = all(ended)
        if not self.ended:
            self.b.place(after)

    def _return(self, node: ast.Return, given: ast.expr | None) -> None:
        type_ = self.result
        if type_ is None:
            if given is not None:
                raise self.error(node, "a function without a result returns something")
            self.b.do("ret void")
        else:
            if given is None:
                raise self.error(node, "the result is missing")
            self.b.return_(abi(type_), self.passed(node, self.value(given), type_))
        self.ended = True

    def _refuse(self, node: ast.Raise) -> None:
        """What raises is left to CPython, which does all of it: so nothing must be done yet."""
        base = self.local("self")
        refuse = getattr(base.type, "refuse", None) if isinstance(base, Value) else None
        if refuse is None or not hasattr(self.function, "symbol"):
            raise self.error(node, "only a method that native code calls first can raise")
        if self.changes:
            raise self.error(node, "it has done something before it raises")
        assert isinstance(base, Value)
        self.call_function(node, refuse, [base])
        self.b.do("ret void" if self.result is None else f"ret {abi(self.result)} 0")
        self.ended = True

    # Loops.

    def _while(self, node: ast.While) -> None:
        again, body, done = (self.b.label(hint) for hint in ("again", "body", "done"))
        forever = self.known(node.test) is True
        self.b.jump(again)
        self.b.place(again)
        self.branch(node.test, body, done)
        self.b.place(body)
        left = self._loop_body(node.body, again, done)
        if not self.ended:
            self.b.jump(again)
        self.b.place(done)
        self.ended = forever and not left
        if self.ended:
            self.b.do("unreachable")

    def _loop_body(self, body: Iterable[ast.stmt], again: str, done: str) -> bool:
        """Compile a loop's body; is the loop left in it?"""
        self.loops.append(Loop(again, done))
        self.block(body)
        return self.loops.pop().left

    def _for(self, node: ast.For) -> None:
        if isinstance(node.iter, ast.Call) and not node.iter.keywords:
            called = self.static(node.iter.func)
            if called is range and len(node.iter.args) in (1, 2):
                self._count(node, *node.iter.args)
                return
            if called is words.each_bit and len(node.iter.args) == 1:
                self._each_bit(node, node.iter.args[0])
                return
        rows: Any = self.static(node.iter)
        if not isinstance(rows, (tuple, EnumType)):
            raise self.error(node, "for is over range, each_bit, or a constant tuple")
        self._expand(node, tuple(rows))

    def _expand(self, node: ast.For, rows: tuple[Any, ...]) -> None:
        """The body once for each row of a constant tuple."""
        done = self.b.label("done")
        targets = node.target.elts if isinstance(node.target, ast.Tuple) else [node.target]
        names = [each.id for each in targets if isinstance(each, ast.Name)]
        for name in names:
            self._new(node, name)
        for row in rows:
            given = row if isinstance(node.target, ast.Tuple) else (row,)
            if len(names) != len(given) or not all(isinstance(each, int) for each in given):
                raise self.error(node, f"{row} is not one number for each name")
            following = self.b.label("following")
            self.scopes.append(dict(zip(names, map(number, given), strict=True)))
            self._loop_body(node.body, following, done)
            self.scopes.pop()
            if not self.ended:
                self.b.jump(following)
            self.b.place(following)
            self.ended = False
        self.b.jump(done)
        self.b.place(done)

    def _count(self, node: ast.For, *bounds: ast.expr) -> None:
        given = [self.fitting(each, self.number(each), values.I64) for each in bounds]
        start, stop = given if len(given) == 2 else (number(0), given[0])
        counter = self.b.variable("i64", start.operand)
        again, body, step, done = (self.b.label(each) for each in ("again", "body", "step", "done"))
        self.b.jump(again)
        self.b.place(again)
        now = counter.get()
        self.b.branch(self.b.emit(f"icmp slt i64 {now}, {stop.operand}"), body, done)
        self.b.place(body)
        self._with(node, Value(now, int, start.low, max(stop.high - 1, start.low)), step, done)
        self.b.place(step)
        counter.set(self.b.emit(f"add i64 {now}, 1"))
        self.b.jump(again)
        self.b.place(done)

    def _each_bit(self, node: ast.For, bits: ast.expr) -> None:
        value = self.number(bits, exact=True)
        if value.low < 0:
            raise self.error(node, "the bits of what may be negative have no end")
        left = self.b.variable("i64", value.operand)
        again, body, done = (self.b.label(hint) for hint in ("again", "body", "done"))
        self.b.jump(again)
        self.b.place(again)
        now = left.get()
        self.b.branch(self.b.emit(f"icmp eq i64 {now}, 0"), done, body)
        self.b.place(body)
        left.set(self.b.emit(f"and i64 {now}, {self.b.emit(f'sub i64 {now}, 1')}"))
        index = self.b.emit(f"call i64 @llvm.cttz.i64(i64 {now}, i1 true)")
        high = value.high.bit_length() - 1
        self._with(node, Value(index, int, 0, max(high, 0)), again, done)
        self.b.place(done)

    def _with(self, node: ast.For, value: Value, again: str, done: str) -> None:
        """The body of a loop, in which its name stands for a value."""
        if not isinstance(node.target, ast.Name):
            raise self.error(node, "one name is wanted")
        self._new(node, node.target.id)
        self.scopes.append({node.target.id: value})
        self._loop_body(node.body, again, done)
        self.scopes.pop()
        if not self.ended:
            self.b.jump(again)
        self.ended = False


def _assigned(tree: ast.FunctionDef) -> frozenset[str]:
    """The names that are locals because the text assigns to them."""
    return frozenset(
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )
