"""What others do with mail that is built already, as a program: `python -m benchmarks.prebuilt_peers KIND --port P …`.

`asyncio` is aiosmtplib over connections that stay open, `threads` the standard library's smtplib in as many threads.
Prints the JSON object that our own client prints.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import smtplib
import ssl
import threading
import time

import aiosmtplib

from benchmarks.mail import prebuilt

_SENDER, _RECIPIENT = "news@acme.test", "p@example.com"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["asyncio", "threads"])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--size", type=int, default=10_240, help="octets of a message")
    parser.add_argument("--ca", default="", help="speak TLS, and trust this authority")
    options = parser.parse_args()
    given = (options.port, options.connections, options.messages, options.size, options.ca)
    start, cpu = time.perf_counter(), time.process_time()
    if options.kind == "asyncio":
        asyncio.run(over_asyncio(*given))
    else:
        in_threads(*given)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(json.dumps({"sent": options.messages, "seconds": seconds, "cpu": cpu}))


async def over_asyncio(port: int, connections: int, messages: int, size: int = 10_240, ca: str = "") -> None:
    """Send it all with aiosmtplib; `ca` is the authority to trust, for TLS."""
    numbers = iter(range(messages))
    trust = ssl.create_default_context(cafile=ca) if ca else None

    async def worker() -> None:
        client = aiosmtplib.SMTP(
            hostname="127.0.0.1", port=port, use_tls=bool(trust), start_tls=False, tls_context=trust
        )
        async with client:
            for number in numbers:
                await client.sendmail(_SENDER, [_RECIPIENT], prebuilt(size, number))

    await asyncio.gather(*(worker() for _ in range(connections)))


def in_threads(port: int, connections: int, messages: int, size: int = 10_240, ca: str = "") -> None:
    """Send it all with smtplib."""
    numbers = iter(range(messages))
    trust = ssl.create_default_context(cafile=ca) if ca else None
    failed: list[BaseException] = []

    def worker() -> None:
        try:
            client = smtplib.SMTP_SSL("127.0.0.1", port, context=trust) if trust else smtplib.SMTP("127.0.0.1", port)
            with client:
                for number in numbers:
                    client.sendmail(_SENDER, [_RECIPIENT], prebuilt(size, number))
        except (OSError, smtplib.SMTPException) as error:
            failed.append(error)

    threads = [threading.Thread(target=worker) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


if __name__ == "__main__":
    main()
