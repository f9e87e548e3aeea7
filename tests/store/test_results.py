"""Results and ids seen, on both databases."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnostics.store import MAX_DOCUMENT, MAX_ID, MAX_TEXT, MAX_WORD, DoesNotFit, Store
from diagnostics.store.opening import open_store
from diagnostics.store.tables import storable
from tests.store.factories import NOW, result

ANY_TEXT = st.text(st.characters(), max_size=200)  # NUL and lone surrogates too


async def test_a_result_comes_back_as_it_was(store: Store) -> None:
    await store.keep_result(result())
    assert await store.result("r-1") == result()
    assert await store.result("r-2") is None
    assert await store.result("") is None
    assert await store.result("r" * 5000) is None


async def test_the_first_stays(store: Store) -> None:
    await store.keep_result(result())
    await store.keep_result(result(word="another"))
    assert await store.result("r-1") == result()


async def test_other_zones_come_back_in_utc(store: Store) -> None:
    there = datetime(2026, 11, 24, 1, 0, tzinfo=timezone(timedelta(hours=-9, minutes=-30)))
    await store.keep_result(result(at=there))
    back = await store.result("r-1")
    assert back is not None
    assert back.at == there
    assert back.at.utcoffset() == timedelta(0)


async def test_long_ones(store: Store) -> None:
    await store.keep_result(replace(result(), document="x" * MAX_DOCUMENT, transcript="x" * MAX_TEXT, word="é" * MAX_WORD))
    await store.keep_result(
        replace(result("r-2"), document="x" * (MAX_DOCUMENT + 1), transcript="x" * (MAX_TEXT + 1), partner="ü" * 99_999)
    )
    fits, cut = await store.result("r-1"), await store.result("r-2")
    assert fits is not None
    assert cut is not None
    assert (fits.document, fits.transcript) == ("x" * MAX_DOCUMENT, "x" * MAX_TEXT)
    assert cut.document is None
    assert cut.transcript.endswith("(cut: too long to be kept whole)")
    assert len(cut.transcript) == len(cut.partner or "") == MAX_TEXT


@pytest.mark.parametrize("wrong", [{"id": ""}, {"id": "x" * (MAX_ID + 1)}, {"word": ""}, {"word": "x" * (MAX_WORD + 1)}])
async def test_what_does_not_fit(store: Store, wrong: dict[str, str]) -> None:
    with pytest.raises(DoesNotFit, match=f"{next(iter(wrong))}: "):
        await store.keep_result(replace(result(), **wrong))  # type: ignore[arg-type]


async def test_the_longest_keys_fit_their_indexes(store: Store) -> None:
    # letters that take four bytes each, and that do not compress
    word, id = ("".join(chr(0x10000 + (n * 7919 + 13) % 0xFFFF) for n in range(size)) for size in (MAX_WORD, MAX_ID))
    await store.keep_result(result(id, word))
    assert await store.result(id) == result(id, word)
    assert await store.claim(id, id, at=NOW)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(ANY_TEXT.filter(bool), min_size=4, max_size=4))
async def test_any_text_is_taken(url: str, texts: list[str]) -> None:
    id, word, partner, transcript = texts
    kept = replace(result(id[:50], word), partner=partner, transcript=transcript, document=None)
    async with open_store(url) as store:
        await store.prune(NOW + timedelta(days=9999))
        await store.keep_result(kept)
        assert await store.result(id[:50]) == replace(
            kept, id=storable(kept.id), word=storable(word), partner=storable(partner), transcript=storable(transcript)
        )
        assert await store.claim(word, id[:50], at=NOW)
        assert not await store.claim(word, id[:50], at=NOW)


async def test_an_id_is_claimed_once(store: Store) -> None:
    assert await store.claim("event", "Ev1", at=NOW)
    assert not await store.claim("event", "Ev1", at=NOW)
    assert await store.claim("envelope", "Ev1", at=NOW)
    with pytest.raises(DoesNotFit):
        await store.claim("event", "x" * (MAX_ID + 1), at=NOW)


async def test_it_stays_claimed_after_a_restart(url: str) -> None:
    async with open_store(url) as store:
        assert await store.claim("event", "Ev1", at=NOW)
        await store.ping()
    async with open_store(url) as store:
        assert not await store.claim("event", "Ev1", at=NOW)
