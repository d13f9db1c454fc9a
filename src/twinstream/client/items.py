"""Iterating over what a function of `stream` gives, so that a reader who was cancelled can go on.

Why no generator: being cancelled once would end it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Items(Generic[T]):
    """An asynchronous iterator; ``next_item`` raises StopAsyncIteration at the end."""

    def __init__(self, next_item: Callable[[], Awaitable[T]]) -> None:
        self._next_item = next_item

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        return await self._next_item()
