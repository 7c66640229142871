"""Writes a small MaxMind DB file, version 2.0 of the format: IPv4 networks in an IPv6 tree."""

import struct
from ipaddress import ip_network
from pathlib import Path
from typing import cast

MARKER = b"\xab\xcd\xefMaxMind.com"
EMPTY = -1


def write_mmdb(path: Path, records: dict[str, object], kind: str = "Tests") -> None:
    """Maps networks such as `1.2.3.0/24` to records."""
    nodes: list[list[int]] = [[EMPTY, EMPTY]]
    data = b""
    for network, record in records.items():
        insert(nodes, network, -2 - len(data))
        data += encode(record)
    count = len(nodes)
    tree = b"".join(encode_pointer(child, count) for node in nodes for child in node)
    about = {
        "node_count": count,
        "record_size": 32,
        "ip_version": 6,
        "database_type": kind,
        "languages": ["en"],
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": 0,
        "description": {"en": "Made by a test"},
    }
    path.write_bytes(tree + bytes(16) + data + MARKER + encode(about))


def insert(nodes: list[list[int]], network: str, leaf: int) -> None:
    found = ip_network(network)
    bits = f"{0:096b}" + f"{int(found.network_address):032b}"
    bits = bits[: 96 + found.prefixlen]
    node = 0
    for bit in map(int, bits[:-1]):
        if nodes[node][bit] == EMPTY:
            nodes.append([EMPTY, EMPTY])
            nodes[node][bit] = len(nodes) - 1
        node = nodes[node][bit]
    nodes[node][int(bits[-1])] = leaf


def encode_pointer(child: int, count: int) -> bytes:
    if child == EMPTY:
        return struct.pack(">I", count)
    return struct.pack(">I", child if child >= 0 else count + 16 + (-2 - child))


def encode(value: object) -> bytes:
    if isinstance(value, str):
        text = value.encode()
        return control(2, len(text)) + text
    if isinstance(value, int):
        number = value.to_bytes((value.bit_length() + 7) // 8, "big")
        return control(6, len(number)) + number
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return control(7, len(pairs)) + b"".join(encode(part) for pair in pairs for part in pair)
    parts = cast("list[object]", value)
    return control(11, len(parts)) + b"".join(map(encode, parts))


def control(kind: int, size: int) -> bytes:
    assert size < 285
    length = bytes([size - 29]) if size >= 29 else b""
    low = min(size, 29)
    if kind > 7:
        return bytes([low, kind - 7]) + length
    return bytes([kind << 5 | low]) + length
