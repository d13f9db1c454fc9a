"""Counting a subscription's numbers."""

from __future__ import annotations

import pytest

from tests.services import Services, mobile
from twinstream.errors import RequestError
from twinstream.service.numbering import HIGHEST_SEQ, Numbers


async def test_numbers_count_what_matches(services: Services) -> None:
    """From 0 for none, by one for each match, whatever else is in the log."""
    await services.add_oem("aaaaaaaa")
    ana, bob = [await services.add_user("aaaaaaaa", f"{name}@a.example") for name in ("ana", "bob")]
    made = (await services.subscriptions.create(ana, mobile())).subscription.id
    assert await services.numbering.count(made) == Numbers(0, 1)
    for number in range(1, 4):
        await services.append("aaaaaaaa", "ONE", [ana])
        await services.append("aaaaaaaa", "TWO", [bob])
        assert await services.numbering.count(made) == Numbers(number, 1)
    with pytest.raises(RequestError, match="no such thing"):
        await services.numbering.count(made + 1)


async def test_a_long_count_leaves_a_bookmark(services: Services) -> None:
    """What took more than a page is remembered, so that the next count begins there."""
    await services.add_oem("aaaaaaaa")
    ana = await services.add_user("aaaaaaaa", "ana@a.example")
    made = (await services.subscriptions.create(ana, mobile())).subscription.id

    await services.append("aaaaaaaa", "ONE", [ana], times=45_001)
    assert (await services.numbering.count(made)).last == 45_001
    start = await services.log.start_point(made, HIGHEST_SEQ)
    assert start is not None
    assert start.bookmark.seq == 45_001


async def test_check_start_refuses_what_is_missing(services: Services) -> None:
    """Beyond the next number is 416; from the oldest kept through the next, and 0 for all, is taken."""
    await services.add_oem("aaaaaaaa")
    ana = await services.add_user("aaaaaaaa", "ana@a.example")
    made = (await services.subscriptions.create(ana, mobile())).subscription.id
    for _ in range(3):
        await services.append("aaaaaaaa", "ONE", [ana])
    for seq_start in (0, 1, 3, 4):
        await services.numbering.check_start(made, seq_start)
    for seq_start in (5, HIGHEST_SEQ):
        with pytest.raises(RequestError, match="1 to 3") as caught:
            await services.numbering.check_start(made, seq_start)
        assert caught.value.status == 416
        assert caught.value.members == {"oldest": "1", "head": "3"}
