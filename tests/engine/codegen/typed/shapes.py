"""A text about structures: every way to memory, and every kind of call."""

import ctypes
from enum import IntEnum
from typing import Annotated, TypeAlias

from kseg.engine.codegen.typed import (
    below,
    copy,
    each_bit,
    host_ticks,
    i32,
    i64,
    likely,
    lowest_bit,
    matching,
    through,
    u8,
    u16,
    u32,
    u64,
    unlikely,
)

Index: TypeAlias = Annotated[int, below(4)]
ALL = 0xFFFFFFFF


class Colour(IntEnum):
    RED = 0
    GREEN = 1
    BLUE = 2


class Point(ctypes.Structure):
    _fields_ = [("x", ctypes.c_int32), ("y", ctypes.c_uint16), ("tag", ctypes.c_uint8)]

    @property
    def sum(self) -> i64:
        return self.x + self.y + self.tag

    def move(self, x: i32, *, y: u16) -> None:
        self.x = i32(self.x + x)
        self.y = y


class Shape(ctypes.Structure):
    _fields_ = [
        ("points", Point * 4),
        ("middle", Point),
        ("words", ctypes.c_uint32 * 64),
        ("few", ctypes.c_uint32 * 8),
        ("longs", ctypes.c_uint64 * 3),
        ("other", ctypes.c_uint64),  # address of a Point
        ("count", ctypes.c_uint64),
        ("byte", ctypes.c_uint8),
        ("outside", ctypes.c_uint64),
    ]

    @property
    def far(self) -> Point:
        return Point.from_address(self.other)

    @through("outside")
    def ask(self, number: u32) -> u64:
        return u64(3 * number + 1)


class Round(Shape):
    _fields_ = [("radius", ctypes.c_uint32)]


def fields(shape: Shape, number: u32) -> u64:
    shape.middle.move(-5, y=u16(number))
    shape.far.move(i32(number), y=7)
    shape.byte += number
    shape.count -= 1
    shape.longs[1] += u64(shape.middle.sum)
    shape.words[number % 64] ^= number
    shape.words[0], shape.words[1] = shape.words[1], shape.words[0]
    point = shape.points[number & 3]
    point.tag = 1
    point.x -= point.tag
    return u64(shape.far.sum + shape.byte)


def addresses(shape: Shape, number: u32) -> u64:
    offset = Shape.words.offset
    where = ctypes.addressof(shape) + offset + 4 * (number % 64)
    ctypes.c_uint32.from_address(where).value += 5
    middle = ctypes.addressof(shape.middle)
    assert middle != 0
    copy(ctypes.addressof(shape.points), middle, 8)
    copy(ctypes.addressof(shape.longs), ctypes.addressof(shape.words), 24)
    return ctypes.c_uint32.from_address(where).value


def bits(shape: Shape, number: u32) -> u64:
    found: u64 = 0
    for index in each_bit(matching(shape.words, number, ALL)):
        found = u64(found * 3 + index)
    few = matching(shape.few, number, 0xFF)
    if likely(few != 0) and not unlikely(shape.byte > 200):
        found = u64(found + lowest_bit(few) * 1000)
    return u64(found + lowest_bit(shape.count) + host_ticks() * 0)


def choose(shape: Shape, number: u32) -> u64:
    colour: Colour = Colour(number % 3)
    index: Index = number % 4
    nearest: Point = shape.middle
    if colour == Colour.GREEN:
        nearest = shape.points[index]
    nearest = nearest if number & 1 else shape.far
    for other in Colour:
        if other == colour:
            continue
        shape.few[other] += paint(colour, bright=number > 5)
    return u64(nearest.sum)


def paint(colour: Colour, bright: bool) -> u8:
    return colour + bright * 10


def outside(shape: Shape, number: u32) -> u64:
    return u64(shape.ask(number) + shape.ask(u32(number + 1)))


def inherited(shape: Round, number: u32) -> u64:
    shape.radius = number
    return fields(shape, number)
