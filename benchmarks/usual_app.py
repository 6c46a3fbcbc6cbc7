"""The usual way to write this: csv, Jinja2, EmailMessage and aiosmtplib with persistent connections.

It is what mailtui is measured against: no outbox, no sandboxed templates, nothing is remembered. Run as a process of
its own; prints one JSON object.
"""

from __future__ import annotations

import asyncio
import csv
import json
import resource
import sys
import time
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import aiosmtplib
import jinja2


async def main(folder: Path, port: int, workers: int) -> None:
    """Send the campaign in `folder` through `workers` connections."""
    rich = folder / "body.html.j2"
    html = jinja2.Environment(autoescape=True).from_string(rich.read_text()) if rich.exists() else None
    text = jinja2.Environment().from_string((folder / "body.txt.j2").read_text())
    subject = jinja2.Environment().from_string("{{ first_name }}, spring is here")
    with (folder / "contacts.csv").open(newline="") as stream:
        rows = iter([row for row in csv.DictReader(stream) if row["city"] == "Springfield" and row["code"].isdigit()])
    sent = 0

    async def worker() -> None:
        nonlocal sent
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
            for row in rows:
                message = EmailMessage(policy=SMTP)
                message["From"] = "Acme News <news@acme.test>"
                message["To"] = row["email"]
                message["Subject"] = subject.render(row)
                message.set_content(text.render(row))
                if html is not None:
                    message.add_alternative(html.render(row), subtype="html")
                await client.send_message(message)
                sent += 1

    start, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(worker() for _ in range(workers)))
    seconds = time.perf_counter() - start
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"sent": sent, "seconds": seconds, "cpu": time.process_time() - cpu, "peak_kb": usage.ru_maxrss}))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
