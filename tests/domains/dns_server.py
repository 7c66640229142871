"""A small DNS server on loopback, over UDP and TCP, with a zone in memory."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from dns.resolver import BaseResolver

LONGEST_DATAGRAM: Final = 512
LONGEST_CHAIN: Final = 8

Zone = dict[str, dict[str, list[str]]]


class DnsServer(asyncio.DatagramProtocol):
    """`zone` maps names to record types to values. For names in `broken` it answers SERVFAIL; for
    those in `silent` it does not answer.
    """

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.broken: set[str] = set()
        self.silent: set[str] = set()
        self.asked: list[tuple[str, str, str]] = []  # transport, name, type
        self.address = ""
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._answer(data, "udp")
        if answer is None or self._transport is None:
            return
        wire = answer.to_wire()
        if len(wire) > LONGEST_DATAGRAM:
            answer.answer.clear()
            answer.flags |= dns.flags.TC
            wire = answer.to_wire()
        self._transport.sendto(wire, addr)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(2))
                answer = self._answer(await reader.readexactly(length), "tcp")
                if answer is not None:
                    wire = answer.to_wire()
                    writer.write(len(wire).to_bytes(2) + wire)
                    await writer.drain()
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()

    def _answer(self, wire: bytes, transport: str) -> dns.message.Message | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((transport, name, kind))
        if name in self.silent:
            return None
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if name in self.broken:
            answer.set_rcode(dns.rcode.SERVFAIL)
        else:
            self._fill(answer, name, kind)
        return answer

    def _fill(self, answer: dns.message.Message, name: str, kind: str) -> None:
        for _ in range(LONGEST_CHAIN):
            records = self.zone.get(name)
            if records is None:
                answer.set_rcode(dns.rcode.NXDOMAIN)
                return
            alias = records.get("CNAME")
            found = kind if kind in records else "CNAME"
            if records.get(found):
                answer.answer.append(
                    dns.rrset.from_text_list(f"{name}.", 60, "IN", found, records[found])
                )
            if alias is None or found == kind:
                return
            name = alias[0].rstrip(".").lower()


@asynccontextmanager
async def run_dns_server(zone: Zone) -> AsyncGenerator[DnsServer]:
    server = DnsServer(zone)
    stream = await asyncio.start_server(server.talk, "127.0.0.1", 0)
    port = stream.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: server, local_addr=("127.0.0.1", port)
    )
    server.address = f"127.0.0.1:{port}"
    try:
        yield server
    finally:
        transport.close()
        stream.close()
        await stream.wait_closed()


def make_system_ask(server: DnsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaces the machine's name servers."""
    host, _, port = server.address.rpartition(":")

    def read_resolv_conf(resolver: BaseResolver, _file: object) -> None:
        resolver.nameservers = [host]
        resolver.port = int(port)

    monkeypatch.setattr(BaseResolver, "read_resolv_conf", read_resolv_conf)
