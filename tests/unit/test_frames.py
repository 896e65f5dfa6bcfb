"""Frames: encoded and found again, whatever is in them and around them. The firmware's are in e2e/test_link.py."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.link.frames import LONGEST_NOISE, Decoder, Frame, Noise, decode, encode

ZEROS = st.sampled_from([0, 0, 1, 255]) | st.integers(0, 255)
DATA = st.lists(ZEROS, max_size=600).map(bytes)


def test_known_frame() -> None:
    """By hand: two blocks, the second with the CRC, in which there is no zero."""
    crc = zlib.crc32(b"\x11\x22\x00\x33").to_bytes(4, "little")
    frame = encode(b"\x11\x22\x00\x33")
    assert frame == bytes.fromhex("00 03 11 22 06 33") + crc + b"\0"
    assert decode(frame[1:-1]) == b"\x11\x22\x00\x33"


@settings(max_examples=30)
@given(DATA)
def test_round_trip(data: bytes) -> None:
    frame = encode(data)
    assert 0 not in frame[1:-1]
    assert Decoder().feed(frame) == [Frame(data)]
    assert len(frame) <= len(data) + 4 + (len(data) + 4) // 254 + 3


@pytest.mark.parametrize("size", [249, 250, 251, 253, 254, 255, 504, 508, 509])
def test_blocks_without_a_zero(size: int) -> None:
    assert Decoder().feed(encode(b"\x55" * size)) == [Frame(b"\x55" * size)]


@settings(max_examples=30)
@given(st.lists(DATA, max_size=4), st.integers(1, 40))
def test_pieces(frames: list[bytes], size: int) -> None:
    """It does not matter in which pieces bytes arrive."""
    stream = b"".join(map(encode, frames))
    decoder = Decoder()
    found = [event for at in range(0, len(stream), size) for event in decoder.feed(stream[at : at + size])]
    assert found == [Frame(data) for data in frames]
    assert decoder.pending == b""


@settings(max_examples=30)
@given(DATA, st.integers(0, 10**9), st.integers(0, 7))
def test_a_flipped_bit_is_noticed(data: bytes, at: int, bit: int) -> None:
    frame = bytearray(encode(data))
    frame[at % len(frame)] ^= 1 << bit
    for event in Decoder().feed(bytes(frame) + encode(b"next")):
        assert isinstance(event, Noise) or event in (Frame(data), Frame(b"next"))
        if event == Frame(data):  # only the zeros around it can change
            assert at % len(frame) in (0, len(frame) - 1) or data == b"next"


@settings(max_examples=30)
@given(st.binary(max_size=300))
def test_in_step_after_anything(noise: bytes) -> None:
    assert Decoder().feed(noise + encode(b"x"))[-1] == Frame(b"x")


def test_text_between_frames() -> None:
    decoder = Decoder()
    assert decoder.feed(encode(b"a") + b"hello\n" + encode(b"b")) == [Frame(b"a"), Noise(b"hello\n"), Frame(b"b")]
    decoder.feed(b"edgeq: fault")
    assert decoder.pending == b"edgeq: fault"
    decoder.feed(b"x" * 3 * LONGEST_NOISE)
    assert len(decoder.pending) == LONGEST_NOISE
