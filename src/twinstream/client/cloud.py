"""The REST APIs of a cloud, called as one user: `Cloud` with ``await``, `CloudSync` without.

Owns the connections. Both have a method for each call of `call`'s table, with its arguments and its answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, Generic, ParamSpec, Self, TypeVar, overload

import httpx

from twinstream.client import call
from twinstream.client.call import Call
from twinstream.client.caller import Caller
from twinstream.client.cloud_error import unreachable
from twinstream.client.resource import Datapoint

P = ParamSpec("P")
T = TypeVar("T")


class _Awaited(Generic[P, T]):
    """A call of the table as a method of `Cloud`."""

    def __init__(self, make: Callable[P, Call[T]]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, cloud: None, owner: type[Cloud]) -> Self: ...
    @overload
    def __get__(self, cloud: Cloud, owner: type[Cloud]) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, cloud: Cloud | None, owner: type[Cloud]) -> Self | Callable[P, Coroutine[Any, Any, T]]:
        if cloud is None:
            return self

        async def run(*args: P.args, **options: P.kwargs) -> T:
            return await cloud.send(self._make(*args, **options))

        return run


class _Direct(Generic[P, T]):
    """A call of the table as a method of `CloudSync`."""

    def __init__(self, make: Callable[P, Call[T]]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, cloud: None, owner: type[CloudSync]) -> Self: ...
    @overload
    def __get__(self, cloud: CloudSync, owner: type[CloudSync]) -> Callable[P, T]: ...
    def __get__(self, cloud: CloudSync | None, owner: type[CloudSync]) -> Self | Callable[P, T]:
        if cloud is None:
            return self

        def run(*args: P.args, **options: P.kwargs) -> T:
            return cloud.send(self._make(*args, **options))

        return run


class Cloud(Caller):
    """Calls REST APIs with ``await``; to be used with ``async with``. Any number of tasks may use it at a time.

    Each call raises `CloudError`, and nothing else, if it fails.
    """

    def _start(self, options: dict[str, Any]) -> None:
        self._client = httpx.AsyncClient(**options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; the tokens stay good."""
        await self._client.aclose()

    async def send(self, asked: Call[T]) -> T:
        """Send a call of `twinstream.client.call`, and return its answer. Raises CloudError."""
        request = self.prepare(asked)
        try:
            response = await self._client.request(**request)
        except httpx.RequestError as error:
            raise unreachable(str(error) or type(error).__name__) from error
        return self.read(asked, response)

    async def datapoints(
        self, dsn: str, name: str, *, since: str | None = None, until: str | None = None, per_page: int = 99
    ) -> AsyncIterator[Datapoint]:
        """Go through a property's datapoints, asking for page after page as they are used up."""
        after: str | None = None
        while True:
            page = await self.page_datapoints(dsn, name, after=after, per_page=per_page, since=since, until=until)
            for datapoint in page.datapoints:
                yield datapoint
            if page.next_page in (None, after) or not page.datapoints:
                return
            after = page.next_page

    sign_in = _Awaited(call.sign_in)
    sign_in_with_token = _Awaited(call.sign_in_with_token)
    refresh = _Awaited(call.refresh)
    sign_out = _Awaited(call.sign_out)
    get_profile = _Awaited(call.get_profile)
    list_devices = _Awaited(call.list_devices)
    get_device = _Awaited(call.get_device)
    register_device = _Awaited(call.register_device)
    rename_device = _Awaited(call.rename_device)
    unregister_device = _Awaited(call.unregister_device)
    list_properties = _Awaited(call.list_properties)
    get_property = _Awaited(call.get_property)
    set_property = _Awaited(call.set_property)
    set_properties = _Awaited(call.set_properties)
    list_datapoints = _Awaited(call.list_datapoints)
    page_datapoints = _Awaited(call.page_datapoints)
    get_datapoint = _Awaited(call.get_datapoint)
    list_device_data = _Awaited(call.list_device_data)
    create_device_datum = _Awaited(call.create_device_datum)
    get_device_datum = _Awaited(call.get_device_datum)
    update_device_datum = _Awaited(call.update_device_datum)
    delete_device_datum = _Awaited(call.delete_device_datum)
    list_user_data = _Awaited(call.list_user_data)
    create_user_datum = _Awaited(call.create_user_datum)
    get_user_datum = _Awaited(call.get_user_datum)
    update_user_datum = _Awaited(call.update_user_datum)
    delete_user_datum = _Awaited(call.delete_user_datum)
    list_shares = _Awaited(call.list_shares)
    list_received_shares = _Awaited(call.list_received_shares)
    create_share = _Awaited(call.create_share)
    delete_share = _Awaited(call.delete_share)
    list_subscriptions = _Awaited(call.list_subscriptions)
    create_subscription = _Awaited(call.create_subscription)
    get_subscription = _Awaited(call.get_subscription)
    update_subscription = _Awaited(call.update_subscription)
    delete_subscription = _Awaited(call.delete_subscription)


class CloudSync(Caller):
    """Calls REST APIs; to be used with ``with``. Any number of threads may use it at a time.

    Each call raises `CloudError`, and nothing else, if it fails.
    """

    def _start(self, options: dict[str, Any]) -> None:
        self._client = httpx.Client(**options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; the tokens stay good."""
        self._client.close()

    def send(self, asked: Call[T]) -> T:
        """Send a call of `twinstream.client.call`, and return its answer. Raises CloudError."""
        request = self.prepare(asked)
        try:
            response = self._client.request(**request)
        except httpx.RequestError as error:
            raise unreachable(str(error) or type(error).__name__) from error
        return self.read(asked, response)

    def datapoints(
        self, dsn: str, name: str, *, since: str | None = None, until: str | None = None, per_page: int = 99
    ) -> Iterator[Datapoint]:
        """Go through a property's datapoints, asking for page after page as they are used up."""
        after: str | None = None
        while True:
            page = self.page_datapoints(dsn, name, after=after, per_page=per_page, since=since, until=until)
            yield from page.datapoints
            if page.next_page in (None, after) or not page.datapoints:
                return
            after = page.next_page

    sign_in = _Direct(call.sign_in)
    sign_in_with_token = _Direct(call.sign_in_with_token)
    refresh = _Direct(call.refresh)
    sign_out = _Direct(call.sign_out)
    get_profile = _Direct(call.get_profile)
    list_devices = _Direct(call.list_devices)
    get_device = _Direct(call.get_device)
    register_device = _Direct(call.register_device)
    rename_device = _Direct(call.rename_device)
    unregister_device = _Direct(call.unregister_device)
    list_properties = _Direct(call.list_properties)
    get_property = _Direct(call.get_property)
    set_property = _Direct(call.set_property)
    set_properties = _Direct(call.set_properties)
    list_datapoints = _Direct(call.list_datapoints)
    page_datapoints = _Direct(call.page_datapoints)
    get_datapoint = _Direct(call.get_datapoint)
    list_device_data = _Direct(call.list_device_data)
    create_device_datum = _Direct(call.create_device_datum)
    get_device_datum = _Direct(call.get_device_datum)
    update_device_datum = _Direct(call.update_device_datum)
    delete_device_datum = _Direct(call.delete_device_datum)
    list_user_data = _Direct(call.list_user_data)
    create_user_datum = _Direct(call.create_user_datum)
    get_user_datum = _Direct(call.get_user_datum)
    update_user_datum = _Direct(call.update_user_datum)
    delete_user_datum = _Direct(call.delete_user_datum)
    list_shares = _Direct(call.list_shares)
    list_received_shares = _Direct(call.list_received_shares)
    create_share = _Direct(call.create_share)
    delete_share = _Direct(call.delete_share)
    list_subscriptions = _Direct(call.list_subscriptions)
    create_subscription = _Direct(call.create_subscription)
    get_subscription = _Direct(call.get_subscription)
    update_subscription = _Direct(call.update_subscription)
    delete_subscription = _Direct(call.delete_subscription)
